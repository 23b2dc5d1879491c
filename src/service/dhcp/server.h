/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the server does with each message, and with the answers and silences of ARP. */
#pragma once

#include "base/usec.h"

struct dhcp;
struct dhcp_request;
struct sink;

/*
 * A client's message that may be answered.  -ENOMSG: it asks for nothing of ours; -ENOSPC: no address is free;
 * -ENOMEM.  Nothing was sent then.
 */
int dhcp_server_input(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct sink *out);
/* USEC_INFINITY: nobody waits. */
usec_t dhcp_server_deadline(const struct dhcp *d);
/* Goes on with one client whose wait is over.  -EAGAIN: there is none; else as dhcp_server_input(). */
int dhcp_server_expire(struct dhcp *d, usec_t now, struct sink *out);
/* Forgets who waits. */
void dhcp_server_stop(struct dhcp *d);
