/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/servers.h"

#include <errno.h>

bool dns_servers_set(struct dns_servers *s, const struct dns_server_list *list, unsigned epoch)
{
	if (dns_server_list_equal(&s->list, list))
		return false;
	*s = (struct dns_servers){ .list = *list, .epoch = epoch };
	return true;
}

int dns_servers_pick(const struct dns_servers *s, usec_t now, unsigned excluded, unsigned first)
{
	int second_choice = -ENOENT;
	for (unsigned n = 0; n < s->list.count; n++) {
		unsigned i = (first + n) % s->list.count;
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
