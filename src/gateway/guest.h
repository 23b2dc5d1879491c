/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests: the machines on the segment.  A guest is a MAC with any number of addresses of both families, behind one port.  Everything that
 * speaks of a machine speaks of this object: neighbours, flows, forwards, names, leases, events.
 *
 *     HEARD    -- ARP answer or a packet from the address -->  PRESENT
 *     HEARD    -- three requests unanswered -->                forgotten (waiting packets dropped)
 *     PRESENT  -- its port was detached -->                    AWAY -- heard again, on any port --> PRESENT
 *     AWAY     -- one minute -->                               forgotten (its flows end)
 *
 * A guest is forgotten with its last address.  An address that is silent for three hours is asked for, three times, and then removed.
 *
 * Only what is told by gone() and moved(), the engine's flows, and what is untied, leases, keep a pointer to a guest beyond the call that
 * gave it.  Forwards, DNS queries,
 * events, captures and snapshots keep addresses, MACs or payers, and look the guest up again.
 *
 * Pure: the time is an argument, and requests leave through struct guest_ops.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/slots.h"
#include "base/usec.h"
#include "gateway/account.h"
#include "lan/frame.h"
#include "wire/eth.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest;
struct payer;
struct port;

#define GUEST_NAME_SIZE 64 /* a DNS label of 63 octets and NUL */
/* The MTU of a guest that has not shown to take larger packets: Ethernet's.  The forwarding table knows those that have (lan/fdb.h). */
#define GUEST_MTU_MIN ETH_MTU
/* Addresses in the table, which payers share.  Beyond its share, one that has more loses the address that was used least recently. */
#define GUEST_ADDRESSES_MAX 65536u
/* Addresses that were asked for and have not answered, which payers share.  Beyond its share, the oldest of a guest's give way. */
#define GUEST_ASKED_MAX 8192u
/* Seen addresses that a port holds against claims of others, so that no port reserves the network by talking. */
#define GUEST_PROTECTED_PER_PORT 64u

enum guest_state {
	GUEST_HEARD,   /* something waits for its address; the MAC is not known yet */
	GUEST_PRESENT, /* it is behind guest.port */
	GUEST_AWAY,    /* its port was detached, and it may come back */
};

/* How well founded the use of an address is.  A claim of a lower rank does not displace it. */
enum guest_rank {
	GUEST_RANK_SEEN,     /* a guest uses it */
	GUEST_RANK_LEASED,   /* DHCP has leased it */
	GUEST_RANK_DECLARED, /* the user has reserved it */
};

/* The guest to which an address is leased, or for which it is reserved.  It need not have used the address yet. */
struct guest_holder {
	struct mac mac;    /* behind a bridge that translates MACs, the guest shows the bridge's on the segment */
	struct port *port; /* NULL: it is not known behind which port the guest is */
};

struct guest_address {
	struct ip_addr addr;
	struct guest *guest;
	uint32_t index; /* in guest_table.by_index */
	uint8_t asked;  /* requests sent since it was last heard */
	uint8_t n_waiting;
	uint8_t rank;      /* enum guest_rank: of its guest's use of the address; for the owner, SEEN at first */
	bool is_protected; /* another port may not take it without asking */
	bool is_lost;      /* DHCP has given it to another guest since its guest used it last */
	usec_t seen;
	usec_t wanted; /* when a guest first asked for it since it was heard; 0: not yet */

	/* private to guest.c */
	usec_t deadline;
	struct list due;       /* in the list of its deadline */
	struct list of_guest;  /* in guest.addresses */
	struct list of_payer;  /* in payer.addresses */
	struct hash_node node; /* in guest_table.by_address */
	struct guest_waiting *waiting;
};

/*
 * A lease of an address by a guest's MAC, whatever protocol leases it: part of a record of the service that owns it.  The lease may be
 * older than the guest, and outlive it.
 */
