/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel knows of the connection of a TCP socket of the host (TCP_INFO, tcp(7)). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct host_tcp {
	uint64_t rate;       /* bytes a second that the path delivers, 0: not known */
	uint32_t unsent;     /* bytes that were never sent */
	uint64_t busy_us;    /* how long bytes have not been acknowledged, in all */
	bool is_local;       /* the path is the host's loopback, by its MTU */
	uint32_t rtt_us;     /* smoothed */
	uint32_t in_flight;  /* segments that were sent and not acknowledged */
	uint32_t silence_ms; /* since the peer's last segment */
};

/* False when @fd has no such connection. */
bool host_tcp_look(int fd, struct host_tcp *ret);
/* Bytes that the peer has not acknowledged, unsent ones included; UINT32_MAX when that is not known. */
uint32_t host_tcp_unacked(int fd);
/*
 * Makes the socket writable while it has less than half of @bytes unsent; UINT32_MAX: while its buffer has room. The kernel applies the
 * limit to a new segment only, and adds up to 64 KiB to the last one, so the caller asks host_tcp_is_writable() before each half.
 */
void host_tcp_limit_unsent(int fd, uint32_t bytes);
/* Whether the socket is writable. If not, an edge is reported when it is. */
bool host_tcp_is_writable(int fd);
