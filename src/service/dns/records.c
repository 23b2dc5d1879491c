/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/records.h"

#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void owner_free(struct dns_owner *o)
{
	for (struct dns_stored *s = o->first, *next; s; s = next) {
		next = s->next;
		free(s);
	}
	free(o);
}

void dns_records_done(struct dns_records *r)
{
	for (size_t i = 0; i < r->by_owner.n_buckets; i++) {
		for (struct hash_node *n = r->by_owner.buckets[i], *next; n; n = next) {
			next = n->next;
			owner_free(container_of(n, struct dns_owner, node));
		}
	}
	hash_table_done(&r->by_owner);
	*r = (struct dns_records){ .key = r->key };
}

static struct dns_owner *find_folded(const struct dns_records *r, const struct dns_name *folded, uint64_t hash)
{
	for (struct hash_node *n = hash_table_find(&r->by_owner, hash); n; n = hash_node_next(n)) {
		struct dns_owner *o = container_of(n, struct dns_owner, node);
		if (o->len == folded->len && memcmp(o->bytes, folded->bytes, o->len) == 0)
			return o;
	}
	return NULL;
}

const struct dns_owner *dns_records_find(const struct dns_records *r, const struct dns_name *name)
{
	if (r->by_owner.n == 0)
		return NULL;
	struct dns_name folded = dns_name_fold(name);
	return find_folded(r, &folded, hash_bytes(&r->key, folded.bytes, folded.len));
}

static int find_or_make(struct dns_records *r, const struct dns_name *name, struct dns_owner **ret)
{
	struct dns_name folded = dns_name_fold(name);
	uint64_t hash = hash_bytes(&r->key, folded.bytes, folded.len);
	struct dns_owner *o = find_folded(r, &folded, hash);
	if (!o) {
		if (r->by_owner.n >= DNS_RECORDS_MAX)
			return -ENOSPC;
		o = malloc(sizeof(*o) + folded.len);
		if (!o)
			return -ENOMEM;
		*o = (struct dns_owner){ .len = folded.len };
		memcpy(o->bytes, folded.bytes, folded.len);
		if (hash_table_add(&r->by_owner, &o->node, hash) < 0) {
			free(o);
			return -ENOMEM;
		}
	}
	*ret = o;
	return 0;
}

int dns_records_add(struct dns_records *r, const struct dns_name *owner, uint16_t type, const void *data, size_t len)
{
	struct dns_owner *o;
	if (len > DNS_RECORD_DATA_MAX || r->n >= DNS_RECORDS_MAX)
		return -ENOSPC;
	int err = find_or_make(r, owner, &o);
	if (err < 0)
		return err;
	struct dns_stored **at = &o->first;
	unsigned n = 0;
	for (; *at; at = &(*at)->next, n++) {
		const struct dns_stored *s = *at;
		if (s->type == type && s->len == len && memcmp(s->data, data, len) == 0)
			return 0;
		if (s->type == DNS_TYPE_CNAME || type == DNS_TYPE_CNAME)
			return -EEXIST;
	}
	if (n == DNS_RECORDS_PER_NAME)
		return -ENOSPC;
	struct dns_stored *s = malloc(sizeof(*s) + len);
	if (!s)
		return -ENOMEM;
	*s = (struct dns_stored){ .type = type, .len = (uint16_t)len };
	memcpy(s->data, data, len);
	*at = s;
	r->n++;
	return 0;
}

int dns_records_add_address(struct dns_records *r, const struct dns_name *owner, const struct ip_addr *addr)
{
	return ip_is_v4(addr) ? dns_records_add(r, owner, DNS_TYPE_A, addr->b + 12, 4)
			      : dns_records_add(r, owner, DNS_TYPE_AAAA, addr->b, sizeof(addr->b));
}

int dns_records_add_parents(struct dns_records *r, const struct dns_name *name)
{
	struct dns_name above = dns_name_parent(name, 1);
	for (; above.len > 1; above = dns_name_parent(&above, 1)) {
		struct dns_owner *o;
		int err = find_or_make(r, &above, &o);
		if (err < 0)
			return err;
	}
	return 0;
}

const struct dns_stored *dns_owner_next(const struct dns_owner *o, const struct dns_stored *after, uint16_t type)
{
	const struct dns_stored *s = after ? after->next : o ? o->first : NULL;
	while (s && s->type != type)
		s = s->next;
	return s;
}
