/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forwarding database: the port on which a MAC was last seen, and how large packets it takes.  Entries age.  The table grows, up to a limit
 * that the ports share (base/allowance.h).  A port beyond its share displaces MACs of a port that has more, or else its own, least recently
 * seen first, so a guest that makes up source MACs harms no other guest, and a switch behind an uplink may have thousands.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/slots.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port;

#define FDB_MAX 65536u               /* entries; one port alone gets half of them */
#define FDB_RECENT 64u               /* look-ups that are remembered, and need no hash */
#define FDB_AGE (300 * USEC_PER_SEC) /* as the kernel's bridge (IEEE 802.1Q-2018 §8.8.3) */

struct fdb_entry {
	struct mac mac;
	uint16_t mtu; /* largest IP packet in bytes that it has shown to take, at least ETH_MTU */
	struct port *port;
	usec_t seen; /* at most a second ago when the MAC is in use: it is not written for each frame */

	/* private to fdb.c */
	uint32_t index;        /* in fdb.by_index */
	struct list of_port;   /* in port->macs, least recently seen first */
	struct list by_age;    /* in fdb.by_age, likewise */
	struct hash_node node; /* in fdb.by_mac */
};

struct fdb {
	struct hash_table by_mac;
	struct slots by_index; /* for walks in slices */
	struct list by_age;
	uint32_t hand; /* where the next search for a port that has more MACs begins, in by_index */
	/* Recent look-ups, by bytes of the MAC that differ between guests; a guest that picks them loses only time.  NULL: none. */
	struct fdb_entry *recent[FDB_RECENT];
	struct hash_key key;
};

enum fdb_learned {
	FDB_KNOWN,
	FDB_NEW,
	FDB_MOVED, /* was on another port */
	FDB_FULL,  /* not learned: no memory, or no room and the port has nothing to displace */
};

void fdb_init(struct fdb *f, const struct hash_key *key);
void fdb_done(struct fdb *f);
/* A frame from @mac came in on @port. */
enum fdb_learned fdb_learn(struct fdb *f, usec_t now, struct mac mac, struct port *port);
/* NULL when unknown or aged. */
struct port *fdb_find(struct fdb *f, usec_t now, struct mac mac);
/*
 * The largest IP packet in bytes that @mac has shown to take since it was learned on its port, and after fdb_forget_mtu(); ETH_MTU when it
 * is not known.
 */
size_t fdb_mtu(struct fdb *f, struct mac mac);
/* @mac has shown that it takes packets of @len bytes. */
void fdb_learn_mtu(struct fdb *f, struct mac mac, size_t len);
/* @mac may have another network card now. */
void fdb_forget_mtu(struct fdb *f, struct mac mac);
/* Forgets everything about @port. */
void fdb_forget(struct fdb *f, struct port *port);
