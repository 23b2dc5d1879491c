/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations (static leases): the addresses and names that --host MAC[,ADDRESS][,NAME] gives to MACs.
 * The table is only replaced as a whole, but for the MACs of those that have none of their own (claimed.h).  MACs, addresses and names are
 * unique in it.
 */
#pragma once

#include "base/addr.h"
#include "service/dhcp/rules.h"
#include "service/guest_name.h"

#include <stdbool.h>
#include <stddef.h>

#define RESERVATION_ID_MAX 64u /* bytes of a client id */

struct reservation {
	struct mac mac;             /* zero while no client has claimed one that has no MAC of its own */
	ip4_t ip;                   /* 0: any of the pool */
	char name[GUEST_NAME_SIZE]; /* a clean label (guest_name.h), or "" */
	char tag[DHCP_TAG_SIZE];    /* for rules; "": none */
	uint32_t lease_time_s;      /* DHCP_LEASE_INFINITE; 0: as for others */
	/* Of one without a MAC of its own: for the client with this id, or for the one that sends @name. */
	uint8_t id_len;
	uint8_t id[RESERVATION_ID_MAX];
	bool by_name;
};

static inline bool reservation_has_no_mac(const struct reservation *r)
{
	return r->id_len > 0 || r->by_name;
}

struct reservation_table {
	struct reservation *all;            /* sorted by MAC; those that have none come first */
	const struct reservation **by_ip;   /* those without an address first */
	const struct reservation **by_name; /* those without a name first */
	size_t n, n_without_mac;
};

/* Copies @r.  -EEXIST when a MAC, an address or a name occurs twice, -EINVAL when a name is not a clean label, -ENOMEM. */
int reservation_table_init(struct reservation_table *t, const struct reservation *r, size_t n);
/* Harmless on a zeroed table. */
void reservation_table_done(struct reservation_table *t);

/* @r, which is in the table and has no MAC of its own, belongs to @mac, which has no other.  Moves entries. */
void reservation_table_claim(struct reservation_table *t, const struct reservation *r, struct mac mac);
/* The same of all that have no MAC, which nobody has claimed: those in front get @macs, of which some may be zero. */
void reservation_table_claim_all(struct reservation_table *t, const struct mac *macs);

/* NULL when there is no such reservation. */
const struct reservation *reservation_of_mac(const struct reservation_table *t, struct mac mac);
const struct reservation *reservation_of_ip(const struct reservation_table *t, ip4_t ip);
const struct reservation *reservation_of_name(const struct reservation_table *t, const char *name);
