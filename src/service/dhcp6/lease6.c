/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp6/lease6.h"

#include "base/allowance.h"
#include "base/macros.h"
#include "gateway/payer.h"

#include <stdlib.h>
#include <string.h>

/* One port gets at most WEIGHT / (WEIGHT + 1). */
#define WEIGHT 7u

static uint64_t hash_of_client(const struct lease6_table *t, const struct dhcp6_duid *client, uint32_t iaid, struct mac mac)
{
	uint8_t bytes[DHCP6_DUID_MAX + sizeof(iaid) + sizeof(mac.b)];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	bytes_put_be32(&w, iaid);
	bytes_put(&w, mac.b, sizeof(mac.b));
	bytes_put(&w, client->bytes, client->len);
	return hash_bytes(&t->key, bytes, w.len);
}

static uint64_t hash_of_address(const struct lease6_table *t, const struct ip_addr *addr)
{
	return hash_bytes(&t->key, addr->b, sizeof(addr->b));
}

static uint64_t hash_of_mac(const struct lease6_table *t, struct mac mac)
{
	return hash_bytes(&t->key, mac.b, sizeof(mac.b));
}

static uint64_t hash_of_name(const struct lease6_table *t, const char *name)
{
	return hash_bytes(&t->key, name, strlen(name));
}

static struct lease6 *of_node(struct hash_node *node, enum lease6_index index)
{
	return node ? container_of(node, struct lease6, nodes[index]) : NULL;
}

static struct lease6 *first(const struct lease6_table *t, enum lease6_index index, uint64_t hash)
{
	return of_node(hash_table_find(&t->by[index], hash), index);
}

static struct lease6 *next(const struct lease6 *l, enum lease6_index index)
{
	return of_node(hash_node_next(&l->nodes[index]), index);
}

void lease6_table_init(struct lease6_table *t, const struct hash_key *key)
{
	t->key = *key;
	list_init(&t->ages);
}

void lease6_table_done(struct lease6_table *t)
{
	if (t->ages.next)
		list_for_each(node, &t->ages)
			lease6_free(t, container_of(node, struct lease6, age));
	for (unsigned i = 0; i < LEASE6_INDEX_COUNT; i++)
		hash_table_done(&t->by[i]);
	slots_done(&t->by_index);
	heap_done(&t->ends);
}

/* --- look-ups --- */

struct lease6 *lease6_find_address(const struct lease6_table *t, const struct ip_addr *addr)
{
	struct lease6 *l = first(t, LEASE6_BY_ADDRESS, hash_of_address(t, addr));
	while (l && !ip_equal(&l->addr, addr))
		l = next(l, LEASE6_BY_ADDRESS);
	return l;
}

struct lease6 *lease6_find_client(const struct lease6_table *t, const struct dhcp6_duid *client, uint32_t iaid, struct mac mac,
				  const struct lease6 *after)
{
	struct lease6 *l = after ? next(after, LEASE6_BY_CLIENT) : first(t, LEASE6_BY_CLIENT, hash_of_client(t, client, iaid, mac));
	while (l && (l->iaid != iaid || !mac_equal(l->mac, mac) || !dhcp6_duid_equal(&l->client, client)))
		l = next(l, LEASE6_BY_CLIENT);
	return l;
}

struct lease6 *lease6_find_mac(const struct lease6_table *t, struct mac mac, const struct lease6 *after)
{
	if (mac_is_zero(mac))
		return NULL;
	struct lease6 *l = after ? next(after, LEASE6_BY_MAC) : first(t, LEASE6_BY_MAC, hash_of_mac(t, mac));
	while (l && !mac_equal(l->mac, mac))
		l = next(l, LEASE6_BY_MAC);
	return l;
}

struct lease6 *lease6_find_name(const struct lease6_table *t, const char *name)
{
	if (name[0] == '\0')
		return NULL;
	struct lease6 *l = first(t, LEASE6_BY_NAME, hash_of_name(t, name));
	while (l && strcmp(l->name, name) != 0)
		l = next(l, LEASE6_BY_NAME);
	return l;
}

/* --- changes --- */

static void leave(struct lease6_table *t, struct lease6 *l, enum lease6_index index, bool is_in)
{
	if (is_in)
		hash_table_remove(&t->by[index], &l->nodes[index]);
}

static void charge(struct lease6 *l, struct payer *payer)
{
	list_remove(&l->of_payer);
	if (l->payer)
		l->payer->n_leases6--;
	if (payer) {
		payer->n_leases6++;
		list_append(&payer->leases6, &l->of_payer);
	}
	payer_ref(payer);
	payer_unref(l->payer);
	l->payer = payer;
}

static bool add_nodes(struct lease6_table *t, struct lease6 *l)
{
	if (hash_table_add(&t->by[LEASE6_BY_ADDRESS], &l->nodes[LEASE6_BY_ADDRESS], hash_of_address(t, &l->addr)) < 0)
		return false;
	if (hash_table_add(&t->by[LEASE6_BY_CLIENT], &l->nodes[LEASE6_BY_CLIENT], hash_of_client(t, &l->client, l->iaid, l->mac)) == 0) {
		if (slots_add(&t->by_index, l, &l->index) == 0)
			return true;
		leave(t, l, LEASE6_BY_CLIENT, true);
	}
	leave(t, l, LEASE6_BY_ADDRESS, true);
	return false;
}

