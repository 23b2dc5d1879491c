/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DHCPv6 server (RFC 8415): one address for each IA_NA, name server and search list.
 *
 * Addresses are not taken from a pool.  A client's address follows from its DUID, its IAID and a key of the network by a hash: it is the
 * same for ever, also after a restart, and no client can take an address from another or use up what all share.  A reservation of a
 * MAC's IPv4 address, or of that of a client with a DUID, reserves the IPv6 address that ends in it.  So every renewal succeeds.
 *
 * Who has which address, and until when, is recorded all the same (lease6.h): to be shown, named and guarded.  Of two machines with one
 * DUID, copies of one image, the one that asks second gets an address that follows from its MAC, too.
 *
 * There is no RECONFIGURE, and no prefix is delegated.  Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/usec.h"
#include "gateway/service.h"
#include "service/dhcp/dhcp.h"
#include "service/dhcp6/lease6.h"
#include "wire/dhcp6.h"

#include <stdint.h>

struct gateway_ip6;
struct reservation_table;

struct dhcp6_env;

/* What the server asks of the gateway, and tells it.  These functions do not call the server. */
struct dhcp6_env_ops {
	/* The port behind which @mac is, by what was seen; NULL when it is not known. */
	struct port *(*port_of)(struct dhcp6_env *env, usec_t now, struct mac mac);
	/* The client of @m, whose MAC is known: it may claim a reservation of its DUID or its name. */
	void (*identified)(struct dhcp6_env *env, usec_t now, struct mac mac, const struct dhcp6_message *m);
	/* Whether the guest with @mac (zero: it is not known) may call itself @name, a clean label, as far as IPv4 goes. */
	bool (*may_have_name)(struct dhcp6_env *env, usec_t now, struct mac mac, const char *name);
	/* The name that the guest with @mac has by its reservation or its lease of IPv4; "": none. */
	const char *(*name_of)(struct dhcp6_env *env, usec_t now, struct mac mac);
	/* Leases have changed and have to be saved; @soon: or renewals put off ends, which is as well saved some time. */
	void (*changed)(struct dhcp6_env *env, usec_t now, bool soon);
	/* As dhcp_env_ops.leased. */
	void (*leased)(struct dhcp6_env *env, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what);
};

struct dhcp6_env {
	const struct dhcp6_env_ops *ops;
};

struct dhcp6_config {
	struct dhcp6_env *env;                        /* borrowed; NULL: nobody is told */
	struct mac mac;                               /* the gateway's, from which the server's DUID is made */
	const struct gateway_ip6 *ip6;                /* borrowed */
	const char *domain;                           /* search list; NULL or "": none.  Copied */
	struct hash_key key;                          /* of the network; with another one, clients get other addresses */
	uint32_t lease_time;                          /* seconds; UINT32_MAX: infinite */
	const struct reservation_table *reservations; /* borrowed; those of IPv4 */
	bool saves;                                   /* leases are kept on disk, when env->changed() says so */
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
	struct lease6_table leases;
	struct list unsaved; /* lease6.unsaved, that have changed */
	unsigned n_declined;
	struct dhcp6_declined declined[DHCP6_DECLINED_MAX];
};

void dhcp6_init(struct dhcp6 *d, const struct dhcp6_config *config);
/* Harmless on a zeroed server. */
void dhcp6_done(struct dhcp6 *d);
/* The lease time of replies from now on; as in struct dhcp6_config. */
void dhcp6_set_lease_time(struct dhcp6 *d, uint32_t seconds);

/* The MAC of the guest that has called itself @name, a label in lower case; zero: it is not known.  -ENOENT. */
int dhcp6_holder_of_name(const struct dhcp6 *d, usec_t now, const char *name, struct mac *ret);
/* The name of the guest with @mac by its leases alone; "": none. */
const char *dhcp6_name_of(const struct dhcp6 *d, usec_t now, struct mac mac);
/* The active lease of @addr; NULL: nobody has leased it. */
const struct lease6 *dhcp6_find_address(const struct dhcp6 *d, usec_t now, const struct ip_addr *addr);

/* A lease from before a restart. */
struct dhcp6_saved_lease {
	struct ip_addr addr;
	struct dhcp6_duid client;
	uint32_t iaid;
	usec_t expires;   /* in the past: it ended */
	const char *name; /* any text, cleaned here; "": none */
};

/* Restores a saved lease, instead of an earlier one of its address.  -EINVAL, -EADDRNOTAVAIL: not of this prefix.  -ENOMEM. */
int dhcp6_restore(struct dhcp6 *d, usec_t now, const struct dhcp6_saved_lease *saved);
/* Calls @each for every lease to be saved, renewed least recently first. */
void dhcp6_for_each_lease(const struct dhcp6 *d, usec_t now, void (*each)(void *opaque, const struct lease6 *l), void *opaque);
/* Calls @each for every lease that has changed since all were saved, ends included. */
void dhcp6_for_each_unsaved(const struct dhcp6 *d, void (*each)(void *opaque, const struct lease6 *l), void *opaque);
/* They were saved. */
void dhcp6_saved(struct dhcp6 *d, usec_t now);
