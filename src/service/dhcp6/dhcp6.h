/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DHCPv6 server (RFC 8415): one address for each IA_NA, name server and search list.
 *
 * Addresses are not taken from a pool.  A client's address follows from its DUID, its IAID and a key of the network by a hash: it is the
 * same for ever, also after a restart, and no client can take an address from another or use up what all share.  A reservation of a
 * MAC's IPv4 address reserves the IPv6 address that ends in it.  So there are no leases to remember, and every renewal succeeds.
 *
 * There is no RECONFIGURE, and no prefix is delegated.  Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "gateway/service.h"
#include "wire/dhcp6.h"

#include <stdint.h>

struct gateway_ip6;
struct reservation_table;

struct dhcp6_config {
	struct mac mac;                               /* the gateway's, from which the server's DUID is made */
	const struct gateway_ip6 *ip6;                /* borrowed */
	const char *domain;                           /* search list; NULL or "": none.  Copied */
	struct hash_key key;                          /* of the network; with another one, clients get other addresses */
	uint32_t lease_time;                          /* seconds; UINT32_MAX: infinite */
	const struct reservation_table *reservations; /* borrowed; those of IPv4 */
};

/* Clients that have declined their address, because another machine has it, and get another one. */
#define DHCP6_DECLINED_MAX 256u
#define DHCP6_DECLINED_PER_PORT 8u

struct dhcp6_declined {
	uint64_t client;   /* a hash of DUID and IAID */
	struct mac sender; /* of its messages: its own, or its relay's */
	unsigned port_id;
	uint8_t times;
};

struct dhcp6 {
	struct service service;
	struct dhcp6_config config;
	struct dns_name search;
	struct dhcp6_duid duid; /* the server's */
	unsigned n_declined;
	struct dhcp6_declined declined[DHCP6_DECLINED_MAX];
};

void dhcp6_init(struct dhcp6 *d, const struct dhcp6_config *config);
/* The lease time of replies from now on; as in struct dhcp6_config. */
void dhcp6_set_lease_time(struct dhcp6 *d, uint32_t seconds);
