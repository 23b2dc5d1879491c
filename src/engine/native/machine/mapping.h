/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's UDP port, or its ICMP echo identifier, seen from outside: whom it has sent to, who may answer, and how long
 * it lasts without traffic (RFC 4787 §4–5, RFC 5508 §3).  Pure; the socket is the shell's.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>

#define MAPPING_PEERS_MAX 128u

enum mapping_filter {
	MAPPING_FILTER_ADDRESS,
	MAPPING_FILTER_NONE,
	MAPPING_FILTER_ADDRESS_AND_PORT,
};

struct mapping_peer {
	struct ip_endpoint real;    /* where datagrams really go */
	struct ip_endpoint claimed; /* where the guest believes it sends them */
};

struct mapping {
	struct mapping_peer *peers; /* the one used last comes first; the oldest is forgotten when there are too many */
	unsigned n_peers, size;
	usec_t active;  /* last datagram of the guest (RFC 4787 REQ-6) */
	bool questions; /* only ever DNS: over with the answer */
};

/* -ENOMEM later, from mapping_sent(). */
void mapping_init(struct mapping *m, usec_t now);
void mapping_done(struct mapping *m);
/* The guest sent to @claimed, which is @real on the outside. */
int mapping_sent(struct mapping *m, usec_t now, const struct ip_endpoint *claimed, const struct ip_endpoint *real);
/*
 * Something came from @from: may it pass, and who is it for the guest?
 */
bool mapping_admits(struct mapping *m, enum mapping_filter filter, const struct ip_endpoint *from, struct ip_endpoint *ret_claimed);
/* When a UDP mapping ends. */
usec_t mapping_udp_deadline(const struct mapping *m);
/* When an echo mapping ends. */
usec_t mapping_echo_deadline(const struct mapping *m);