struct lease6 *lease6_new(struct lease6_table *t, const struct ip_addr *addr, const struct dhcp6_duid *client, uint32_t iaid)
{
	if (lease6_count(t) >= LEASES6_MAX || heap_reserve(&t->ends, lease6_count(t) + 1) < 0)
		return NULL;
	struct lease6 *l = malloc(sizeof(*l));
	if (!l)
		return NULL;
	*l = (struct lease6){ .addr = *addr, .client = *client, .iaid = iaid, .end.at = HEAP_NOWHERE };
	list_init(&l->age);
	list_init(&l->of_payer);
	list_init(&l->unsaved);
	if (!add_nodes(t, l)) {
		free(l);
		return NULL;
	}
	list_append(&t->ages, &l->age);
	return l;
}

void lease6_free(struct lease6_table *t, struct lease6 *l)
{
	leave(t, l, LEASE6_BY_ADDRESS, true);
	leave(t, l, LEASE6_BY_CLIENT, true);
	leave(t, l, LEASE6_BY_MAC, !mac_is_zero(l->mac));
	leave(t, l, LEASE6_BY_NAME, l->name[0] != '\0');
	slots_remove(&t->by_index, l->index);
	heap_remove(&t->ends, &l->end);
	charge(l, NULL);
	list_remove(&l->age);
	list_remove(&l->unsaved);
	free(l);
}

void lease6_hold(struct lease6_table *t, struct lease6 *l, struct payer *payer, usec_t until)
{
	heap_remove(&t->ends, &l->end);
	l->expires = until;
	if (until != USEC_INFINITY)
		heap_add(&t->ends, &l->end, until);
	list_remove(&l->age);
	list_append(&t->ages, &l->age);
	charge(l, payer);
}

bool lease6_set_mac(struct lease6_table *t, struct lease6 *l, struct mac mac)
{
	if (mac_equal(l->mac, mac))
		return true;
	leave(t, l, LEASE6_BY_MAC, !mac_is_zero(l->mac));
	bool ok = mac_is_zero(mac) || hash_table_add(&t->by[LEASE6_BY_MAC], &l->nodes[LEASE6_BY_MAC], hash_of_mac(t, mac)) == 0;
	l->mac = ok ? mac : (struct mac){ { 0 } };
	/* The table does not grow, so this cannot fail. */
	leave(t, l, LEASE6_BY_CLIENT, true);
	hash_table_add(&t->by[LEASE6_BY_CLIENT], &l->nodes[LEASE6_BY_CLIENT], hash_of_client(t, &l->client, l->iaid, l->mac));
	return ok;
}

bool lease6_set_name(struct lease6_table *t, struct lease6 *l, const char *name)
{
	if (strcmp(l->name, name) == 0)
		return true;
	leave(t, l, LEASE6_BY_NAME, l->name[0] != '\0');
	memset(l->name, 0, sizeof(l->name));
	memcpy(l->name, name, strnlen(name, sizeof(l->name) - 1));
	bool ok = l->name[0] == '\0' || hash_table_add(&t->by[LEASE6_BY_NAME], &l->nodes[LEASE6_BY_NAME], hash_of_name(t, l->name)) == 0;
	if (!ok)
		l->name[0] = '\0';
	return ok;
}

/* One of @mac, which has its share. */
static struct lease6 *giving_way_of_mac(const struct lease6_table *t, struct mac mac)
{
	struct lease6 *l = NULL;
	for (unsigned n = 0; n < LEASES6_PER_MAC; n++)
		if (!(l = lease6_find_mac(t, mac, l)))
			return NULL;
	return l;
}

struct lease6 *lease6_giving_way(const struct lease6_table *t, const struct payer *payer, struct mac mac)
{
	unsigned used = lease6_count(t);
	struct lease6 *of_mac = giving_way_of_mac(t, mac);
	if (of_mac)
		return of_mac;
	if (payer && payer->n_leases6 > 0 && !share_allows(payer->n_leases6, 1, used, LEASES6_MAX, WEIGHT))
		return container_of(payer->leases6.next, struct lease6, of_payer);
	return used < LEASES6_MAX ? NULL : container_of(t->ages.next, struct lease6, age);
}

struct lease6 *lease6_first_to_end(const struct lease6_table *t)
{
	struct heap_node *node = heap_first(&t->ends);
	return node ? container_of(node, struct lease6, end) : NULL;
}

void lease6_ended(struct lease6_table *t, struct lease6 *l, usec_t when)
{
	heap_remove(&t->ends, &l->end);
	l->expires = MIN(l->expires, when);
	charge(l, NULL);
}

bool lease6_table_walk(const struct lease6_table *t, unsigned *cursor, unsigned max, void (*each)(void *opaque, const struct lease6 *l),
		       void *opaque)
{
	for (; max > 0 && *cursor < t->by_index.n; (*cursor)++, max--) {
		const struct lease6 *l = slots_get(&t->by_index, *cursor);
		if (l)
			each(opaque, l);
	}
	return *cursor < t->by_index.n;
}
