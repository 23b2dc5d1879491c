/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP data over IPv4 as one packet, for telling whether packets are pieces of one stream that could as well have
 * come as one: what a receiver with GRO does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A packet that carries data and says nothing else: no IP options, no fragment, only ACK and PSH. */
struct tcp4_data {
	const uint8_t *packet; /* borrowed */
	size_t header_len;     /* IP and TCP */
	size_t payload_len;    /* at least 1 */
	uint32_t seq;
	bool push;
};

/* False when the @len bytes at @packet are no such packet, whole and alone, with both checksums right. */
bool tcp4_data_parse(const uint8_t *packet, size_t len, struct tcp4_data *ret);

/* Whether @next says the same as @first apart from what each packet of a stream has of its own; sequence numbers are not looked at. */
bool tcp4_data_alike(const struct tcp4_data *first, const struct tcp4_data *next);

/*
 * Makes @header, a copy of @first's, that of @payload_len bytes: lengths, PSH, the IP checksum, and
 * in the TCP checksum's place the sum of the pseudo-header, as for a packet to be segmented (virtio 1.3 §5.1.6.2).
 */
void tcp4_data_widen(const struct tcp4_data *first, uint8_t *header, size_t payload_len, bool push);
