/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases: which address belongs to which MAC, until when, and in what stage of being given.
 *
 * An address has at most one record and so has a MAC; a name belongs to at most one record.  A record
 * outlives its lease: until somebody else needs the address, the guest finds its old one again (RFC 2131
 * §4.3.1).  The table holds a bounded number of records and then forgets old ones, so that made-up MACs cannot take
 * memory.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/usec.h"
#include "service/guest_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dhcp_probe;

/*
 *   (none) → PROBING → OFFERED → BOUND → RELEASED
 *
 * OFFERED lapses and BOUND ends at `expires`; the record then stays as a memory.  BOUND is also entered
 * directly, by a client that still knows its address.  Each of them may become SET_ASIDE, which belongs to nobody.
 */
enum lease_state {
	LEASE_PROBING,   /* asking by ARP whether the address is free */
	LEASE_OFFERED,   /* kept for the client's DHCPREQUEST */
	LEASE_BOUND,     /* the client has it */
	LEASE_RELEASED,  /* the client gave it back */
	LEASE_SET_ASIDE, /* somebody uses it without a lease */
};

enum lease_index {
	LEASE_BY_MAC,
	LEASE_BY_IP,
	LEASE_BY_NAME,
	LEASE_INDEX_COUNT,
};

#define LEASE_CLIENT_ID_MAX 255

struct lease {
	struct mac mac; /* zero: SET_ASIDE */
	ip4_t ip;
	enum lease_state state;
	usec_t expires; /* USEC_INFINITY: never; without meaning in PROBING and RELEASED */
	char name[GUEST_NAME_SIZE];
	uint8_t client_id_len; /* 0: the client sent none */
	uint8_t client_id[LEASE_CLIENT_ID_MAX];
	struct dhcp_probe *probe; /* dhcp.c's, in PROBING */

	/* the table's */
	struct list age;
	struct lease *next[LEASE_INDEX_COUNT];
};

/* Nobody else may have the address. */
static inline bool lease_is_held(const struct lease *l, usec_t now)
{
	return l->state == LEASE_PROBING || (l->state != LEASE_RELEASED && now < l->expires);
}

/* A guest has the address right now. */
static inline bool lease_is_active(const struct lease *l, usec_t now)
{
	return l->state == LEASE_BOUND && now < l->expires;
}

/* The record says something worth keeping: who had the address last. */
static inline bool lease_is_memory(const struct lease *l, usec_t now)
{
	return !lease_is_held(l, now) && (l->state == LEASE_BOUND || l->state == LEASE_RELEASED);
}

struct lease_table {
	struct hash_key key;
	unsigned count, capacity;
	struct list ages; /* least recently touched first */
	unsigned slot_mask;
	struct lease **slots[LEASE_INDEX_COUNT];
};

/* -ENOMEM. */
int lease_table_init(struct lease_table *t, const struct hash_key *key, unsigned capacity);
void lease_table_done(struct lease_table *t);

/* NULL when there is none. */
struct lease *lease_find_mac(const struct lease_table *t, struct mac mac);
struct lease *lease_find_ip(const struct lease_table *t, ip4_t ip);
struct lease *lease_find_name(const struct lease_table *t, const char *name);

/*
 * A RELEASED record of @mac at @ip, neither of which has one.  In a full table it takes the place of one that nobody
 * holds, the least recently touched, memories last; NULL when all are held or memory is short.
 */
struct lease *lease_new(struct lease_table *t, usec_t now, struct mac mac, ip4_t ip);
/* Forgets @l. */
void lease_free(struct lease_table *t, struct lease *l);
/*
 * A slice of a walk over the records that have a MAC: calls @each for those in the @max slots from *@cursor on (0: the beginning),
 * which is moved on.  False when that was the last slice.
 */
bool lease_table_walk(const struct lease_table *t, unsigned *cursor, unsigned max, void (*each)(void *opaque, const struct lease *l),
		      void *opaque);
/* Gives @l another address, which has no record. */
void lease_move(struct lease_table *t, struct lease *l, ip4_t ip);
/* @name must not be another record's; "" takes the name away. */
void lease_set_name(struct lease_table *t, struct lease *l, const char *name);
/* Takes @l from its MAC and its name: SET_ASIDE until @until. */
void lease_set_aside(struct lease_table *t, struct lease *l, usec_t until);
/* @l was of use just now. */
void lease_touch(struct lease_table *t, struct lease *l);