struct guest_lease {
	struct guest *guest;  /* NULL: no guest with the MAC is known now */
	struct list of_guest; /* in guest.leases */
};

/* Flows of a guest, for the engine. */
struct guest_flows {
	struct list addresses; /* that have flows */
	struct list blocked;   /* wait for the guest's port */
	struct list away;      /* in the engine's list of AWAY guests with flows */
};

/* Frames and their bytes, as they came: a super-frame counts once. */
struct guest_counters {
	uint64_t sent_frames, sent_bytes;         /* that came from it, for anybody */
	uint64_t received_frames, received_bytes; /* that the gateway sent to it */
};

struct guest {
	struct mac mac; /* zero while HEARD */
	enum guest_state state;
	struct port *port;          /* NULL unless PRESENT */
	struct payer *payer;        /* of the port where it is, or was last; while HEARD of the one that asked */
	char name[GUEST_NAME_SIZE]; /* "": it has none */
	usec_t since;               /* PRESENT or AWAY since then */
	struct list addresses;      /* guest_address.of_guest, least recently used first; never empty */
	struct list leases;         /* guest_lease.of_guest; they are untied when the guest is forgotten */
	struct guest_counters counters;
	struct account account;
	struct guest_flows flows; /* private to the engine */

	/* private to guest.c */
	usec_t deadline; /* while AWAY */
	struct list due;
	struct list of_payer;
	struct hash_node node; /* in guest_table.by_mac, unless HEARD */
};

/* Callbacks.  None of them may change the table, except that release() may learn from what it sends. */
struct guest_ops {
	/* Ask on the segment who has @a->addr: ARP for IPv4 (RFC 826), a neighbour solicitation for IPv6 (RFC 4861 §7.2). */
	void (*ask)(void *opaque, usec_t now, const struct guest_address *a);
	/* Send a copy of @frame, which waited, to @a's guest; the callee writes the destination MAC. */
	void (*release)(void *opaque, usec_t now, const struct guest_address *a, const void *frame, size_t len);
	/* @frame waited, but there was no answer. */
	void (*unanswered)(void *opaque, usec_t now, const void *frame, size_t len);
	/* @a is another one of its guest, or the first: it was not known, or another guest had it.  Its rank is SEEN. */
	void (*appeared)(void *opaque, usec_t now, struct guest_address *a);
	/* @to has the address @addr that @from had: flows follow. */
	void (*moved)(void *opaque, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to);
	/*
	 * @g, whose port was @before's, is at another port or AWAY: what was charged to @before for it is charged to @g->payer, which may
	 * be the same.
	 */
	void (*placed)(void *opaque, usec_t now, struct guest *g, struct payer *before);
	/* @g does not use @addr any more: flows end. */
	void (*gone)(void *opaque, usec_t now, struct guest *g, const struct ip_addr *addr);
};

struct guest_table {
	struct hash_table by_mac, by_address;
	struct slots by_index; /* addresses */
	struct list asking;    /* guest_address.due, first deadline first; likewise the next two */
	struct list known;
	struct list away;           /* guest.due */
	struct list payers;         /* payer.node, without the host */
	struct payer *host;         /* the payer for the host */
	struct guest_address *last; /* of the last look-up: packets of one guest come in runs */
	size_t waiting_bytes;
	unsigned n_asked;
	uint32_t hand; /* where the next search for a payer that has more begins, in by_index */
	struct hash_key key;
	const struct guest_ops *ops;
	void *opaque;
};

/* @ops and @opaque are borrowed.  -ENOMEM. */
int guest_table_init(struct guest_table *t, const struct hash_key *key, const struct guest_ops *ops, void *opaque);
/* Calls gone() for each address first.  Harmless on a zeroed table and the second time. */
void guest_table_done(struct guest_table *t, usec_t now);

/* The payer for @port, NULL for the host.  Lives as long as the port, or longer with payer_ref().  NULL: out of memory. */
struct payer *guest_payer(struct guest_table *t, struct port *port);

