/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router advertisements (RFC 4861 §6.2): the segment's prefix, the gateway as router and name server, and answers to solicitations.
 *
 * The gateway is a default router only while the host has a route to the IPv6 internet: guests that were told otherwise would wait for
 * connections that cannot work.  With NAT64 it always is one, because it leads to the IPv4 internet.  Lifetimes are short, so that guests
 * forget a gateway that has gone; the last advertisement, at a clean end, withdraws what the earlier ones said.
 *
 * A solicitation is answered to its sender alone, after a short delay; one without a source address by an advertisement for all.  Those
 * leave at most every three seconds, whatever guests do.
 *
 * Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "gateway/service.h"
#include "wire/dns_name.h"

#include <stdbool.h>

struct gateway_ip6;
struct sink;

/* Seconds.  Guests hear at least three advertisements within each lifetime. */
#define RA_INTERVAL_MAX 100u
#define RA_INTERVAL_MIN 75u
#define RA_ROUTER_LIFETIME (3 * RA_INTERVAL_MAX)
#define RA_DNS_LIFETIME (3 * RA_INTERVAL_MAX)           /* RFC 8106 §5.1 */
#define RA_NAT64_LIFETIME (3 * RA_INTERVAL_MAX / 8 * 8) /* RFC 8781 §4.1 */
#define RA_PREFERRED_LIFETIME 1800u
#define RA_VALID_LIFETIME 7200u /* what hosts keep at least of an address that they have (RFC 4862 §5.5.3) */

#define RA_DELAY_MAX (100 * USEC_PER_MSEC)     /* before an answer; RFC 4861 allows 500 ms */
#define RA_MIN_DISTANCE (3 * USEC_PER_SEC)     /* between two advertisements for all (RFC 4861 §10, MIN_DELAY_BETWEEN_RAS) */
#define RA_INITIAL_INTERVAL (8 * USEC_PER_SEC) /* of the first, and after a change */
#define RA_INITIAL_COUNT 3u
/* Answers to single guests that wait.  Guests beyond that are answered together. */
#define RA_PENDING_MAX 64u
#define RA_PENDING_PER_PORT 4u

struct ra_config {
	struct mac mac;                /* the gateway's */
	const struct gateway_ip6 *ip6; /* borrowed */
	struct ip_addr dns;            /* of the name server; "::": none */
	bool dhcp6;                    /* there is a DHCPv6 server */
	const char *domain;            /* search list; NULL or "": none.  Copied */
	uint32_t mtu;                  /* of the network; 0: each port's own */
	struct hash_key key;           /* for random delays */
};

struct ra_pending {
	usec_t due;
	unsigned port_id;
	struct mac mac;
	struct ip_addr ip;
	uint32_t mtu;
};

struct ra_service {
	struct service service;
	struct ra_config config;
	struct dns_name search;
	bool is_default_router;
	usec_t next, last;     /* advertisement for all; last: USEC_INFINITY before the first */
	unsigned initial_left; /* of them that follow at short intervals */
	uint64_t n_random;
	unsigned n_pending;
	struct ra_pending pending[RA_PENDING_MAX];
};

/* The first advertisement is due at @now. */
void ra_service_init(struct ra_service *s, usec_t now, const struct ra_config *config);
/* Whether the host has a route to the IPv6 internet.  A change is advertised as soon as the distance allows. */
void ra_service_set_default_router(struct ra_service *s, usec_t now, bool is_default_router);
/* The gateway stops: withdraws router and name server. */
void ra_service_stop(struct ra_service *s, usec_t now, struct sink *out);
