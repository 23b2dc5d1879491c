/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases of DHCPv6: which client has which address, and until when.  A client is a DUID with an IAID, and the MAC that sends its messages:
 * machines that were copied from one image have the same DUID.
 *
 * There is at most one record for each address.  One that has ended is only kept until the saved leases say so.  The table is bounded, and
 * its records are shared among ports: beyond its share, the record of a port that was renewed least recently gives way.  Its client keeps
 * the address all the same, because that follows from the DUID (dhcp6.h), and the record returns with the client's next message.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/hash_table.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/slots.h"
#include "base/usec.h"
#include "service/guest_name.h"
#include "wire/dhcp6.h"

#include <stdbool.h>
#include <stdint.h>

struct payer;

#define LEASES6_MAX 8192u
#define LEASES6_PER_MAC 32u

enum lease6_index {
	LEASE6_BY_ADDRESS,
	LEASE6_BY_CLIENT, /* DUID, IAID and MAC */
	LEASE6_BY_MAC,
	LEASE6_BY_NAME,
	LEASE6_INDEX_COUNT,
};

struct lease6 {
	struct ip_addr addr;
	struct dhcp6_duid client;
	uint32_t iaid;
	struct mac mac; /* zero: the client is behind a relay that does not tell it, or was not heard since a restart */
	char name[GUEST_NAME_SIZE];
	usec_t expires;      /* USEC_INFINITY: never */
	usec_t saved;        /* the end that the saved leases have or will have; 0: they do not have it */
	struct list unsaved; /* private to dhcp6.c */
	struct payer *payer; /* a reference: of the port through which it was made or last renewed; NULL: not since a restart */

	/* private to the table */
	uint32_t index;       /* in lease6_table.by_index */
	struct list age;      /* in lease6_table.ages */
	struct list of_payer; /* in payer.leases6 */
	struct heap_node end; /* in lease6_table.ends, while it is active */
	struct hash_node nodes[LEASE6_INDEX_COUNT];
};

struct lease6_table {
	struct hash_key key;
	struct list ages; /* renewed least recently first */
	struct hash_table by[LEASE6_INDEX_COUNT];
	struct slots by_index; /* for walks in slices */
	struct heap ends;
};

/* @t is zeroed. */
void lease6_table_init(struct lease6_table *t, const struct hash_key *key);
/* Harmless on a zeroed table. */
void lease6_table_done(struct lease6_table *t);

/* Whether the client has the address now. */
static inline bool lease6_is_active(const struct lease6 *l, usec_t now)
{
	return now < l->expires;
}

static inline unsigned lease6_count(const struct lease6_table *t)
{
	return t->by_index.used;
}

/* NULL when there is no such record. */
struct lease6 *lease6_find_address(const struct lease6_table *t, const struct ip_addr *addr);
/* The record behind @after, which is NULL for the first one. */
struct lease6 *lease6_find_client(const struct lease6_table *t, const struct dhcp6_duid *client, uint32_t iaid, struct mac mac,
				  const struct lease6 *after);
struct lease6 *lease6_find_mac(const struct lease6_table *t, struct mac mac, const struct lease6 *after);
struct lease6 *lease6_find_name(const struct lease6_table *t, const char *name);

/* Adds a record for @addr, which has none.  The caller then calls lease6_hold().  NULL: the table is full, or without memory. */
struct lease6 *lease6_new(struct lease6_table *t, const struct ip_addr *addr, const struct dhcp6_duid *client, uint32_t iaid);
/* Removes and frees @l. */
void lease6_free(struct lease6_table *t, struct lease6 *l);
/* @l ends at @until, and belongs to the port of @payer, which may be NULL.  @l is now the one that was renewed most recently. */
void lease6_hold(struct lease6_table *t, struct lease6 *l, struct payer *payer, usec_t until);
/* A zero MAC, and "", are no MAC and no name.  False without memory: it has none then. */
bool lease6_set_mac(struct lease6_table *t, struct lease6 *l, struct mac mac);
bool lease6_set_name(struct lease6_table *t, struct lease6 *l, const char *name);
/* The record that gives way before @payer, which may be NULL, gets one more for @mac; NULL: none has to. */
struct lease6 *lease6_giving_way(const struct lease6_table *t, const struct payer *payer, struct mac mac);

/* The record that ends first; NULL: none does. */
struct lease6 *lease6_first_to_end(const struct lease6_table *t);
/* @l has ended, or is ended by its client: it is not among those that will end any more. */
void lease6_ended(struct lease6_table *t, struct lease6 *l, usec_t when);
/*
 * One step of a walk: calls @each for those among the @max from *@cursor on (0: the first), and advances *@cursor.  False when that was the
 * last step.
 */
bool lease6_table_walk(const struct lease6_table *t, unsigned *cursor, unsigned max, void (*each)(void *opaque, const struct lease6 *l),
		       void *opaque);
