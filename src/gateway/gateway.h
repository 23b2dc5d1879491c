/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway: the router on the segment, 192.168.122.1 by default.  It is a port of the segment and belongs to
 * struct lanlet_network, which also owns the services and the NAT engine.
 *
 * A packet from a guest goes to the services in turn; what no service takes is routed to another guest or to the
 * engine.  Answers reach guests through the sink (sink.h, for services) and the environment (engine.h, for the engine).
 *
 * What always holds: an engine gets whole IPv4 packets only, reassembled, with a valid header, the source address of a
 * guest, a destination that is the gateway or outside, and a TTL that has not expired (engine.h).  Nothing else of a guest
 * reaches it.  Every packet that the gateway drops is counted.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "gateway/egress.h"
#include "gateway/engine.h"
#include "gateway/guard.h"
#include "gateway/guest.h"
#include "gateway/icmp_error.h"
#include "gateway/ip6.h"
#include "gateway/reassembly.h"
#include "gateway/sink.h"
#include "lan/port.h"

struct gateway;
struct log;
struct packet;
struct segment;
struct service;

#define GATEWAY_SERVICES_MAX 16

/* What the gateway asks of its owner.  Each may be NULL. */
struct gateway_hooks {
	/* As engine_env_ops.host_address. */
	int (*host_address)(void *opaque, usec_t now, bool v6, struct ip_addr *ret);
	/* ARP from port @p, NULL if it was detached since, shows that @mac uses @ip. */
	void (*address_seen)(void *opaque, usec_t now, struct port *p, ip4_t ip, struct mac mac);
	/* A guest uses @a, which was not known or was another guest's.  The callee may set the guest's name and @a's rank. */
	void (*guest_seen)(void *opaque, usec_t now, struct guest_address *a);
	/* A guest does not use @addr any more. */
	void (*guest_gone)(void *opaque, usec_t now, const struct ip_addr *addr);
	/* @guest is at another port.  The callee may set its name. */
	void (*guest_placed)(void *opaque, usec_t now, struct guest *guest);
	/*
	 * By which rank @addr belongs to a guest, which is then *@ret, also when that guest has never used it.  GUEST_RANK_SEEN: it is
	 * neither reserved nor leased.
	 */
	enum guest_rank (*rank)(void *opaque, usec_t now, const struct ip_addr *addr, struct guest_holder *ret);
	/* @p, a DHCP server's answer, came from a port that may not serve DHCP: it was dropped. */
	void (*foreign_dhcp)(void *opaque, usec_t now, const struct packet *p);
	/* Two ports use one MAC or address: the claim @c was refused. */
	void (*conflict)(void *opaque, usec_t now, const struct claim *c);
	/* The turn ends, and frames are sent after this returns: leases must be on disk before the ACK. */
	void (*turn_ends)(void *opaque, usec_t now);
	void *opaque;
};

struct gateway_config {
	struct mac mac;
	ip4_t ip;
	struct prefix4 subnet;
	struct gateway_ip6 ip6;
	bool absent;            /* not attached to the segment: receives and sends nothing */
	unsigned opened;        /* enum closed_group: closed destinations that guests may reach */
	bool guests_serve_dhcp; /* there is no DHCP server here, so guests may be one */
	struct hash_key hash_key;
	struct log *log; /* borrowed, may be NULL */
	struct gateway_hooks hooks;
};

struct gateway {
	struct gateway_config config;
	struct port port;
	struct segment *segment;
	struct guest_table guests;
	struct guard guard;
	struct egress egress;
	struct reassembly reassembly;
	struct icmp_limit icmp_limit; /* for all ICMP errors that are sent on the segment */
	struct sink sink;
	struct engine_env env;
	struct service *services[GATEWAY_SERVICES_MAX];
	unsigned n_services;
	const struct engine_ops *engine_ops; /* valid while engine is set */
	struct engine *engine;               /* NULL: no engine, the outside is unreachable */
};

/* Attaches @g to @segment, unless config->absent; borrows @segment until gateway_done().  -ENOMEM. */
int gateway_init(struct gateway *g, struct segment *segment, const struct gateway_config *config);
/* Harmless after a failed gateway_init() and the second time. */
void gateway_done(struct gateway *g, usec_t now);

/* Services get packets in the order they were added.  Borrows @service until gateway_done(). */
void gateway_add_service(struct gateway *g, struct service *service);
/* Sets the engine, which was created with &g->env; NULL for none.  Borrowed until the next call or gateway_done(). */
void gateway_set_engine(struct gateway *g, const struct engine_ops *ops, struct engine *engine);

/* From now on guests may reach the closed destinations in @opened (enum closed_group) and no others. */
void gateway_set_opened(struct gateway *g, unsigned opened);
/* The system of the guest with @mac starts: forgets what it has shown to take. */
void gateway_guest_starts(struct gateway *g, struct mac mac);
/* Sends an ARP probe for @ip (RFC 5227 §2.1.1) where a machine may use it; an answer calls hooks.address_seen. */
void gateway_probe(struct gateway *g, usec_t now, ip4_t ip);
/*
 * Whether all machines on the segment but the one behind @asking, which may be NULL, have shown their addresses: none is behind an uplink
 * or a bridge, and none has been silent since its port was attached.
 */
bool gateway_knows_all_addresses(const struct gateway *g, const struct port *asking);
/* Whether the guest with @ip is known and has a port, however long it has been silent. */
bool gateway_knows(struct gateway *g, const struct ip_addr *ip);
/* The MAC of the guest with @ip, which may be away; false when it is not known. */
bool gateway_mac_of(struct gateway *g, const struct ip_addr *ip, struct mac *ret);
/*
 * The guest with @ip, of which only this call may have HEARD.  NULL: no guest can have it, out of memory, or too
 * many are asked for.
 */
struct guest *gateway_expect(struct gateway *g, usec_t now, const struct ip_addr *ip);
/*
 * Whether the guest that used @ip last has lost it to another one, which has it by lease or reservation and has not been heard there yet:
 * nobody may be sent what is meant for that one.
 */
bool gateway_is_lost(struct gateway *g, const struct ip_addr *ip);

/* When gateway_expire() wants to be called: for neighbours, reassembly, services and the engine. */
usec_t gateway_deadline(const struct gateway *g);
void gateway_expire(struct gateway *g, usec_t now);
