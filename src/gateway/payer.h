/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A payer is charged for what comes from one port of the segment: the guests and addresses behind it, requests for their neighbours,
 * flows, DNS queries.  Limits are for payers, because a guest can invent as many MACs and addresses as it likes, but no ports.  One
 * more payer is the host, for what it asks of guests.
 *
 * It lives as long as its port is attached or something is charged to it: flows may outlive their port.
 */
#pragma once

#include "base/list.h"
#include "base/shares.h"
#include "base/usec.h"
#include "gateway/account.h"

#include <stddef.h>

struct guard_conflict;
struct guest_address;
struct port;

struct payer {
	struct port *port; /* NULL: it was detached, or this is the host */
	unsigned refs;

	/* of guest.c */
	struct list node;      /* in the table's list of payers */
	struct list guests;    /* guest.of_payer, without those that are only HEARD of */
	struct list heard;     /* guest.of_payer of those, oldest first */
	struct list addresses; /* guest_address.of_payer, least recently used first */
	unsigned n_addresses;
	unsigned n_asked;           /* addresses that were asked for and have not answered */
	size_t waiting_bytes;       /* of packets for them */
	struct guest_address *last; /* that a packet of the port came from; NULL: none yet, or it has changed since */

	unsigned n_protected; /* addresses that others may not take without asking; at most GUEST_PROTECTED_PER_PORT */

	/* of claim.c and guard.c */
	struct list claims;              /* claim.of_payer: by this payer */
	unsigned n_claims;               /* in that list */
	unsigned n_challenges;           /* claims to what this payer has, for which it is being asked */
	struct guard_conflict *conflict; /* the latest, owned; NULL: none yet */

	usec_t icmp_full_at; /* the bucket of ICMP errors (icmp_error.h) */

	/* of the engine */
	struct account account;
	struct list mappings;  /* UDP and ICMP flows, least recently used first */
	struct list half_open; /* TCP flows, oldest first */
	struct share share;    /* of the time for events of the flows' sockets; zeroed until there is a flow */

	/* of DHCP (service/dhcp/share.h) */
	unsigned n_leases;   /* addresses of the pool that its guests have, are offered, or have declined */
	unsigned n_probes;   /* addresses that are probed for its guests */
	struct list leases6; /* lease6.of_payer: of DHCPv6, renewed least recently first */
	unsigned n_leases6;
	/* When none of its guests' declines and answers to others' probes will count any more. */
	usec_t declines, conflicts;

	unsigned n_transfers; /* files that are sent to its guests (service/boot) */

	/* of DNS */
	struct list dns_queries; /* that wait for a server */
	unsigned n_dns_queries, n_dns_streams;
	struct list dns_cached; /* answers to them that are kept, least recently used first */
	size_t dns_cached_bytes;
};

/* For use beyond the port's life; pair with payer_unref().  @p may be NULL. */
struct payer *payer_ref(struct payer *p);
/* Initializes @p, which is zeroed, with one reference. */
void payer_init(struct payer *p);
/* Frees @p with its last reference.  @p may be NULL. */
void payer_unref(struct payer *p);
