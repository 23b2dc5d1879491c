/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open addressing with linear probing.  Removing an entry shifts back those behind it, so there are no tombstones and a lookup ends at
 * the first free slot.
 */
#include "lan/fdb.h"

#include "lan/port.h"

#include <errno.h>
#include <stdlib.h>

#define SLOT_MASK (FDB_SIZE - 1)
#define USED_MAX (FDB_SIZE / 4 * 3)
/* Minimum time between two searches of a full table for aged entries. */
#define SWEEP_INTERVAL USEC_PER_SEC

static_assert((FDB_SIZE & SLOT_MASK) == 0, "the size is a power of two");
static_assert(FDB_SIZE <= UINT16_MAX + 1, "fdb.recent has slots");

int fdb_init(struct fdb *f, const struct hash_key *key)
{
	struct fdb_entry *slots = calloc(FDB_SIZE, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	*f = (struct fdb){ .slots = slots, .key = *key };
	return 0;
}

void fdb_done(struct fdb *f)
{
	free(f->slots);
	f->slots = NULL;
}

static unsigned home_slot(const struct fdb *f, struct mac mac)
{
	return (unsigned)hash_bytes(&f->key, mac.b, sizeof(mac.b)) & SLOT_MASK;
}

static bool is_slot_of(const struct fdb *f, unsigned i, struct mac mac)
{
	return f->slots[i].port && mac_equal(f->slots[i].mac, mac);
}

/* The slot of @mac, or the free one where it would go. */
static unsigned find_slot(struct fdb *f, struct mac mac)
{
	uint16_t *recent = &f->recent[(mac.b[5] ^ mac.b[4]) % FDB_RECENT];
	if (is_slot_of(f, *recent, mac))
		return *recent;
	unsigned i = home_slot(f, mac);
	while (f->slots[i].port && !mac_equal(f->slots[i].mac, mac))
		i = (i + 1) & SLOT_MASK;
	*recent = (uint16_t)i;
	return i;
}

static bool is_aged(const struct fdb_entry *e, usec_t now)
{
	return now - e->seen > FDB_AGE;
}

static void remove_slot(struct fdb *f, unsigned hole)
{
	f->slots[hole].port->n_macs--;
	f->used--;
	for (unsigned i = (hole + 1) & SLOT_MASK; f->slots[i].port; i = (i + 1) & SLOT_MASK) {
		unsigned home = home_slot(f, f->slots[i].mac);
		/* This entry may move into the hole unless its home slot lies between the two. */
		if (((i - home) & SLOT_MASK) >= ((i - hole) & SLOT_MASK)) {
			f->slots[hole] = f->slots[i];
			hole = i;
		}
	}
	f->slots[hole].port = NULL;
}

static void sweep(struct fdb *f, usec_t now)
{
	if (now < f->sweep_after)
		return;
	f->sweep_after = now + SWEEP_INTERVAL;
	for (unsigned i = 0; i < FDB_SIZE;) {
		if (f->slots[i].port && is_aged(&f->slots[i], now))
			remove_slot(f, i); /* an entry behind it may have moved into this slot */
		else
			i++;
	}
}

static bool has_room(const struct fdb *f, const struct port *port)
{
	return f->used < USED_MAX && port->n_macs < FDB_PER_PORT;
}

enum fdb_learned fdb_learn(struct fdb *f, usec_t now, struct mac mac, struct port *port)
{
	struct fdb_entry *e = &f->slots[find_slot(f, mac)];
	if (e->port == port) {
		e->seen = now;
		return FDB_KNOWN;
	}
	bool moves = e->port != NULL;
	if (!has_room(f, port) && !(moves && port->n_macs < FDB_PER_PORT)) {
		sweep(f, now);
		if (!has_room(f, port))
			return FDB_FULL;
		e = &f->slots[find_slot(f, mac)];
		moves = e->port != NULL;
	}
	if (moves)
		e->port->n_macs--;
	else
		f->used++;
	port->n_macs++;
	*e = (struct fdb_entry){ .mac = mac, .port = port, .seen = now };
	return moves ? FDB_MOVED : FDB_NEW;
}

struct port *fdb_find(struct fdb *f, usec_t now, struct mac mac)
{
	const struct fdb_entry *e = &f->slots[find_slot(f, mac)];
	return e->port && !is_aged(e, now) ? e->port : NULL;
}

void fdb_forget(struct fdb *f, const struct port *port)
{
	for (unsigned i = 0; i < FDB_SIZE && port->n_macs > 0;) {
		if (f->slots[i].port == port)
			remove_slot(f, i);
		else
			i++;
	}
}
