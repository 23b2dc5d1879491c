/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message received from a UDP socket, which may hold many datagrams (udp(7), UDP_GRO), and the packets made from it. For
 * udp_receive.c.
 */
#pragma once

#include "engine/native/udp.h"
#include "host/socket_address.h"
#include "wire/ip.h"
#include "wire/udp.h"

#define UDP_ARRIVAL_HEADERS_MAX ((size_t)IP_HEADER_ROOM + UDP_HEADER_LEN)

/* Where the kernel says from where a message came, and how. */
struct udp_origin {
	union socket_address from;
	_Alignas(struct cmsghdr) char control[2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct udp_arrival {
	const struct iovec *iov;
	unsigned n_iov;
	size_t len;
	size_t segment;               /* size of the datagrams in it; the last may be smaller */
	struct ip_endpoint from;      /* the address that the guest expects */
	struct native_datagram *flow; /* NULL: it is for no guest */
	uint8_t tos;
};

/* Prepares @h for recvmsg() into @iov. */
void udp_arrival_expect(struct msghdr *h, struct udp_origin *origin, struct iovec *iov, unsigned n);
/* Describes the @len bytes received by @h.  May open a flow, and end others.  A sender that is not admitted is counted. */
struct udp_arrival udp_arrival_of(const struct udp_reader *r, usec_t now, struct msghdr *h, size_t len);
unsigned udp_arrival_datagrams(const struct udp_arrival *a);

/* Bytes of the headers of packets to the guest of @flow; NULL: of any guest, at most. */
static inline size_t udp_headers_len(const struct native_datagram *flow)
{
	return flow ? ip_header_len(&flow->base.flow.key.guest.addr) + UDP_HEADER_LEN : UDP_ARRIVAL_HEADERS_MAX;
}

/* Writes the headers for @len bytes of payload of @a, udp_headers_len() bytes, with the checksum of the pseudo-header only. */
void udp_packet_headers(const struct udp_arrival *a, size_t len, uint8_t *ret);
/* Completes the checksum in @headers, the start of packet @p. */
void udp_packet_checksum(uint8_t *headers, const struct engine_packet *p);
/* A packet of @len bytes in @n pieces with headers of @headers_len bytes; @partial: its checksum is left to the port. */
struct engine_packet udp_packet_of(const struct iovec *iov, unsigned n, size_t len, size_t headers_len, bool partial);

/* Datagrams copied to the turn's arena, to be sent after lent memory was given back. */
struct udp_late {
	struct udp_late *next;
	struct guest *guest;
	struct iovec iov;
	struct engine_packet packet;
};

struct udp_late_list {
	struct udp_late *first, *last;
};

/* Adds all datagrams of @a from byte @at on, if @a is for a guest. */
void udp_late_add(struct engine *e, struct udp_late_list *list, const struct udp_arrival *a, size_t at);
void udp_late_output(struct engine *e, usec_t now, const struct udp_late_list *list);
