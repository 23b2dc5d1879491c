/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of UDP share: udp.c (flows, errors, turns), udp_send.c (guest to host), udp_receive.c (host to guest). */
#pragma once

#include "engine/native/datagram.h"

struct packet;

/*
 * Gives the @len bytes of payload in @p, in datagrams of @each bytes, places among those that go out at the end of the turn.  Negative
 * errno.
 */
int native_udp_gather(struct native_datagram *d, const struct packet *p, const struct ip_endpoint *claimed, const struct ip_endpoint *to,
		      size_t each, size_t len);
void native_udp_send_gathered(struct native_datagram *d, usec_t now);

/* Passes on some of what the socket has; false when that was all. */
bool native_udp_receive(struct native_datagram *d, usec_t now);

/* Passes on a datagram of the peer of a flow that was opened from outside. */
void native_udp_deliver(struct native_datagram *d, usec_t now, const void *datagram, size_t len);

/* Passes on what the socket's error queue has.  Returns the MTU when the host's own stack found a datagram too large, else 0. */
uint32_t native_udp_drain_errors(struct native_datagram *d, usec_t now);
/* Tells the guest what became of a datagram of @len bytes to @claimed, of which the first @known are at @payload. */
void native_udp_tell_guest(struct native_datagram *d, usec_t now, struct native_icmp_error *error, const struct ip_endpoint *claimed,
			   const void *payload, size_t known, size_t len);
