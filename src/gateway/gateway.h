/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway: a port of the segment that is the router 192.168.122.1.  It answers ARP for itself,
 * hands packets to services and everything that goes outside to the NAT engine, and brings their answers to
 * the guests.  It implements the sink of services and the environment of engines.
 *
 * What an engine is never shown is decided here: malformed headers, martians, multicast, packets whose TTL ran
 * out, single fragments.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "gateway/egress.h"
#include "gateway/engine.h"
#include "gateway/icmp_error.h"
#include "gateway/reassembly.h"
#include "gateway/sink.h"
#include "lan/port.h"

struct gateway;
struct log;
struct segment;
struct service;

#define GATEWAY_SERVICES_MAX 8

/* What the gateway needs from whoever owns it.  Any may be NULL. */
struct gateway_hooks {
	/* See engine_env_ops.host_address. */
	int (*host_address)(void *opaque, usec_t now, bool v6, struct ip_addr *ret);
	/* ARP shows that @mac uses @ip. */
	void (*address_seen)(void *opaque, usec_t now, ip4_t ip, struct mac mac);
	/* A guest that was not known appeared, or an address moved to another MAC. */
	void (*guest_seen)(void *opaque, usec_t now, ip4_t ip, struct mac mac);
	/* The turn ends: what must be done before answers go out (leases on disk before the ACK). */
	void (*turn_ends)(void *opaque, usec_t now);
	void *opaque;
};

struct gateway_config {
	struct mac mac;
	ip4_t ip;
	struct prefix4 subnet;
	bool absent; /* not on the segment: hears nothing, says nothing */
	struct hash_key hash_key;
	struct log *log; /* borrowed, may be NULL */
	struct gateway_hooks hooks;
};

struct gateway {
	struct gateway_config config;
	struct port port;
	struct segment *segment;
	struct egress egress;
	struct reassembly reassembly;
	struct icmp_limit icmp_limit; /* of all ICMP errors that are sent on the segment */
	struct sink sink;
	struct engine_env env;
	struct service *services[GATEWAY_SERVICES_MAX];
	unsigned n_services;
	const struct engine_ops *engine_ops; /* NULL: none */
	struct engine *engine;
	usec_t defend_after; /* when the gateway's address may be announced against a claimant again */
};

/* Attaches itself to @segment, unless it is to be absent; @segment is borrowed until gateway_done().  -ENOMEM. */
int gateway_init(struct gateway *g, struct segment *segment, const struct gateway_config *config);
void gateway_done(struct gateway *g, usec_t now);

/* Services are asked in the order they were added; borrowed until gateway_done(). */
void gateway_add_service(struct gateway *g, struct service *service);
/* The engine, made with &g->env; borrowed until gateway_done() or until another (or NULL) is set. */
void gateway_set_engine(struct gateway *g, const struct engine_ops *ops, struct engine *engine);

/* Asks by ARP whether @ip is in use; the answer comes by hooks.address_seen. */
void gateway_probe(struct gateway *g, usec_t now, ip4_t ip);
/* Whether somebody has used @ip in the last minute, and who. */
bool gateway_in_use(struct gateway *g, usec_t now, ip4_t ip, struct mac *ret);
/* Whether it is known who has @ip, however long he has been silent. */
bool gateway_knows(struct gateway *g, ip4_t ip);

usec_t gateway_deadline(const struct gateway *g);
void gateway_expire(struct gateway *g, usec_t now);
