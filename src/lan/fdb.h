/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forwarding database: which port a MAC was last seen on.  Bounded, with a share per port, so
 * that a guest that makes up source MACs crowds out nobody but itself.  Entries age.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/usec.h"

#include <stdbool.h>

struct port;

#define FDB_SIZE 8192u               /* slots; at most 3/4 are used */
#define FDB_PER_PORT 1024u           /* learned MACs of one port */
#define FDB_AGE (300 * USEC_PER_SEC) /* as the kernel's bridge (IEEE 802.1Q-2018 §8.8.3) */

struct fdb_entry {
	struct mac mac;
	struct port *port; /* NULL: free slot */
	usec_t seen;
};

struct fdb {
	struct fdb_entry *slots;
	unsigned used;
	unsigned last;      /* the slot found last: frames come in runs */
	usec_t sweep_after; /* when aged entries may be looked for again */
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
/* @mac sent a frame on @port at @now. */
enum fdb_learned fdb_learn(struct fdb *f, usec_t now, struct mac mac, struct port *port);
/* NULL when unknown or aged. */
struct port *fdb_find(struct fdb *f, usec_t now, struct mac mac);
/* Forgets everything about @port. */
void fdb_forget(struct fdb *f, const struct port *port);
