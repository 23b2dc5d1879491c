/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three hash indexes.  A record enters and leaves each index separately: one that is set aside has no MAC, many have no name, and the
 * address of a MAC can change.
 */
#include "service/dhcp/lease.h"

#include "base/macros.h"
#include "gateway/payer.h"
#include "service/dhcp/saving.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static struct lease *lease_of(struct hash_node *n, enum lease_index which)
{
	return n ? container_of(n - which, struct lease, nodes[0]) : NULL;
}

static bool in_range(const struct lease_table *t, ip4_t ip)
{
	return ip >= t->first && ip <= t->last;
}

static void mark(struct lease_table *t, ip4_t ip, bool has_record)
{
	uint32_t i = ip - t->first;
	if (!in_range(t, ip))
		return;
	if (has_record)
		t->recorded[i / 64] |= UINT64_C(1) << i % 64;
	else
		t->recorded[i / 64] &= ~(UINT64_C(1) << i % 64);
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

int lease_table_init(struct lease_table *t, const struct hash_key *key, unsigned capacity, ip4_t first, ip4_t last)
{
	*t = (struct lease_table){ .key = *key, .capacity = capacity, .first = first, .last = last };
	list_init(&t->ages);
	list_init(&t->memories);
	list_init(&t->stale);
	t->recorded = calloc((last - first) / 64 + 1, sizeof(*t->recorded));
	return t->recorded ? 0 : -ENOMEM;
}

void lease_table_done(struct lease_table *t)
{
	list_for_each(node, &t->ages) {
		struct lease *l = container_of(node, struct lease, age);
		lease_discharge(t, l);
		guest_lease_tie(&l->holder, NULL);
		payer_unref(l->payer);
		free(l);
	}
	list_init(&t->ages);
	for (unsigned i = 0; i < LEASE_INDEX_COUNT; i++)
		hash_table_done(&t->by[i]);
	slots_done(&t->by_index);
	heap_done(&t->ends);
	free(t->recorded);
	t->recorded = NULL;
	t->count = 0;
}

struct lease *lease_find_mac(const struct lease_table *t, struct mac mac)
{
	struct hash_node *n = hash_table_find(&t->by[LEASE_BY_MAC], hash_mac(t, mac));
	while (n && !mac_equal(lease_of(n, LEASE_BY_MAC)->mac, mac))
		n = hash_node_next(n);
	return lease_of(n, LEASE_BY_MAC);
}

struct lease *lease_find_ip(const struct lease_table *t, ip4_t ip)
{
	struct hash_node *n = hash_table_find(&t->by[LEASE_BY_IP], hash_ip(t, ip));
	while (n && lease_of(n, LEASE_BY_IP)->ip != ip)
		n = hash_node_next(n);
	return lease_of(n, LEASE_BY_IP);
}

struct lease *lease_find_name(const struct lease_table *t, const char *name)
{
	struct hash_node *n = hash_table_find(&t->by[LEASE_BY_NAME], hash_name(t, name));
	while (n && strcmp(lease_of(n, LEASE_BY_NAME)->name, name) != 0)
		n = hash_node_next(n);
	return lease_of(n, LEASE_BY_NAME);
}

ip4_t lease_next_free(const struct lease_table *t, ip4_t from)
{
	uint32_t i = from - t->first, end = t->last - t->first;
	uint64_t free_bits = in_range(t, from) ? ~t->recorded[i / 64] & UINT64_MAX << i % 64 : 0;
	if (!in_range(t, from))
		return 0;
	for (i /= 64; !free_bits && i < end / 64;)
		free_bits = ~t->recorded[++i];
	if (!free_bits)
		return 0;
	i = i * 64 + (uint32_t)__builtin_ctzll(free_bits);
	return i <= end ? t->first + i : 0;
}

static struct lease *first_ended(const struct list *l)
{
	return list_empty(l) ? NULL : container_of(l->next, struct lease, ended);
}

static void count_bound(struct lease_table *t, struct lease *l, bool is_bound)
{
	t->n_bound += (unsigned)is_bound - (unsigned)l->is_bound;
	l->is_bound = is_bound;
}

static void has_ended(struct lease_table *t, struct lease *l, bool is_memory)
{
	count_bound(t, l, false);
	heap_remove(&t->ends, &l->end);
	list_remove(&l->ended);
	list_append(is_memory ? &t->memories : &t->stale, &l->ended);
}

/* False when there is no memory for one more record. */
static bool make_room(struct lease_table *t)
{
	if (t->count >= t->capacity) {
		struct lease *old = first_ended(&t->stale);
		old = old ? old : first_ended(&t->memories);
		if (!old)
			return false;
		lease_free(t, old);
	}
	return heap_reserve(&t->ends, t->count + 1) == 0;
}

/* @l has no MAC, name and address yet. */
static bool add_record(struct lease_table *t, struct lease *l, struct mac mac, ip4_t ip)
{
	if (slots_add(&t->by_index, l, &l->index) < 0)
		return false;
	if (hash_table_add(&t->by[LEASE_BY_MAC], &l->nodes[LEASE_BY_MAC], hash_mac(t, mac)) < 0) {
		slots_remove(&t->by_index, l->index);
		return false;
	}
	if (hash_table_add(&t->by[LEASE_BY_IP], &l->nodes[LEASE_BY_IP], hash_ip(t, ip)) < 0) {
		hash_table_remove(&t->by[LEASE_BY_MAC], &l->nodes[LEASE_BY_MAC]);
		slots_remove(&t->by_index, l->index);
		return false;
	}
	return true;
}

struct lease *lease_new(struct lease_table *t, struct mac mac, ip4_t ip)
{
	struct lease *l = make_room(t) ? calloc(1, sizeof(*l)) : NULL;
	if (!l)
		return NULL;
	if (!add_record(t, l, mac, ip)) {
		free(l);
		return NULL;
	}
	l->mac = mac;
	l->ip = ip;
	l->state = LEASE_RELEASED;
	l->end.at = HEAP_NOWHERE;
	guest_lease_init(&l->holder);
	list_init(&l->ended);
	list_init(&l->unsaved);
	list_append(&t->ages, &l->age);
	has_ended(t, l, true);
	mark(t, ip, true);
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
	list_remove(&l->ended);
	heap_remove(&t->ends, &l->end);
	if (until != USEC_INFINITY)
		heap_add(&t->ends, &l->end, until);
}

void lease_discharge(struct lease_table *t, struct lease *l)
{
	discharge(t, l);
	dhcp_ack_free(l->ack);
}

void lease_let_go(struct lease_table *t, struct lease *l)
{
	lease_discharge(t, l);
	l->state = LEASE_RELEASED;
	has_ended(t, l, true);
}

struct lease *lease_table_settle(struct lease_table *t, usec_t now)
{
	struct heap_node *first = heap_first(&t->ends);
	if (!first || first->key > now)
		return NULL;
	struct lease *l = container_of(first, struct lease, end);
	discharge(t, l);
	has_ended(t, l, lease_is_memory(l, now));
	return l;
}

usec_t lease_table_deadline(const struct lease_table *t)
{
	const struct heap_node *first = heap_first(&t->ends);
	return first ? first->key : USEC_INFINITY;
}

void lease_bind(struct lease_table *t, struct lease *l)
{
	l->state = LEASE_BOUND;
	count_bound(t, l, true);
}

static void take_from_owner(struct lease_table *t, struct lease *l)
{
	lease_set_name(t, l, "");
	if (l->state != LEASE_SET_ASIDE)
		hash_table_remove(&t->by[LEASE_BY_MAC], &l->nodes[LEASE_BY_MAC]);
	count_bound(t, l, false);
	guest_lease_tie(&l->holder, NULL);
	l->mac = (struct mac){ { 0 } };
	l->translated = false;
}

void lease_free(struct lease_table *t, struct lease *l)
{
	lease_discharge(t, l);
	take_from_owner(t, l);
	hash_table_remove(&t->by[LEASE_BY_IP], &l->nodes[LEASE_BY_IP]);
	mark(t, l->ip, false);
	slots_remove(&t->by_index, l->index);
	heap_remove(&t->ends, &l->end);
	list_remove(&l->ended);
	list_remove(&l->unsaved);
	list_remove(&l->age);
	t->count--;
	payer_unref(l->payer);
	free(l);
}

void lease_move(struct lease_table *t, struct lease *l, ip4_t ip)
{
	struct hash_table *by_ip = &t->by[LEASE_BY_IP];
	hash_table_remove(by_ip, &l->nodes[LEASE_BY_IP]);
	mark(t, l->ip, false);
	l->ip = ip;
	hash_table_add(by_ip, &l->nodes[LEASE_BY_IP], hash_ip(t, ip)); /* there is room: it was in the table before */
	mark(t, ip, true);
}

void lease_set_name(struct lease_table *t, struct lease *l, const char *name)
{
	struct hash_table *by_name = &t->by[LEASE_BY_NAME];
	if (l->name[0])
		hash_table_remove(by_name, &l->nodes[LEASE_BY_NAME]);
	memset(l->name, 0, sizeof(l->name));
	memcpy(l->name, name, MIN(strlen(name), sizeof(l->name) - 1));
	if (l->name[0] && hash_table_add(by_name, &l->nodes[LEASE_BY_NAME], hash_name(t, l->name)) < 0)
		l->name[0] = '\0'; /* out of memory: a guest without a name is better than one that cannot be found */
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
	for (; max > 0 && *cursor < t->by_index.n; max--, (*cursor)++) {
		const struct lease *l = slots_get(&t->by_index, *cursor);
		if (l && l->state != LEASE_SET_ASIDE)
			each(opaque, l);
	}
	return *cursor < t->by_index.n;
}
