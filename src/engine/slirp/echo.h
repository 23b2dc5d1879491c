/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP echo beyond what libslirp does with its ping sockets: one for each request, kept four minutes when no
 * answer comes, and blind to ICMP errors.
 */
#pragma once

#include <stdbool.h>

struct slirp_socket;
struct stack;

/* Whether this process may open ping sockets (net.ipv4.ping_group_range), or raw ones. */
bool echo_is_allowed(void);
/* Passes the ICMP error that waits at @x, if any, to the guest, and closes the socket then. */
void echo_error(struct stack *s, struct slirp_socket *x);
