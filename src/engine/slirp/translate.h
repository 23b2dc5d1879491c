/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation of packets into and out of libslirp. Pure.
 *
 * Inward: makes an Ethernet frame with new headers from a guest's packet, without anything that libslirp mishandles: no IP options,
 * no TCP options but MSS, no urgent pointer, right lengths, a complete checksum. Outward: replaces addresses of libslirp's private
 * network by the gateway's, in headers and in packets quoted by ICMP errors.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "wire/eth.h"
#include "wire/icmp4.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet;

/* A guest's packet, parsed up to its layer 4 header. */
struct inward {
	const struct packet *packet;
	const uint8_t *header; /* layer 4, as the guest sent it */
	size_t header_len;
	size_t payload_len;
	uint16_t guest_port, port; /* of TCP and UDP */
	union {                    /* by packet->ip.protocol */
		struct tcp_header tcp;
		struct udp_header udp;
		struct icmp4_header icmp;
	};
};

/*
 * Parses @p. The caller may change the header in @ret before emitting it.  -EBADMSG when it is malformed, -EPROTONOSUPPORT when
 * libslirp cannot carry the protocol, -ENOMEM; the reason to count is in @ret_why.
 */
int inward_parse(const struct packet *p, struct inward *ret, enum drop_reason *ret_why);

/* Changes to the frame that libslirp gets. */
struct inward_rewrite {
	ip4_t dst;
	uint8_t ttl;
	/* The part of the payload to send: all of it, or one datagram of several (FRAME_GSO_UDP). */
	size_t offset, len;
};

/* The largest frame that inward_emit() makes. */
#define INWARD_FRAME_MAX (ETH_HEADER_LEN + IPV4_PACKET_MAX)

/* Writes @in as an Ethernet frame to @frame, which has INWARD_FRAME_MAX bytes; returns the length. */
size_t inward_emit(const struct inward *in, const struct inward_rewrite *how, uint8_t *frame);

#define INWARD_SYN_MAX (ETH_HEADER_LEN + IPV4_HEADER_LEN + TCP_HEADER_MAX)

/* Writes a SYN of @guest:@guest_port to @peer:@port that announces @mss; returns the frame's length, INWARD_SYN_MAX at most. */
size_t inward_syn(ip4_t guest, uint16_t guest_port, ip4_t peer, uint16_t port, uint32_t seq, uint16_t mss, uint8_t *frame);

/* A packet that libslirp sends. */
struct outward {
	struct ipv4_header ip;
	const uint8_t *packet; /* the IP packet, of @len bytes */
	size_t len;
	struct bytes_reader l4; /* what follows the IP header */
};

/*
 * Finds the IPv4 packet in an Ethernet frame that libslirp made.  The IP header says where it ends: libslirp 4.8 and later pad
 * frames to 60 bytes.  -EPROTONOSUPPORT when the frame is not IPv4, -EBADMSG when it is malformed or cut short.
 */
int outward_parse(const uint8_t *frame, size_t len, struct outward *ret);

struct outward_rewrite {
	struct prefix4 private_network; /* libslirp's network, from which it sends ICMP errors */
	ip4_t gateway;
	bool from_gateway; /* replace every source, and every destination in a quoted packet, by @gateway */
};

/* Rewrites @packet, an IP packet from libslirp. -EBADMSG when it is malformed. */
int outward_translate(uint8_t *packet, size_t len, const struct outward_rewrite *how);
