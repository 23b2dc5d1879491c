/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hosts file.  Whatever it says, each name is found again, and the table stays within its limits. */
#include "base/macros.h"
#include "host/hosts_file.h"
#include "service/dns/records.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_owner(const struct dns_records *r, const struct dns_owner *o)
{
	struct bytes_reader reader = bytes_reader(o->bytes, o->len);
	struct dns_name name;
	unsigned n = 0;
	check(dns_name_parse(&reader, o->bytes, &name) == 0 && reader.left == 0 && dns_records_find(r, &name) == o);
	for (const struct dns_stored *s = o->first; s; s = s->next, n++)
		check(s->type == DNS_TYPE_A ? s->len == 4 : s->type == DNS_TYPE_AAAA ? s->len == 16 : s->type == DNS_TYPE_PTR);
	check(n > 0 && n <= DNS_RECORDS_PER_NAME);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hosts_file_self self = { .host_name = "box", .addr = ip_from_ip4(IP4(192, 168, 122, 1)) };
	struct dns_records r = { .key = { { 1, 2 } } };
	check(hosts_file_parse((const char *)data, size, &self, &r) == 0);
	for (size_t i = 0; i < r.by_owner.n_buckets; i++)
		for (struct hash_node *n = r.by_owner.buckets[i]; n; n = n->next)
			check_owner(&r, container_of(n, struct dns_owner, node));
	dns_records_done(&r);
	return 0;
}
