/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/servers.h"

#include <errno.h>

bool dns_servers_set(struct dns_servers *s, const struct dns_server_list *list)
{
	if (dns_server_list_equal(&s->list, list))
		return false;
	*s = (struct dns_servers){ .list = *list, .epoch = s->epoch + 1 };
	return true;
}

int dns_servers_pick(const struct dns_servers *s, usec_t now, unsigned excluded)
{
	int second_choice = -ENOENT;
	for (unsigned i = 0; i < s->list.count; i++) {
		if (excluded & 1u << i)
			continue;
		if (s->health[i].bad_until <= now)
			return (int)i;
		if (second_choice < 0)
			second_choice = (int)i;
	}
	return second_choice;
}

void dns_servers_answered(struct dns_servers *s, usec_t now, unsigned index)
{
	s->health[index] = (struct dns_server_health){ .answered = now };
}

bool dns_servers_silent(struct dns_servers *s, usec_t now, unsigned index, usec_t since)
{
	if (s->health[index].answered >= since)
		return false;
	bool was_bad = s->health[index].bad_until > now;
	dns_servers_failed(s, now, index);
	return !was_bad;
}

void dns_servers_failed(struct dns_servers *s, usec_t now, unsigned index)
{
	s->health[index].bad_until = usec_add(now, DNS_SERVER_PENALTY);
}
