/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where services put what they want to send.  Implemented by the gateway, and by a recorder in tests.
 * All bytes are copied (to the turn's arena) before the call returns.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/usec.h"

#include <stddef.h>
#include <stdint.h>

struct packet;
struct sink;

/* A UDP datagram from the gateway; both addresses are of one family. */
struct sink_udp {
	struct ip_addr src, dst;
	uint16_t src_port, dst_port;
	/* The destination MAC; NULL: that of the guest that has the address. */
	const struct mac *dst_mac;
	const void *payload;
	size_t len;
};

struct sink_ops {
	/* A whole Ethernet frame, source MAC included. */
	void (*frame)(struct sink *s, usec_t now, const void *bytes, size_t len);
	/* The sink adds headers, checksums and TTL 64, and fragments the datagram to the guest's MTU. */
	void (*udp)(struct sink *s, usec_t now, const struct sink_udp *datagram);
	/* An IP packet from the gateway to a guest, both addresses of one family: @payload is everything behind the IP header. */
	void (*ip)(struct sink *s, usec_t now, const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol, const void *payload,
		   size_t len);
	/* Counts a drop; @p is the dropped packet, or NULL. */
	void (*drop)(struct sink *s, enum drop_reason why, const struct packet *p);
};

struct sink {
	const struct sink_ops *ops;
};

static inline void sink_frame(struct sink *s, usec_t now, const void *bytes, size_t len)
{
	s->ops->frame(s, now, bytes, len);
}

static inline void sink_udp(struct sink *s, usec_t now, const struct sink_udp *datagram)
{
	s->ops->udp(s, now, datagram);
}

static inline void sink_ip(struct sink *s, usec_t now, const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
			   const void *payload, size_t len)
{
	s->ops->ip(s, now, src, dst, protocol, payload, len);
}

static inline void sink_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
	s->ops->drop(s, why, p);
}
