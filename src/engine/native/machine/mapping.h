/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NAT mapping of a guest's UDP port or ICMP echo identifier: the peers that the guest has sent to, which peers may answer, and
 * how long the mapping lives without traffic (RFC 4787 §4–5, RFC 5508 §3). The socket belongs to the caller.
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
	struct ip_endpoint real;    /* where the host sends the datagrams */
	struct ip_endpoint claimed; /* the address that the guest uses for that peer */
};

struct mapping {
	struct mapping_peer *peers; /* most recently used first; when the list is full the last one is dropped */
	unsigned n_peers, size;
	usec_t active;  /* last datagram of the guest (RFC 4787 REQ-6) */
	bool questions; /* all packets so far were DNS: the mapping ends with the answer */
};

/* Allocates nothing. */
void mapping_init(struct mapping *m, usec_t now);
void mapping_done(struct mapping *m);
/* The guest sent to @claimed; the host sends to @real. -ENOMEM. */
int mapping_sent(struct mapping *m, usec_t now, const struct ip_endpoint *claimed, const struct ip_endpoint *real);
/* Whether a datagram from @from may pass to the guest; if so, @ret_claimed is the source address that the guest expects. */
bool mapping_admits(struct mapping *m, enum mapping_filter filter, const struct ip_endpoint *from, struct ip_endpoint *ret_claimed);
/* When a UDP mapping ends. */
usec_t mapping_udp_deadline(const struct mapping *m);
/* When an echo mapping ends. */
usec_t mapping_echo_deadline(const struct mapping *m);
