/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resource use of flows, summed per guest address and per port of the segment, for the limits that leave a share to others. The port
 * counts because a guest can use as many addresses as the network has. A port's account lives as long as flows that began there.
 */
#pragma once

#include "engine/flow_table.h"

#include <stddef.h>

struct port;

struct native_account {
	unsigned n_flows, n_sockets;
	unsigned n_connecting; /* half-open connections */
	size_t held;           /* bytes of memory for data that host sockets have not taken yet */
};

struct native_payer {
	struct flow flow; /* in the table of payers: its key begins with the port's number */
	struct native_account account;
};

/* The account of @port (NULL: of flows that the host opens). Returns NULL without memory. Pair with native_payer_put() if unused. */
struct native_payer *native_payer_get(struct flow_table *payers, const struct port *port);
/* Frees @p when its last flow has ended. */
void native_payer_put(struct flow_table *payers, struct native_payer *p);
