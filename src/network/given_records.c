/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/given_records.h"

#include "options/settings.h"
#include "service/dns/records.h"
#include "wire/dns_text.h"

#include <errno.h>

/* Adds to @owner and, if that has one label, to it in the domain.  What the table has no room for is left out. */
static int add(const struct settings *s, struct dns_records *to, const char *owner, uint16_t type, const uint8_t *data, size_t len)
{
	struct dns_name name, domain, in_domain;
	if (dns_name_from_text(owner, &name) < 0)
		return 0;
	int r = dns_records_add(to, &name, type, data, len);
	if (r == 0)
		r = dns_records_add_parents(to, &name);
	bool is_plain = dns_name_labels(&name) == 1 && s->domain[0] && dns_name_from_text(s->domain, &domain) == 0 &&
			dns_name_child(owner, &domain, &in_domain) == 0;
	if (r == 0 && is_plain)
		r = dns_records_add(to, &in_domain, type, data, len);
	return r == -ENOMEM ? r : 0;
}

static int add_record(const struct settings *s, struct dns_records *to, const struct settings_record *record)
{
	uint8_t data[DNS_RECORD_DATA_MAX];
	struct bytes_writer w = bytes_writer(data, sizeof(data));
	return dns_data_from_text(record->type, record->data, &w) < 0 ? 0 : add(s, to, record->name, record->type, data, w.len);
}

int given_records_make(const struct settings *s, struct dns_records *ret)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < s->n_names; i++) {
		struct ip_addr addr = ip_from_ip4(s->names[i].ip);
		r = add(s, ret, s->names[i].name, DNS_TYPE_A, addr.b + 12, 4);
	}
	for (size_t i = 0; r == 0 && i < s->n_records; i++)
		r = add_record(s, ret, &s->records[i]);
	if (r < 0)
		dns_records_done(ret);
	return r;
}
