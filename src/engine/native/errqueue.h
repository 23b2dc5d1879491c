/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket's error queue (ip(7), IP_RECVERR): what the network said about packets that were sent. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NATIVE_ERRQUEUE_PAYLOAD 576

struct native_errqueue {
	int error;
	bool is_icmp; /* somebody on the way said so; else the host's own stack */
	uint8_t type, code;
	uint32_t info;                            /* the MTU of a packet that was too large */
	struct ip_addr offender;                  /* who said so */
	struct ip_endpoint dst;                   /* where the packet was sent */
	uint8_t payload[NATIVE_ERRQUEUE_PAYLOAD]; /* what was sent, from behind the transport header on */
	size_t payload_len;
};

/* Takes the next entry; false when there is none. */
bool native_errqueue_read(int fd, struct native_errqueue *ret);