enum guest_evidence {
	GUEST_BY_IP,  /* a packet from the address */
	GUEST_BY_ARP, /* an ARP message or neighbour discovery with both */
};

/*
 * @mac behind @port uses @addr.  Returns the address; its guest has another MAC when an IP packet claims an address that a PRESENT guest
 * has, which only ARP can move.  NULL: out of memory, or the table is full.
 */
struct guest_address *guest_learn(struct guest_table *t, usec_t now, struct port *port, struct mac mac, const struct ip_addr *addr,
				  enum guest_evidence how);

/* @g was heard on @port: it is there now, with its addresses. */
void guest_moved_to(struct guest_table *t, usec_t now, struct guest *g, struct port *port);

/* The guest with @mac; NULL when it is not known. */
struct guest *guest_find(const struct guest_table *t, struct mac mac);
/* The address @addr; NULL when no guest has it and nothing waits for it. */
struct guest_address *guest_find_address(struct guest_table *t, const struct ip_addr *addr);
/*
 * The address @addr.  When no guest has it, the guest is one that is only HEARD of, at the expense of @payer.  NULL: out of memory, or
 * @payer has its share of unanswered requests and none that could give way to this one.
 */
struct guest_address *guest_expect(struct guest_table *t, usec_t now, const struct ip_addr *addr, struct payer *payer);

/* Whether @a is in use by a PRESENT guest that was heard in the last minute. */
bool guest_address_is_present(const struct guest_address *a, usec_t now);

/* Asks whether the guest of @a, which is known, is still there.  When it does not answer, three times, @a is forgotten. */
void guest_check(struct guest_table *t, usec_t now, struct guest_address *a);

/* @is_lost: another guest has @a by lease or reservation.  The guard checks it again before its guest may use it. */
void guest_address_lost(struct guest_address *a, bool is_lost);

/* Keeps a copy of @frame until @a is answered for, and asks if no request is open.  False when there is no room for it. */
bool guest_wait(struct guest_table *t, usec_t now, struct guest_address *a, const struct frame *frame);
/* @port was detached: its guests are AWAY. */
void guest_port_gone(struct guest_table *t, usec_t now, struct port *port);

static inline void guest_lease_init(struct guest_lease *l)
{
	l->guest = NULL;
	list_init(&l->of_guest);
}

/* @l is a lease of @g; NULL: of no guest that is known. */
static inline void guest_lease_tie(struct guest_lease *l, struct guest *g)
{
	list_remove(&l->of_guest);
	l->guest = g;
	if (g)
		list_append(&g->leases, &l->of_guest);
}

/* Counts @f, which came from @g. */
static inline void guest_sent(struct guest *g, const struct frame *f)
{
	g->counters.sent_frames += f->joined > 0 ? f->joined : 1;
	g->counters.sent_bytes += f->len;
}

/* Counts a frame of @len bytes that the gateway sends to @g. */
static inline void guest_received(struct guest *g, size_t len)
{
	g->counters.received_frames++;
	g->counters.received_bytes += len;
}

/* An address, for snapshots. */
struct guest_view {
	struct ip_addr addr;
	struct mac mac;
	unsigned port_id; /* 0: its port was detached */
	usec_t seen;
	char name[GUEST_NAME_SIZE];
	struct guest_counters counters; /* of the guest, with all its addresses */
};

/*
 * One step of a walk in bounded time: copies up to @max addresses of guests that are not HEARD, from *@cursor on (0: the first), and
 * returns their number, which may be 0 before the end.  Advances *@cursor, to GUEST_VIEW_END when there are no more.
 */
unsigned guest_view(const struct guest_table *t, uint32_t *cursor, struct guest_view *ret, unsigned max);
#define GUEST_VIEW_END UINT32_MAX

/* When guest_expire() wants to be called; USEC_INFINITY for never. */
usec_t guest_deadline(const struct guest_table *t);
void guest_expire(struct guest_table *t, usec_t now);
