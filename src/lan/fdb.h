/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forwarding database: the port on which a MAC was last seen.  Entries age.  The table is bounded and each port has a share of it, so a
 * guest that makes up source MACs harms no other guest.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

struct port;

#define FDB_SIZE 8192u               /* slots; at most 3/4 are used */
#define FDB_PER_PORT 1024u           /* learned MACs of one port */
#define FDB_RECENT 64u               /* look-ups that are remembered, and need no hash */
#define FDB_AGE (300 * USEC_PER_SEC) /* as the kernel's bridge (IEEE 802.1Q-2018 §8.8.3) */

struct fdb_entry {
	struct mac mac;
	struct port *port; /* NULL: free slot */
	usec_t seen;
};

struct fdb {
	struct fdb_entry *slots;
	unsigned used;
	/* Slots of recent look-ups, by bytes of the MAC that differ between guests; a guest that picks them loses only time. */
	uint16_t recent[FDB_RECENT];
	usec_t sweep_after; /* no search for aged entries before then */
	struct hash_key key;
};

enum fdb_learned {
	FDB_KNOWN,
	FDB_NEW,
	FDB_MOVED, /* was on another port */
	FDB_FULL,  /* not learned */
};

/* -ENOMEM. */
int fdb_init(struct fdb *f, const struct hash_key *key);
void fdb_done(struct fdb *f);
/* A frame from @mac came in on @port. */
enum fdb_learned fdb_learn(struct fdb *f, usec_t now, struct mac mac, struct port *port);
/* NULL when unknown or aged. */
struct port *fdb_find(struct fdb *f, usec_t now, struct mac mac);
/* Forgets everything about @port. */
void fdb_forget(struct fdb *f, const struct port *port);
