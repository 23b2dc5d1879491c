/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP data segments over IPv4 and IPv6, for coalescing: whether packets are consecutive segments of one stream, which may be joined as
 * a receiver with GRO does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A packet that only carries data: no IP options, no extension headers, no fragment, no flags but ACK and PSH. */
struct tcp_data {
	const uint8_t *packet; /* borrowed */
	size_t ip_header_len;  /* IPV4_HEADER_LEN or IPV6_HEADER_LEN, so it tells the family */
	size_t header_len;     /* IP and TCP */
	size_t payload_len;    /* at least 1 */
	uint32_t seq;
	bool push;
};

/* False unless the @len bytes at @packet are exactly one such IPv4 packet with both checksums right. */
bool tcp_data_parse4(const uint8_t *packet, size_t len, struct tcp_data *ret);
/* The same for IPv6, which has one checksum.  Jumbograms (RFC 2675) are refused, because their payload length is 0. */
bool tcp_data_parse6(const uint8_t *packet, size_t len, struct tcp_data *ret);

/* Whether the headers are equal but for lengths, ids, PSH, checksums and sequence numbers, which are not compared. */
bool tcp_data_alike(const struct tcp_data *first, const struct tcp_data *next);

/*
 * Makes @header, a copy of @first's headers, those of a super-frame with @payload_len bytes: sets total or payload length, PSH and IP
 * checksum, and the pseudo-header's sum in the TCP checksum field (virtio 1.3 §5.1.6.2).
 */
void tcp_data_widen(const struct tcp_data *first, uint8_t *header, size_t payload_len, bool push);
