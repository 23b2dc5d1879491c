/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/guests.h"

#include <stdlib.h>

void dns_guests_init(struct dns_guests *g, const struct hash_key *key)
{
	g->key = *key;
	for (unsigned i = 0; i < DNS_GUEST_BUCKETS; i++)
		list_init(&g->buckets[i]);
}

static struct list *bucket_of(struct dns_guests *g, ip4_t ip)
{
	return &g->buckets[hash_bytes(&g->key, &ip, sizeof(ip)) % DNS_GUEST_BUCKETS];
}

struct dns_guest *dns_guests_find(struct dns_guests *g, ip4_t ip)
{
	struct list *bucket = bucket_of(g, ip);
	list_for_each(node, bucket) {
		struct dns_guest *guest = container_of(node, struct dns_guest, node);
		if (guest->ip == ip)
			return guest;
	}
	return NULL;
}

struct dns_guest *dns_guests_get(struct dns_guests *g, ip4_t ip)
{
	struct dns_guest *guest = dns_guests_find(g, ip);
	if (guest)
		return guest;
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		return NULL;
	guest->ip = ip;
	list_init(&guest->queries);
	list_append(bucket_of(g, ip), &guest->node);
	return guest;
}

void dns_guest_release(struct dns_guest *guest)
{
	if (guest->n_queries > 0 || guest->n_streams > 0)
		return;
	list_remove(&guest->node);
	free(guest);
}
