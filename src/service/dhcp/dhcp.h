/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DHCP server (RFC 2131, 2132, 3046, 3396, 3397, 6842): one subnet, one pool, authoritative.
 * A service of the gateway; pure.  It owns the leases; whoever keeps them on disk is told through the
 * environment when they change, before the answer that promises them leaves.
 *
 * The MAC is the key of a lease: a client id is recorded and echoed, but iPXE and the system that it boots
 * send different ones, and cloned images send the same.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/usec.h"
#include "gateway/service.h"
#include "service/dhcp/lease.h"
#include "service/dhcp/reservation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dhcp_env;
struct log;

#define DHCP_DNS_MAX 3
#define DHCP_DOMAIN_SIZE 254

enum dhcp_lease_event {
	DHCP_LEASE_GIVEN,
	DHCP_LEASE_RENEWED,
	DHCP_LEASE_RELEASED,
	DHCP_LEASE_DECLINED, /* the client says that somebody else uses the address */
};

/* What the server needs from the gateway.  None of them calls back into the server. */
struct dhcp_env_ops {
	/* Asks the segment by ARP who has @ip.  An answer is reported with dhcp_address_seen(). */
	void (*probe)(struct dhcp_env *env, usec_t now, ip4_t ip);
	/* Whether the segment knows a machine that uses @ip, and which.  Only what ARP says, not what a lease says. */
	bool (*in_use)(struct dhcp_env *env, usec_t now, ip4_t ip, struct mac *ret);
	/*
	 * The leases are not what they were.  They must be safe before the present turn's packets leave; called
	 * before the answer goes to the sink, any number of times a turn.
	 */
	void (*changed)(struct dhcp_env *env, usec_t now);
	/* Optional.  A client was given @l, or has given it back; as @l is now. */
	void (*leased)(struct dhcp_env *env, usec_t now, const struct lease *l, enum dhcp_lease_event what);
};

struct dhcp_env {
	const struct dhcp_env_ops *ops;
};

struct dhcp_config {
	struct dhcp_env *env;     /* borrowed */
	struct log *log;          /* borrowed, may be NULL */
	struct hash_key hash_key; /* for tables; has no say in which address a guest gets */
	ip4_t gateway;            /* also the server identifier and the router */
	struct mac gateway_mac;
	struct prefix4 subnet;
	ip4_t first, last;        /* the pool, both included; the gateway may lie in it */
	uint32_t lease_time;      /* seconds, at least 1; DHCP_LEASE_INFINITE */
	const char *domain;       /* copied; NULL: none */
	const char *gateway_name; /* a label that no guest may have; copied; NULL: none */
	ip4_t dns[DHCP_DNS_MAX];  /* none: the gateway */
	unsigned n_dns;
	uint16_t mtu;                           /* for option 26; 0: what the client's port carries, when that is over 1500 */
	const struct reservation *reservations; /* copied */
	size_t n_reservations;
};

/* Another server on the segment, that was heard to answer clients. */
struct dhcp_foreign {
	ip4_t server; /* 0: none was heard */
	struct mac mac;
	usec_t seen;
};

struct dhcp {
	struct service service;
	struct dhcp_config config; /* its pointers are to the copies below, or borrowed */
	char domain[DHCP_DOMAIN_SIZE];
	char gateway_name[GUEST_NAME_SIZE];
	struct reservation_table reservations;
	struct lease_table leases;
	struct list probes; /* struct dhcp_probe, by deadline */
	unsigned n_probes;
	struct dhcp_foreign foreign;
};

/*
 * -EINVAL: pool or gateway do not fit the subnet, the domain is none, or a reservation's MAC or name is none; -ERANGE:
 * a reserved address is outside the subnet, or is the gateway's; -EEXIST: a MAC, address or name is reserved twice; -ENOMEM.
 */
int dhcp_init(struct dhcp *d, const struct dhcp_config *config);
void dhcp_done(struct dhcp *d);

/*
 * Replaces the reservations.  A guest whose address is now another's, or who has now one of its own, is told
 * when it renews.  Errors as in dhcp_init(), nothing is changed then.
 */
int dhcp_set_reservations(struct dhcp *d, const struct reservation *r, size_t n);

/* ARP showed that @mac uses @ip.  When that ends a probe, the server's deadline is now. */
void dhcp_address_seen(struct dhcp *d, usec_t now, ip4_t ip, struct mac mac);

/*
 * The address of the guest called @name, one label in any case: a reserved guest's always, another's while it
 * has a lease.  -ENOENT.
 */
int dhcp_find_name(const struct dhcp *d, usec_t now, const char *name, ip4_t *ret);
/* The address of the guest with this MAC: as dhcp_find_name(). */
int dhcp_find_mac(const struct dhcp *d, usec_t now, struct mac mac, ip4_t *ret);
/* The name of the guest that has @ip, leased or reserved.  -ENOENT: nobody has it, or it has no name. */
int dhcp_find_address(const struct dhcp *d, usec_t now, ip4_t ip, char ret[static GUEST_NAME_SIZE]);

/*
 * Calls @each for every lease worth keeping: the active ones, and those that ended but whose address is still
 * remembered (lease_is_active() tells).  Least recently used first.
 */
void dhcp_for_each_lease(const struct dhcp *d, void (*each)(void *opaque, const struct lease *l), void *opaque);

/* A lease from the time before a restart. */
struct dhcp_saved_lease {
	struct mac mac;
	ip4_t ip;
	usec_t expires;   /* may have passed: the address is then remembered */
	const char *name; /* made clean here; "" or NULL: none */
	const uint8_t *client_id;
	size_t client_id_len;
};

/*
 * Takes up a saved lease; does not report a change.  -EADDRNOTAVAIL: the address is no longer ours to give to this
 * MAC; -EEXIST: MAC or address have a lease; -EINVAL: no MAC of a guest, or a client id that is too long; -ENOSPC: too many.
 */
int dhcp_restore(struct dhcp *d, usec_t now, const struct dhcp_saved_lease *saved);
