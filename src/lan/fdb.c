/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/fdb.h"

#include "base/allowance.h"
#include "base/macros.h"
#include "lan/port.h"
#include "wire/eth.h"

#include <stdlib.h>

#define SHARE_WEIGHT 1u
/* How exact the time is when a MAC was last seen: a busy one moves to the end of its lists no more often. */
#define SEEN_STEP USEC_PER_SEC
/* Removed for each new entry, so that a port beyond its share gets down to it. */
#define REMOVE_AT_ONCE 2u
/* Entries looked at in a search for a port that has more. */
#define LOOK_MAX 16u

void fdb_init(struct fdb *f, const struct hash_key *key)
{
	*f = (struct fdb){ .key = *key };
	list_init(&f->by_age);
}

static struct fdb_entry **recent_slot(struct fdb *f, struct mac mac)
{
	return &f->recent[(mac.b[5] ^ mac.b[4]) % FDB_RECENT];
}

static uint64_t hash_mac(const struct fdb *f, struct mac mac)
{
	return hash_bytes(&f->key, mac.b, sizeof(mac.b));
}

static struct fdb_entry *entry_of(struct hash_node *n)
{
	return container_of(n, struct fdb_entry, node);
}

/* A function of its own keeps find() short. */
__attribute__((noinline)) static struct fdb_entry *find_by_hash(struct fdb *f, struct mac mac)
{
	struct hash_node *n = hash_table_find(&f->by_mac, hash_mac(f, mac));
	while (n && !mac_equal(entry_of(n)->mac, mac))
		n = hash_node_next(n);
	if (!n)
		return NULL;
	*recent_slot(f, mac) = entry_of(n);
	return entry_of(n);
}

static struct fdb_entry *find(struct fdb *f, struct mac mac)
{
	struct fdb_entry *recent = *recent_slot(f, mac);
	return recent && mac_equal(recent->mac, mac) ? recent : find_by_hash(f, mac);
}

static void remove_entry(struct fdb *f, struct fdb_entry *e)
{
	struct fdb_entry **recent = recent_slot(f, e->mac);
	if (*recent == e)
		*recent = NULL;
	hash_table_remove(&f->by_mac, &e->node);
	slots_remove(&f->by_index, e->index);
	list_remove(&e->by_age);
	list_remove(&e->of_port);
	e->port->n_macs--;
	free(e);
}

void fdb_done(struct fdb *f)
{
	if (!f->by_age.next)
		return;
	list_for_each(node, &f->by_age)
		remove_entry(f, container_of(node, struct fdb_entry, by_age));
	hash_table_done(&f->by_mac);
	slots_done(&f->by_index);
}

static bool is_aged(const struct fdb_entry *e, usec_t now)
{
	return now - e->seen > FDB_AGE;
}

static void seen_at(struct fdb *f, struct fdb_entry *e, usec_t now, struct port *port)
{
	if (e->port != port || is_aged(e, now))
		e->mtu = ETH_MTU;
	e->seen = now;
	e->port = port;
	list_remove(&e->of_port);
	list_append(&port->macs, &e->of_port);
	list_remove(&e->by_age);
	list_append(&f->by_age, &e->by_age);
}

static void remove_aged(struct fdb *f, usec_t now)
{
	for (unsigned i = 0; i < REMOVE_AT_ONCE && !list_empty(&f->by_age); i++) {
		struct fdb_entry *e = container_of(f->by_age.next, struct fdb_entry, by_age);
		if (!is_aged(e, now))
			return;
		remove_entry(f, e);
	}
}

/* A port that has more entries than @port, the largest of a few; NULL when none is found.  In a full table most are of such ports. */
static struct port *find_larger(struct fdb *f, const struct port *port)
{
	struct port *larger = NULL;
	size_t most = port->n_macs + 1;
	for (unsigned i = 0; i < LOOK_MAX; i++) {
		f->hand = f->hand + 1 < f->by_index.n ? f->hand + 1 : 0;
		const struct fdb_entry *e = slots_get(&f->by_index, f->hand);
		if (!e || e->port->n_macs <= most)
			continue;
		larger = e->port;
		most = larger->n_macs;
	}
	return larger;
}

/* Makes room for one more entry of @port. */
static bool make_room(struct fdb *f, struct port *port)
{
	for (unsigned removed = 0;; removed++) {
		if (share_allows(port->n_macs, 1, f->by_mac.n, FDB_MAX, SHARE_WEIGHT))
			return true;
		struct port *from = find_larger(f, port);
		if (!from)
			from = port;
		if (removed == REMOVE_AT_ONCE || list_empty(&from->macs))
			return removed > 0;
		remove_entry(f, container_of(from->macs.next, struct fdb_entry, of_port));
	}
}

static struct fdb_entry *add_entry(struct fdb *f, struct mac mac)
{
	struct fdb_entry *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->mac = mac;
	list_init(&e->of_port);
	list_init(&e->by_age);
	if (slots_add(&f->by_index, e, &e->index) < 0) {
		free(e);
		return NULL;
	}
	if (hash_table_add(&f->by_mac, &e->node, hash_mac(f, mac)) < 0) {
		slots_remove(&f->by_index, e->index);
		free(e);
		return NULL;
	}
	*recent_slot(f, mac) = e;
	return e;
}

/* @mac is not known, or behind another port. */
static enum fdb_learned learn_at(struct fdb *f, usec_t now, struct mac mac, struct port *port)
{
	remove_aged(f, now);
	if (!make_room(f, port))
		return FDB_FULL;
	struct fdb_entry *e = find(f, mac); /* only now: it may have been what was displaced */
	bool moves = e != NULL;
	if (!e)
		e = add_entry(f, mac);
	if (!e)
		return FDB_FULL;
	if (moves)
		e->port->n_macs--;
	port->n_macs++;
	if (mac_is_zero(port->first_mac))
		port->first_mac = mac;
	seen_at(f, e, now, port);
	return moves ? FDB_MOVED : FDB_NEW;
}

enum fdb_learned fdb_learn(struct fdb *f, usec_t now, struct mac mac, struct port *port)
{
	struct fdb_entry *e = find(f, mac);
	if (!e || e->port != port)
		return learn_at(f, now, mac, port);
	if (now - e->seen >= SEEN_STEP)
		seen_at(f, e, now, port);
	return FDB_KNOWN;
}

struct port *fdb_find(struct fdb *f, usec_t now, struct mac mac)
{
	const struct fdb_entry *e = find(f, mac);
	return e && !is_aged(e, now) ? e->port : NULL;
}

size_t fdb_mtu(struct fdb *f, struct mac mac)
{
	const struct fdb_entry *e = find(f, mac);
	return e ? e->mtu : ETH_MTU;
}

void fdb_learn_mtu(struct fdb *f, struct mac mac, size_t len)
{
	struct fdb_entry *e = find(f, mac);
	if (e)
		e->mtu = (uint16_t)MIN(MAX(len, (size_t)e->mtu), (size_t)UINT16_MAX);
}

void fdb_forget_mtu(struct fdb *f, struct mac mac)
{
	struct fdb_entry *e = find(f, mac);
	if (e)
		e->mtu = ETH_MTU;
}

void fdb_forget(struct fdb *f, struct port *port)
{
	list_for_each(node, &port->macs)
		remove_entry(f, container_of(node, struct fdb_entry, of_port));
}
