/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DHCP client (RFC 2131 §4.4) for `lanlet exec`.  Pure: it gets and sends whole frames, gets the time as an argument, and
 * reports leases to its owner through dhcp_client_ops.
 *
 *     stopped ── start ─> selecting ── OFFER ─> requesting ── ACK ─> bound ── T1 ─> renewing ── T2 ─> rebinding
 *                             ^                     │                  ^─── ACK ──────┴─── ACK ──────────┤
 *                             └──── no answer, NAK ─┴─────────────────────── NAK, end of the lease ──────┘
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP_CLIENT_DNS_MAX 3u /* as many as resolv.conf can have (MAXNS) */
#define DHCP_CLIENT_DOMAIN_MAX 253u
#define DHCP_CLIENT_SEARCH_MAX 511u

struct dhcp_client_lease {
	ip4_t address, server;
	unsigned prefix_length;
	ip4_t router; /* 0: no router */
	ip4_t dns[DHCP_CLIENT_DNS_MAX];
	unsigned n_dns;
	char domain[DHCP_CLIENT_DOMAIN_MAX + 1]; /* letters, digits, hyphens and dots; "": no domain */
	/* Domains to search, with spaces between them, of the same characters and underscores; "": not given. */
	char search[DHCP_CLIENT_SEARCH_MAX + 1];
	uint16_t mtu;          /* 0: not given */
	uint32_t lease_s;      /* DHCP_LEASE_INFINITE: never ends */
	struct mac server_mac; /* source of the server's frames */
};

struct dhcp_client_ops {
	/* Sends a whole frame, borrowed until the call returns. */
	void (*send)(void *opaque, const void *frame, size_t len);
	/* A new or renewed lease; a renewed one may have other options. */
	void (*bound)(void *opaque, const struct dhcp_client_lease *lease);
	/* The lease ended: the address must not be used any more.  The client starts again by itself. */
	void (*lost)(void *opaque);
};

struct dhcp_client_config {
	struct mac mac;
	const char *name; /* host name (option 12), borrowed; NULL: not sent */
	uint32_t xid;     /* random */
	const struct dhcp_client_ops *ops;
	void *opaque;
};

enum dhcp_client_state {
	DHCP_CLIENT_STOPPED,
	DHCP_CLIENT_SELECTING,
	DHCP_CLIENT_REQUESTING,
	DHCP_CLIENT_BOUND,
	DHCP_CLIENT_RENEWING,
	DHCP_CLIENT_REBINDING,
};

struct dhcp_client {
	struct dhcp_client_config config;
	enum dhcp_client_state state;
	uint32_t xid;
	usec_t began;    /* start of the current exchange */
	usec_t deadline; /* next retransmission or change of state */
	unsigned tries;
	ip4_t offered, server;          /* while requesting */
	struct dhcp_client_lease lease; /* from bound on */
	usec_t t1, t2, end;             /* of the lease */
};

void dhcp_client_init(struct dhcp_client *c, const struct dhcp_client_config *config);
void dhcp_client_start(struct dhcp_client *c, usec_t now);
/* Takes a received frame.  True when it is a DHCP message to this client. */
bool dhcp_client_input(struct dhcp_client *c, usec_t now, const void *frame, size_t len);
/* Releases the lease, if there is one, and stops. */
void dhcp_client_release(struct dhcp_client *c, usec_t now);

usec_t dhcp_client_deadline(const struct dhcp_client *c);
void dhcp_client_expire(struct dhcp_client *c, usec_t now);
