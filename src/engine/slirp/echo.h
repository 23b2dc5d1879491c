/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Additions to libslirp's ICMP echo, which opens one ping socket per request, keeps it for four minutes without an answer, and
 * ignores ICMP errors.
 */
#pragma once

#include <stdbool.h>

struct slirp_socket;
struct stack;

/* Whether this process may open ping sockets (net.ipv4.ping_group_range), or raw ones. */
bool echo_is_allowed(void);
/* If an ICMP error is queued at @x, passes it to the guest and closes the socket. */
void echo_error(struct stack *s, struct slirp_socket *x);
