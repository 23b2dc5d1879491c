/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of UDP: udp.c (flows, errors, turns), udp_send.c (guest to host), udp_receive.c (host to guest). */
#pragma once

#include "engine/native/datagram.h"

struct native_errqueue;
struct packet;

/* Queues the @len bytes of payload in @p, as datagrams of @each bytes, to be sent at the end of the turn. Negative errno. */
int native_udp_gather(struct native_datagram *d, const struct packet *p, const struct ip_endpoint *claimed, const struct ip_endpoint *to,
		      size_t each, size_t len);
void native_udp_send_gathered(struct native_datagram *d, usec_t now);

/* Passes the errors in the socket's error queue to the guest. */
struct native_drained native_udp_drain_errors(struct native_datagram *d, usec_t now);
/* Passes the ICMP error @q about a datagram of @d to the guest. */
void native_udp_pass_on_error(struct native_datagram *d, usec_t now, struct native_errqueue *q);
/* What tells a datagram of @len bytes to @port from others of its flow (native_sent). */
static inline uint16_t native_udp_sent_key(uint16_t port, size_t len)
{
	return (uint16_t)(port ^ len << 8 ^ len >> 8);
}
/* Sends the guest an ICMP error about its datagram of @len bytes to @claimed, of which the first @known bytes are at @payload. */
void native_udp_tell_guest(struct native_datagram *d, usec_t now, struct native_icmp_error *error, const struct ip_endpoint *claimed,
			   const void *payload, size_t known, size_t len);
