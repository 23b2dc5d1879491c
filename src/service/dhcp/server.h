/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's states: what it does with each message, and with the results of ARP probes. */
#pragma once

#include "base/usec.h"

struct dhcp;
struct dhcp_request;
struct sink;

/*
 * Processes a client's message.  -ENOMSG: it is not for this server; -ENOSPC: no address is free; -ENOMEM.  Then nothing was
 * sent.
 */
int dhcp_server_input(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct sink *out);
/* When dhcp_server_expire() wants to be called; USEC_INFINITY: no probe is running. */
usec_t dhcp_server_deadline(const struct dhcp *d);
/* Ends one probe that is due.  -EAGAIN when none is; otherwise as dhcp_server_input(). */
int dhcp_server_expire(struct dhcp *d, usec_t now, struct sink *out);
/* Frees all probes. */
void dhcp_server_stop(struct dhcp *d);
