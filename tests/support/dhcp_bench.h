/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DHCP server under test.  Messages go in as packets; the bench records what the server sends,
 * probes and reports, and sets the clock.  192.168.122.0/24, gateway .1, pool .2 to .254, leases of one hour.
 */
#pragma once

#include "base/arena.h"
#include "gateway/guest.h"
#include "gateway/sink.h"
#include "lan/port.h"
#include "service/dhcp/dhcp.h"
#include "wire/dhcp.h"

#include <glib.h>

#define BENCH_GATEWAY IP4(192, 168, 122, 1)
#define BENCH_IP(n) IP4(192, 168, 122, n)
#define BENCH_MAC(n) ((struct mac){ { 0x52, 0x54, 0, 0, (uint8_t)((n) >> 8), (uint8_t)(n) } })

/* A datagram of the server. */
struct bench_reply {
	struct sink_udp datagram; /* bench_reply_at() points payload and dst_mac into this struct */
	struct mac dst_mac;
	bool has_dst_mac;
	uint8_t bytes[1600];
	struct dhcp_message message;
	usec_t when;
	unsigned saves_before; /* how often the leases had been saved when it was sent */
};

/* A client's message.  Members that are 0 or NULL are left out; mac is required. */
struct bench_ask {
	enum dhcp_type type;
	struct mac mac;
	ip4_t ciaddr, giaddr, requested, server_id;
	bool broadcast;
	uint32_t lease_time;
	uint16_t max_size;
	const char *name;
	const char *fqdn; /* of option 81, in the encoding that fqdn_flags say */
	uint8_t fqdn_flags;
	const char *vendor_class, *user_class;
	uint16_t architecture;
	const char *client_id;
	const char *parameters; /* codes as characters */
	const char *relay;
	ip4_t src, dst;     /* of the IP packet; dst 0: 255.255.255.255 */
	struct mac through; /* Ethernet source: a relay or a bridge that translates MACs; zero: @mac itself */
};

struct bench_neighbour {
	ip4_t ip;
	struct mac mac;
};

struct bench_mac {
	struct mac mac;
	struct port *port;
};

struct dhcp_bench {
	struct dhcp dhcp;
	struct dhcp_config config;
	struct dhcp_env env;
	struct sink sink;
	struct arena arena;
	struct port port, other, third; /* bench_guard() guards them */
	struct port *from;              /* that messages come from: &port until a test changes it */
	struct guest_table guests;      /* by bench_arp() */
	GArray *macs;                   /* struct bench_mac, as the switch has learned them */
	usec_t now;
	GArray *replies;    /* struct bench_reply */
	GArray *probes;     /* ip4_t, probed by ARP */
	GArray *neighbours; /* struct bench_neighbour, known by ARP */
	bool all_known;     /* machines have shown their addresses, but for the one that asks */
	GArray *starts;     /* struct mac, of clients that started */
	unsigned saves;
	struct drop_counters drops;
};

/* 52:54:00:00:00:01 (BENCH_MAC(1)) has .77 and the name "web". */
extern const struct reservation bench_web;

/* Fills in the environment and a default configuration, which may be changed before bench_start(). */
void bench_init(struct dhcp_bench *b);
void bench_start(struct dhcp_bench *b);
/* With the default configuration. */
void bench_start_default(struct dhcp_bench *b);
/* With a pool of @n addresses from .10 on. */
void bench_start_small(struct dhcp_bench *b, unsigned n);
/* With one reservation, bench_web. */
void bench_start_reserved(struct dhcp_bench *b);
void bench_done(struct dhcp_bench *b);
/* Guards the ports. */
void bench_guard(struct dhcp_bench *b);
/* Detaches @p. */
void bench_unplug(struct dhcp_bench *b, struct port *p);

/* The transaction id of messages from @mac. */
uint32_t bench_xid(struct mac mac);
/* Gives the message to the server at b->now, and ends the turn. */
void bench_send(struct dhcp_bench *b, const struct bench_ask *ask);
/* The same for any UDP payload. */
void bench_send_bytes(struct dhcp_bench *b, const void *payload, size_t len);
/* Shows the server an answer of another DHCP server at @server, which is broadcast. */
void bench_foreign_answer(struct dhcp_bench *b, ip4_t server);
/* Forgets earlier replies and sends a DHCPREQUEST; 0: without that option. */
void bench_request(struct dhcp_bench *b, struct mac mac, ip4_t requested, ip4_t server_id, ip4_t ciaddr);
/* Advances the clock and runs what becomes due. */
void bench_sleep(struct dhcp_bench *b, usec_t how_long);
/* ARP shows that @mac uses @ip: adds the neighbour and tells the server. */
void bench_arp(struct dhcp_bench *b, ip4_t ip, struct mac mac);

/* Reply number @index since the last bench_forget(); fails the test when there is none. */
const struct bench_reply *bench_reply_at(const struct dhcp_bench *b, unsigned index);
/* The reply, which must be the only one and of @type. */
const struct bench_reply *bench_only_reply(const struct dhcp_bench *b, enum dhcp_type type);
void bench_forget(struct dhcp_bench *b);
/* An option of @r as a number; fails the test when it is missing. */
uint32_t bench_number(const struct bench_reply *r, uint8_t code);
bool bench_has(const struct bench_reply *r, uint8_t code);

/* DISCOVER, probe, OFFER; the offered address, 0 without an OFFER. */
ip4_t bench_discover(struct dhcp_bench *b, struct mac mac);
/* The address of the guest called @name.  -ENOENT. */
int bench_find_name(const struct dhcp_bench *b, const char *name, ip4_t *ret);
/* The whole exchange; the leased address, 0 on failure.  @name may be NULL. */
ip4_t bench_lease(struct dhcp_bench *b, struct mac mac, const char *name);
