/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest on a simulated segment: a port, a MAC, an address, and a receiver that reassembles and checks packets and
 * records them as receipts.  Packets have a token, 8 bytes behind the transport header, from which the rest of their
 * payload follows.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "gateway/reassembly.h"
#include "lan/port.h"

#include <glib.h>

enum receipt_kind {
	RECEIPT_UDP,
	RECEIPT_ECHO_REPLY,
	RECEIPT_ICMP_ERROR,
	RECEIPT_ARP,
	RECEIPT_OTHER, /* not IP */
};

/* A received or expected packet. */
struct receipt {
	enum receipt_kind kind;
	unsigned guest;
	uint64_t token;      /* of ARP: operation and sender's address */
	unsigned type, code; /* of an ICMP error */
	unsigned ttl;        /* of UDP */
	bool from_gateway;   /* by its source MAC */
};

struct sim_guest {
	struct port port;
	unsigned index;
	struct mac mac;
	ip4_t ip;
	struct mac gateway_mac;
	struct arena arena;
	struct reassembly reassembly;
	GArray *receipts;       /* struct receipt, shared by all guests */
	uint64_t frames, bytes; /* received on the current port */
};

void sim_guest_init(struct sim_guest *g, unsigned index, ip4_t ip, struct mac gateway_mac, GArray *receipts);
void sim_guest_done(struct sim_guest *g);
/* A new port for @g, as after a reconnect. */
void sim_guest_plug(struct sim_guest *g, struct segment *s, size_t max_frame);

/* Fills @payload as receivers expect it. */
void sim_payload(uint64_t token, uint8_t *payload, size_t len);
