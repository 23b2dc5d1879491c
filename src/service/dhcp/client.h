/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DHCP client (RFC 2131 §4.4) for a guest of our own.  Pure: whole frames go in and come out, the clock is turned by whoever
 * owns it, and it is told what to do with the lease it gets.
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

#define DHCP_CLIENT_DNS_MAX 3u /* what resolv.conf holds */
#define DHCP_CLIENT_DOMAIN_MAX 253u

struct dhcp_client_lease {
	ip4_t address, server;
	unsigned prefix_length;
	ip4_t router; /* 0: none */
	ip4_t dns[DHCP_CLIENT_DNS_MAX];
	unsigned n_dns;
	char domain[DHCP_CLIENT_DOMAIN_MAX + 1]; /* letters, digits, hyphens and dots; "": none */
	uint16_t mtu;                            /* 0: not said */
	uint32_t lease_s;                        /* DHCP_LEASE_INFINITE: for ever */
	struct mac server_mac;                   /* that the answer came from */
};

struct dhcp_client_ops {
	/* A whole frame, borrowed for the call. */
	void (*send)(void *opaque, const void *frame, size_t len);
	/* A lease, or one that was renewed and may say something new. */
	void (*bound)(void *opaque, const struct dhcp_client_lease *lease);
	/* The address may not be used any more.  The client goes on asking. */
	void (*lost)(void *opaque);
};

struct dhcp_client_config {
	struct mac mac;
	const char *name; /* to be known by, borrowed; NULL: none */
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
	usec_t began;    /* when this exchange did */
	usec_t deadline; /* when something is to be sent again, or the state changes */
	unsigned tries;
	ip4_t offered, server;          /* while requesting */
	struct dhcp_client_lease lease; /* from bound on */
	usec_t t1, t2, end;             /* of the lease */
};

void dhcp_client_init(struct dhcp_client *c, const struct dhcp_client_config *config);
void dhcp_client_start(struct dhcp_client *c, usec_t now);
/* A frame that arrived, in one piece.  True when it was meant for the client. */
bool dhcp_client_input(struct dhcp_client *c, usec_t now, const void *frame, size_t len);
/* Gives the lease back, if there is one, and stops. */
void dhcp_client_release(struct dhcp_client *c, usec_t now);

usec_t dhcp_client_deadline(const struct dhcp_client *c);
void dhcp_client_expire(struct dhcp_client *c, usec_t now);
