/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three hash indexes with chains through the records.  A record enters and leaves each index separately: one that is set
 * aside has no MAC, many have no name, and the address of a MAC can change.
 */
#include "service/dhcp/lease.h"

#include "base/macros.h"
#include "gateway/payer.h"
#include "service/dhcp/saving.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_INTERVAL USEC_PER_SEC

static uint64_t hash_mac(const struct lease_table *t, struct mac mac)
{
	return hash_bytes(&t->key, mac.b, sizeof(mac.b));
}

static uint64_t hash_ip(const struct lease_table *t, ip4_t ip)
{
	return hash_bytes(&t->key, &ip, sizeof(ip));
}

static uint64_t hash_name(const struct lease_table *t, const char *name)
{
	return hash_bytes(&t->key, name, strlen(name));
}

static void index_add(struct lease_table *t, enum lease_index which, uint64_t hash, struct lease *l)
{
	struct lease **slot = &t->slots[which][hash & t->slot_mask];
	l->next[which] = *slot;
	*slot = l;
}

static void index_remove(struct lease_table *t, enum lease_index which, uint64_t hash, struct lease *l)
{
	struct lease **at = &t->slots[which][hash & t->slot_mask];
	while (*at != l)
		at = &(*at)->next[which];
	*at = l->next[which];
}

/* About one slot for each record. */
static unsigned slot_count(unsigned capacity)
{
	unsigned n = 16;
	while (n < capacity)
		n *= 2;
	return n;
}

static void discharge(struct lease_table *t, struct lease *l)
{
	if (!l->charged)
		return;
	l->charged = false;
	t->n_charged--;
	if (l->payer)
		l->payer->n_leases--;
}

int lease_table_init(struct lease_table *t, const struct hash_key *key, unsigned capacity)
{
	unsigned n = slot_count(capacity);
	*t = (struct lease_table){ .key = *key, .capacity = capacity, .slot_mask = n - 1 };
	list_init(&t->ages);
	for (unsigned i = 0; i < LEASE_INDEX_COUNT; i++) {
		t->slots[i] = calloc(n, sizeof(t->slots[i][0]));
		if (!t->slots[i]) {
			lease_table_done(t);
			return -ENOMEM;
		}
	}
	return 0;
}

void lease_table_done(struct lease_table *t)
{
	list_for_each(node, &t->ages) {
		struct lease *l = container_of(node, struct lease, age);
		discharge(t, l);
		dhcp_ack_free(l->ack);
		payer_unref(l->payer);
		free(l);
	}
	list_init(&t->ages);
	for (unsigned i = 0; i < LEASE_INDEX_COUNT; i++) {
		free(t->slots[i]);
		t->slots[i] = NULL;
	}
	t->count = 0;
}

struct lease *lease_find_mac(const struct lease_table *t, struct mac mac)
{
	struct lease *l = t->slots[LEASE_BY_MAC][hash_mac(t, mac) & t->slot_mask];
	while (l && !mac_equal(l->mac, mac))
		l = l->next[LEASE_BY_MAC];
	return l;
}

struct lease *lease_find_ip(const struct lease_table *t, ip4_t ip)
{
	struct lease *l = t->slots[LEASE_BY_IP][hash_ip(t, ip) & t->slot_mask];
	while (l && l->ip != ip)
		l = l->next[LEASE_BY_IP];
	return l;
}

struct lease *lease_find_name(const struct lease_table *t, const char *name)
{
	struct lease *l = t->slots[LEASE_BY_NAME][hash_name(t, name) & t->slot_mask];
	while (l && strcmp(l->name, name) != 0)
		l = l->next[LEASE_BY_NAME];
	return l;
}

/* The least recently touched record that is not held; a memory only when there is no other. */
static struct lease *least_useful(const struct lease_table *t, usec_t now)
{
	struct lease *memory = NULL;
	list_for_each(node, &t->ages) {
		struct lease *l = container_of(node, struct lease, age);
		if (lease_is_held(l, now))
			continue;
		if (!lease_is_memory(l, now))
			return l;
		if (!memory)
			memory = l;
	}
	return memory;
}

