/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket's error queue (ip(7), IP_RECVERR): ICMP errors and local errors about packets that were sent. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NATIVE_ERRQUEUE_PAYLOAD 576

struct native_errqueue {
	int error;
	bool is_v6;                               /* about a packet of IPv6 */
	bool is_icmp;                             /* from an ICMP message; otherwise from the host's own stack */
	uint8_t type, code;                       /* of ICMP, or of ICMPv6 on an IPv6 socket */
	uint32_t info;                            /* the MTU, for EMSGSIZE; the pointer of a parameter problem */
	struct ip_addr offender;                  /* the sender of the ICMP message; "::": the error has no sender */
	struct ip_endpoint dst;                   /* destination of the packet */
	uint8_t payload[NATIVE_ERRQUEUE_PAYLOAD]; /* the packet's payload, without the transport header */
	size_t payload_len;
};

/* Takes the next entry; false when the queue is empty. */
bool native_errqueue_read(int fd, struct native_errqueue *ret);
