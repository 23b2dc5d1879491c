/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest with a minimal TCP: it sends what the test tells it to, acknowledges data in order, and records what it receives. No
 * packet is lost between it and the engine, so it never retransmits by itself.
 */
#pragma once

#include "bench.h"

#include <glib.h>

struct guest_tcp {
	struct bench *b;
	ip4_t ip, peer;
	uint16_t port, peer_port;
	uint32_t next; /* sequence number of our next byte */
	uint32_t acked;
	uint32_t expected; /* sequence number of the peer's next byte */
	uint16_t peer_window, peer_mss;
	uint16_t mss; /* MSS option of our SYN; 0: no option */
	uint8_t ttl;
	bool syn_seen, established, fin_seen, reset_seen, urgent_seen;
	size_t largest; /* largest payload of a segment received */
	GByteArray *received;
};

/* Not connected yet. Pair with guest_tcp_done(). */
void guest_tcp_init(struct guest_tcp *t, struct bench *b, ip4_t ip, uint16_t port, ip4_t peer, uint16_t peer_port);
void guest_tcp_done(struct guest_tcp *t);
void guest_tcp_syn(struct guest_tcp *t);
/* Sends a SYN and runs until it is accepted or refused; true when established. */
bool guest_tcp_connect(struct guest_tcp *t);
/* Sends one segment with @flags and @len bytes, unmodified. */
void guest_tcp_segment(struct guest_tcp *t, uint8_t flags, const void *data, size_t len);
/* Sends @data in segments as the peer's window allows, running the engine; false when that stalls. */
bool guest_tcp_send(struct guest_tcp *t, const void *data, size_t len);
void guest_tcp_fin(struct guest_tcp *t);
void guest_tcp_reset(struct guest_tcp *t);
/* A segment from the engine for this connection; bench.c calls it. */
void guest_tcp_input(struct guest_tcp *t, const struct tcp_header *h, const uint8_t *payload, size_t len, size_t gso_size);

/* Sends a datagram. */
void guest_udp_send(struct bench *b, ip4_t ip, uint16_t port, ip4_t peer, uint16_t peer_port, const void *data, size_t len, uint8_t ttl);
/* Sends an echo request with @len bytes behind the header. */
void guest_ping(struct bench *b, ip4_t ip, ip4_t peer, uint16_t id, uint16_t seq, const void *data, size_t len, uint8_t ttl);