struct lease *lease_new(struct lease_table *t, usec_t now, struct mac mac, ip4_t ip)
{
	if (t->count >= t->capacity) {
		struct lease *old = least_useful(t, now);
		if (!old)
			return NULL;
		lease_free(t, old);
	}
	struct lease *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->mac = mac;
	l->ip = ip;
	l->state = LEASE_RELEASED;
	index_add(t, LEASE_BY_MAC, hash_mac(t, mac), l);
	index_add(t, LEASE_BY_IP, hash_ip(t, ip), l);
	list_append(&t->ages, &l->age);
	t->count++;
	return l;
}

static void charge(struct lease_table *t, struct lease *l)
{
	l->charged = true;
	t->n_charged++;
	if (l->payer)
		l->payer->n_leases++;
}

void lease_hold(struct lease_table *t, struct lease *l, usec_t now, struct payer *payer, usec_t until, bool shared)
{
	if (!lease_is_held(l, now))
		l->since = now;
	discharge(t, l);
	payer_ref(payer);
	payer_unref(l->payer);
	l->payer = payer;
	l->expires = until;
	if (shared)
		charge(t, l);
}

void lease_let_go(struct lease_table *t, struct lease *l)
{
	discharge(t, l);
	dhcp_ack_free(l->ack);
}

void lease_table_settle(struct lease_table *t, usec_t now)
{
	if (now - t->settled < SETTLE_INTERVAL)
		return;
	t->settled = now;
	list_for_each(node, &t->ages) {
		struct lease *l = container_of(node, struct lease, age);
		if (!lease_is_held(l, now))
			discharge(t, l);
	}
}

static void take_from_owner(struct lease_table *t, struct lease *l)
{
	lease_set_name(t, l, "");
	if (l->state != LEASE_SET_ASIDE)
		index_remove(t, LEASE_BY_MAC, hash_mac(t, l->mac), l);
	l->mac = (struct mac){ { 0 } };
	l->translated = false;
}

void lease_free(struct lease_table *t, struct lease *l)
{
	discharge(t, l);
	dhcp_ack_free(l->ack);
	take_from_owner(t, l);
	index_remove(t, LEASE_BY_IP, hash_ip(t, l->ip), l);
	list_remove(&l->age);
	t->count--;
	payer_unref(l->payer);
	free(l);
}

void lease_move(struct lease_table *t, struct lease *l, ip4_t ip)
{
	index_remove(t, LEASE_BY_IP, hash_ip(t, l->ip), l);
	l->ip = ip;
	index_add(t, LEASE_BY_IP, hash_ip(t, ip), l);
}

void lease_set_name(struct lease_table *t, struct lease *l, const char *name)
{
	if (l->name[0])
		index_remove(t, LEASE_BY_NAME, hash_name(t, l->name), l);
	memset(l->name, 0, sizeof(l->name));
	memcpy(l->name, name, MIN(strlen(name), sizeof(l->name) - 1));
	if (l->name[0])
		index_add(t, LEASE_BY_NAME, hash_name(t, l->name), l);
}

void lease_set_aside(struct lease_table *t, struct lease *l)
{
	dhcp_ack_free(l->ack);
	take_from_owner(t, l);
	l->state = LEASE_SET_ASIDE;
	l->client_id_len = 0;
	lease_touch(t, l);
}

void lease_touch(struct lease_table *t, struct lease *l)
{
	list_remove(&l->age);
	list_append(&t->ages, &l->age);
}

bool lease_table_walk(const struct lease_table *t, unsigned *cursor, unsigned max, void (*each)(void *opaque, const struct lease *l),
		      void *opaque)
{
	for (; max > 0 && *cursor <= t->slot_mask; max--, (*cursor)++)
		for (const struct lease *l = t->slots[LEASE_BY_MAC][*cursor]; l; l = l->next[LEASE_BY_MAC])
			each(opaque, l);
	return *cursor <= t->slot_mask;
}
