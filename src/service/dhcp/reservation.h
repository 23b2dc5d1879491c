/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations (static leases): the addresses and names that --host MAC[,ADDRESS][,NAME] gives to MACs.
 * The table is only replaced as a whole.  MACs, addresses and names are unique in it.
 */
#pragma once

#include "base/addr.h"
#include "service/dhcp/rules.h"
#include "service/guest_name.h"

#include <stddef.h>

struct reservation {
	struct mac mac;
	ip4_t ip;                   /* 0: any of the pool */
	char name[GUEST_NAME_SIZE]; /* a clean label (guest_name.h), or "" */
	char tag[DHCP_TAG_SIZE];    /* for rules; "": none */
	uint32_t lease_time_s;      /* DHCP_LEASE_INFINITE; 0: as for others */
};

struct reservation_table {
	struct reservation *all;            /* sorted by MAC */
	const struct reservation **by_ip;   /* those without an address first */
	const struct reservation **by_name; /* those without a name first */
	size_t n;
};

/* Copies @r.  -EEXIST when a MAC, an address or a name occurs twice, -EINVAL when a name is not a clean label, -ENOMEM. */
int reservation_table_init(struct reservation_table *t, const struct reservation *r, size_t n);
/* Harmless on a zeroed table. */
void reservation_table_done(struct reservation_table *t);

/* NULL when there is no such reservation. */
const struct reservation *reservation_of_mac(const struct reservation_table *t, struct mac mac);
const struct reservation *reservation_of_ip(const struct reservation_table *t, ip4_t ip);
const struct reservation *reservation_of_name(const struct reservation_table *t, const char *name);
