/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IPv6 side of a guest, for `lanlet exec`: looks whether there is a gateway with IPv6, asks for router advertisements (RFC 4861
 * §6.3.7), and for an address by DHCPv6 (RFC 8415 §18.2) when one says that there are such.  Pure, as dhcp/client.h.  Addresses of the
 * prefix are made by the owner, or its kernel, which gets all advertisements as well.
 *
 *     stopped ── start ─> discovering ── RA, managed ─> soliciting ── ADVERTISE ─> requesting
 *                             │                          ^   └─────────── REPLY ──────┴──> bound ── T1 ─> renewing ── T2 ─> rebinding
 *                             └── RA ─> advertised       └──────────────── no answer, refused, end of the lease ───────────────┘
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "wire/dhcp6.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP6_CLIENT_DOMAIN_MAX 253u

/* What is known.  Members that are not are zero. */
struct dhcp6_client_state {
	struct ip_addr address; /* leased */
	uint32_t preferred_s, valid_s;
	struct ip_addr dns[DHCP6_DNS_MAX];
	unsigned n_dns;
	char domain[DHCP6_CLIENT_DOMAIN_MAX + 1]; /* letters, digits, inner hyphens, underscores and dots */
};

struct dhcp6_client_ops {
	/* Sends a whole frame, borrowed until the call returns. */
	void (*send)(void *opaque, const void *frame, size_t len);
	/* Something is known that was not, or a lease was renewed or has ended. */
	void (*changed)(void *opaque, const struct dhcp6_client_state *state);
};

struct dhcp6_client_config {
	struct mac mac;
	const char *name; /* a label, told by option 39, borrowed; NULL: not sent */
	uint32_t xid;     /* random */
	const struct dhcp6_client_ops *ops;
	void *opaque;
};

enum dhcp6_client_phase {
	DHCP6_CLIENT_STOPPED,
	DHCP6_CLIENT_DISCOVERING,
	DHCP6_CLIENT_ADVERTISED, /* there is nothing to get by DHCPv6 */
	DHCP6_CLIENT_SOLICITING,
	DHCP6_CLIENT_REQUESTING,
	DHCP6_CLIENT_BOUND,
	DHCP6_CLIENT_RENEWING,
	DHCP6_CLIENT_REBINDING,
};

struct dhcp6_client {
	struct dhcp6_client_config config;
	enum dhcp6_client_phase phase;
	struct dhcp6_client_state state;
	bool has_gateway; /* fe80::1 answers neighbour solicitations */
	bool has_router;  /* an advertisement was heard */
	struct ip_addr link_local;
	struct dhcp6_duid duid, server;
	struct ip_addr offered;
	uint32_t xid;
	unsigned tries;
	usec_t began, deadline, t1, t2, end;
};

void dhcp6_client_init(struct dhcp6_client *c, const struct dhcp6_client_config *config);
void dhcp6_client_start(struct dhcp6_client *c, usec_t now);
/* Takes a received frame.  True when it is a DHCPv6 message: the kernel need not have it. */
bool dhcp6_client_input(struct dhcp6_client *c, usec_t now, const void *frame, size_t len);
/* Whether nothing more is to be expected soon: the segment has no gateway with IPv6, or has said all. */
bool dhcp6_client_is_settled(const struct dhcp6_client *c);
/* Releases the lease, if there is one, and stops. */
void dhcp6_client_release(struct dhcp6_client *c, usec_t now);

usec_t dhcp6_client_deadline(const struct dhcp6_client *c);
void dhcp6_client_expire(struct dhcp6_client *c, usec_t now);
