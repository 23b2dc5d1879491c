/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP ports of a forward.  The engine receives their datagrams, and asks here to which guest a new peer is connected. */
#pragma once

#include <stdbool.h>

struct forward;
struct ip_endpoint;

/* Opens the port at @at.  Negative errno, with a line in the forward's failure where there is more to say. */
int forward_datagram_add(struct forward *f, const struct ip_endpoint *at);
/* Leaves datagrams in the sockets, or receives them again. */
void forward_datagram_suspend(struct forward *f, bool suspended);
/* Closes the ports; their flows go on. */
void forward_datagram_close(struct forward *f);
