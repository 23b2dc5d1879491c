/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the engine contract share: the engine under test on its bench, and what it is known not to do.
 */
#pragma once

#include "bench.h"
#include "guest.h"
#include "server.h"

#include "base/macros.h"

#include <glib.h>

/*
 * An engine's gaps; docs/engines.md explains them.  They are asserted as well: an engine that learns to do better
 * fails here until its row says so.
 */
enum gap {
	GAP_OUTSIDE = 1 << 0,         /* nothing leaves, and no TCP is terminated */
	GAP_TCP_UNREACHABLE = 1 << 1, /* a connection attempt that finds no host later on ends with RST, not with ICMP */
	GAP_OPEN_SOURCE = 1 << 2,     /* open() knows no source but the gateway's address */
	GAP_CODES = 1 << 3,           /* a datagram that cannot be sent is "network unreachable", whatever the reason */
	GAP_DONT_FRAGMENT = 1 << 4,   /* what is too large for the way is fragmented, also with DF */
	GAP_OPEN_UDP = 1 << 5,        /* open() knows no datagrams */
	GAP_FLOW_DETAILS = 1 << 6,    /* nothing is known of a flow but its sides and its age */
	GAP_OPENING = 1 << 7,         /* open() wants the host side at once, and nobody hears what the guest answered */
};

struct engine_row {
	const struct engine_ops *ops;
	unsigned gaps;
	const char *variant; /* of an engine that has several; NULL: as users get it */
	bool no_peek_off;    /* as on a kernel without SO_PEEK_OFF for TCP */
};

struct echo_service;

struct fixture {
	struct bench b;
	struct server s;
	struct echo_service *echo; /* contract_local.c's */
	const struct engine_row *row;
	unsigned fds; /* before anything was opened */
};

struct contract_test {
	const char *name; /* NULL: the end of a table */
	void (*run)(struct fixture *f, gconstpointer row);
	void (*setup)(struct fixture *f, gconstpointer row);
};

#define CONTRACT_TEST(name) \
	{ \
#name, name, setup \
	}

extern const struct contract_test contract_tcp[], contract_udp[], contract_icmp[], contract_gateway[], contract_life[], contract_local[],
	contract_open[], contract_opening[], contract_flows[];
/* For engines with GAP_OUTSIDE, instead of all the others. */
extern const struct contract_test contract_null[];

void setup(struct fixture *f, gconstpointer row);
void setup_host_loopback(struct fixture *f, gconstpointer row);
/* The way to the guest carries 65520 bytes. */
void setup_large_mtu(struct fixture *f, gconstpointer row);
/* Whatever a test did, nothing of it is left open. */
void teardown(struct fixture *f, gconstpointer row);

/* @len bytes in which no two pieces are alike, to be freed. */
uint8_t *pattern(size_t len);
/* For bench_until(), of a struct guest_tcp. */
bool has_reset(void *t);
bool has_fin(void *t);
/* Runs until the guest has @len bytes; false when that does not come to be. */
bool wait_for(struct guest_tcp *t, size_t len);
/* A connection from the guest, who dials @dial, to @at of the host, accepted there. */
void connect_to(struct fixture *f, struct guest_tcp *t, ip4_t dial, ip4_t at);
/* The next datagram for a guest is this one. */
void assert_datagram(struct bench *b, ip4_t src, uint16_t src_port, ip4_t dst, uint16_t dst_port, const void *payload, size_t len);
/* Waits for an ICMP error, whatever it says; false when none comes.  Routers may hold some back (RFC 1812 §4.3.2.8). */
bool await_icmp_error(struct bench *b);
/*
 * The ICMP error that came for a packet of the guest's to @dst: its source.  The engine may make it itself or have the
 * gateway make it.
 */
ip4_t assert_icmp_error(struct bench *b, uint8_t type, uint8_t code, ip4_t dst, uint8_t protocol);
