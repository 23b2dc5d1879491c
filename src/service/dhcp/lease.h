/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases: which MAC has which address, until when, and in which state.
 *
 * There is at most one record for each address, MAC and name.  Expired and released leases are kept until their
 * address is needed for another guest, so that a guest gets its old address again (RFC 2131 §4.3.1).  The table grows
 * up to a number of records and then replaces old ones, so that invented MACs cannot use up memory.
 *
 * A record that is held until some time is in a heap by that time; lease_table_settle() moves those whose time has passed to one of two
 * lists, of memories and of what nobody will ask for.  So no search looks at all records, of which there are as many as the pool has
 * addresses.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/hash_table.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/slots.h"
#include "base/usec.h"
#include "gateway/guest.h"
#include "service/guest_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dhcp_ack;
struct dhcp_probe;
struct payer;

/*
 *   (none) → PROBING → OFFERED → BOUND → RELEASED
 *
 * OFFERED and BOUND end at `expires`; the record stays as a memory of the guest's address.  A client that still
 * knows its address enters BOUND directly.  Each state may become SET_ASIDE, which has no MAC.
 */
enum lease_state {
	LEASE_PROBING,   /* ARP probe sent: is the address free? */
	LEASE_OFFERED,   /* waiting for the client's DHCPREQUEST */
	LEASE_BOUND,     /* the client has it */
	LEASE_RELEASED,  /* the client released it */
	LEASE_SET_ASIDE, /* a host uses it without a lease */
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
	uint8_t client_id_len; /* 0: the client sent no id */
	uint8_t client_id[LEASE_CLIENT_ID_MAX];
	struct guest_lease holder; /* the guest with the MAC */
	struct payer *payer;       /* a reference: of the port through which it was made or last renewed; NULL: not since a restart */
	usec_t since;              /* held since then; without meaning while it is not */
	bool charged;              /* counts as one of the payer's addresses; may be late to end (lease_table_settle()) */
	bool translated;           /* by frames from another MAC: the client is behind a relay, or a bridge that translates MACs */
	usec_t saved;              /* the end that the saved leases have, or will have before an ACK is sent; 0: they do not have it */
	struct dhcp_ack *ack;      /* private to saving.c: that waits for a save */
	struct list unsaved;       /* private to saving.c */
	struct dhcp_probe *probe;  /* private to server.c, in PROBING */

	/* private to the table */
	bool is_bound;  /* counts in lease_table.n_bound */
	uint32_t index; /* in lease_table.by_index */
	struct list age;
	struct list ended;    /* in lease_table.memories or stale, once the table has noticed that it is not held */
	struct heap_node end; /* in lease_table.ends, while it is held until some time */
	struct hash_node nodes[LEASE_INDEX_COUNT];
};

/* Whether no other guest may get the address. */
static inline bool lease_is_held(const struct lease *l, usec_t now)
{
	return l->state == LEASE_PROBING || (l->state != LEASE_RELEASED && now < l->expires);
}

/* Whether a guest has the address now. */
static inline bool lease_is_active(const struct lease *l, usec_t now)
{
	return l->state == LEASE_BOUND && now < l->expires;
}

/* Whether the record only remembers which guest had the address last. */
static inline bool lease_is_memory(const struct lease *l, usec_t now)
{
	return !lease_is_held(l, now) && (l->state == LEASE_BOUND || l->state == LEASE_RELEASED);
}

struct lease_table {
	struct hash_key key;
	unsigned count, capacity;
	unsigned n_charged;
	unsigned n_bound; /* BOUND records that have not ended, as far as lease_table_settle() knows */
	struct list ages; /* least recently touched first */
	struct hash_table by[LEASE_INDEX_COUNT];
	struct slots by_index; /* for walks in slices */
	struct heap ends;
	/* lease.ended, what ended first in front: leases, and offers and addresses that were set aside. */
	struct list memories, stale;
	ip4_t first, last;  /* the range of lease_next_free() */
	uint64_t *recorded; /* a bit for each address of the range: there is a record */
};

/* @first to @last: the addresses for lease_next_free().  -ENOMEM. */
int lease_table_init(struct lease_table *t, const struct hash_key *key, unsigned capacity, ip4_t first, ip4_t last);
void lease_table_done(struct lease_table *t);

/* NULL when there is no such record. */
struct lease *lease_find_mac(const struct lease_table *t, struct mac mac);
struct lease *lease_find_ip(const struct lease_table *t, ip4_t ip);
struct lease *lease_find_name(const struct lease_table *t, const char *name);
/* The first address from @from to the end of the range that has no record; 0: there is none. */
ip4_t lease_next_free(const struct lease_table *t, ip4_t from);

/*
 * Adds a RELEASED record for @mac and @ip, neither of which has one.  In a full table it replaces the record whose time ended first,
 * memories last; after lease_table_settle().  NULL if all records are held, or without memory.
 */
struct lease *lease_new(struct lease_table *t, struct mac mac, ip4_t ip);
/* Removes and frees @l. */
void lease_free(struct lease_table *t, struct lease *l);
/*
 * One step of a walk over the records that have a MAC: calls @each for those among the @max from *@cursor on (0: the first), and
 * advances *@cursor.  False when that was the last step.
 */
bool lease_table_walk(const struct lease_table *t, unsigned *cursor, unsigned max, void (*each)(void *opaque, const struct lease *l),
		      void *opaque);
/* Changes the address of @l to @ip, which has no record. */
void lease_move(struct lease_table *t, struct lease *l, ip4_t ip);
/* No other record may have @name; "" removes the name. */
void lease_set_name(struct lease_table *t, struct lease *l, const char *name);
/* Removes MAC and name: @l is SET_ASIDE.  lease_hold() comes before. */
void lease_set_aside(struct lease_table *t, struct lease *l);
/*
 * @l is held from @now on, until @until or lease_let_go(), by a guest behind the port of @payer, which may be NULL.  @shared: it counts as
 * one of the payer's addresses.  The caller sets the state after that.
 */
void lease_hold(struct lease_table *t, struct lease *l, usec_t now, struct payer *payer, usec_t until, bool shared);
/* @l does not count as one of its payer's addresses any more; an ACK that waits is not sent. */
void lease_discharge(struct lease_table *t, struct lease *l);
/* @l is RELEASED: it is not held any more. */
void lease_let_go(struct lease_table *t, struct lease *l);
/* Notices the next record that is not held any more: it is not charged, and in one of the two lists of what has ended.  NULL: none. */
struct lease *lease_table_settle(struct lease_table *t, usec_t now);
/* When that may be; USEC_INFINITY: never. */
usec_t lease_table_deadline(const struct lease_table *t);
/* @l, which is held, is BOUND. */
void lease_bind(struct lease_table *t, struct lease *l);
/* @l was used now: makes it the most recently touched record. */
void lease_touch(struct lease_table *t, struct lease *l);
