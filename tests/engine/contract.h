/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the tests of the engine contract: the engine under test on its bench, and its known gaps. */
#pragma once

#include "bench.h"
#include "guest.h"
#include "server.h"

#include "base/macros.h"

#include <glib.h>

/*
 * An engine's gaps, explained in docs/engines.md. Gaps are asserted too: an engine that no longer has a gap fails until its row is
 * updated.
 */
enum gap {
	GAP_OUTSIDE = 1 << 0,         /* no packet leaves, and no TCP is terminated */
	GAP_TCP_UNREACHABLE = 1 << 1, /* a connection attempt that fails later for want of a host ends with RST, not ICMP */
	GAP_OPEN_SOURCE = 1 << 2,     /* open() supports only the gateway's address as source */
	GAP_CODES = 1 << 3,           /* a datagram that cannot be sent is always answered with "network unreachable" */
	GAP_DONT_FRAGMENT = 1 << 4,   /* a packet larger than the path MTU is fragmented, even with DF */
	GAP_OPEN_UDP = 1 << 5,        /* there is no datagrams_open() */
	GAP_FLOW_DETAILS = 1 << 6,    /* of a flow only its endpoints and its age are known */
	GAP_OPENING = 1 << 7,         /* open() needs the host side at once and does not report the guest's answer */
	GAP_RESET_WHEN_FULL = 1 << 8, /* a reset outside is not noticed while the buffers of both directions are full */
	GAP_IPV6 = 1 << 9,            /* packets of IPv6 are not translated, so the gateway refuses them */
};

struct engine_row {
	const struct engine_ops *ops;
	unsigned gaps;
	const char *variant; /* name of a variant of the engine; NULL: as users get it */
	bool no_peek_off;    /* as on a kernel without SO_PEEK_OFF for TCP */
	enum family family;
};

struct echo_service;

struct fixture {
	struct bench b;
	struct server s;
	struct echo_service *echo; /* contract_local.c's */
	const struct engine_row *row;
	unsigned fds; /* open descriptors before the test */
};

struct contract_test {
	const char *name; /* NULL: the end of a table */
	void (*run)(struct fixture *f, gconstpointer row);
	void (*setup)(struct fixture *f, gconstpointer row);
	unsigned except; /* families in which it is not run: bits 1 << enum family */
};

#define CONTRACT_TEST(name) \
	{ \
#name, name, setup \
	}

/* For what IPv6 does not have, or another way. */
#define EXCEPT_IPV6 (1u << FAMILY_IPV6)
/* For the host by the address of the gateway, which is of IPv6. */
#define EXCEPT_NAT64 (1u << FAMILY_NAT64)
#define CONTRACT_TEST_EXCEPT(families, name) \
	{ \
#name, name, setup, families \
	}

extern const struct contract_test contract_tcp[], contract_udp[], contract_icmp[], contract_gateway[], contract_life[], contract_local[],
	contract_open[], contract_opening[], contract_flows[], contract_datagrams[], contract_lost[];
/* For engines with GAP_OUTSIDE, instead of all the others. */
extern const struct contract_test contract_null[];

void setup(struct fixture *f, gconstpointer row);
void setup_host_loopback(struct fixture *f, gconstpointer row);
/* The guest's port has an MTU of 65520. */
/* For engines that take their limit from the configuration. */
void setup_64_sockets(struct fixture *f, gconstpointer row);
void setup_1024_sockets(struct fixture *f, gconstpointer row);
void setup_large_mtu(struct fixture *f, gconstpointer row);
/* Frees the engine and asserts that no descriptor is left open. */
void teardown(struct fixture *f, gconstpointer row);

/* @len bytes in which no two pieces are alike. The caller frees them. */
uint8_t *pattern(size_t len);
/* For bench_until(), of a struct guest_tcp. */
bool has_reset(void *t);
bool has_fin(void *t);
/* Runs until the guest has received @len bytes; false when it does not in time. */
bool wait_for(struct guest_tcp *t, size_t len);
/* Connects the guest, which connects to @dial, with a listener at @at of the host, which accepts. */
void connect_to(struct fixture *f, struct guest_tcp *t, ip4_t dial, ip4_t at);
/* The MTU of paths outside, as a guest counts it. */
uint32_t path_mtu(const struct fixture *f);
/* Asserts that the next datagram for a guest is this one. */
void assert_datagram(struct bench *b, ip4_t src, uint16_t src_port, ip4_t dst, uint16_t dst_port, const void *payload, size_t len);
/* Waits for any ICMP error; false when none comes. Routers may limit their rate (RFC 1812 §4.3.2.8). */
bool await_icmp_error(struct bench *b);
/* Asserts the ICMP error that came for a guest's packet to @dst and returns its source. The engine or the gateway may have made it. */
ip4_t assert_icmp_error(struct bench *b, uint8_t type, uint8_t code, ip4_t dst, uint8_t protocol);
