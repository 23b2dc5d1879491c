/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP header (RFC 768). */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"
#include "wire/checksum.h"

#define UDP_HEADER_LEN 8

struct udp_header {
	uint16_t src_port, dst_port;
	uint16_t len;      /* header and payload */
	uint16_t checksum; /* as on the wire; 0: no checksum */
};

/* -EBADMSG when truncated or shorter than its header. */
int udp_parse(struct bytes_reader *r, struct udp_header *ret);
/* Writes the header with the checksum as given. */
void udp_emit(struct bytes_writer *w, const struct udp_header *h);
/* Writes header and payload with the checksum over the IP packet from @src to @dst, of either family (never 0, RFC 768, RFC 8200 §8.1). */
void udp_emit_datagram(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, uint16_t src_port, uint16_t dst_port,
		       const void *payload, size_t len);
/* The same over IPv4. */
void udp_emit_ipv4(struct bytes_writer *w, ip4_t src, ip4_t dst, uint16_t src_port, uint16_t dst_port, const void *payload, size_t len);
