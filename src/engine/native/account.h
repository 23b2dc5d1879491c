/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What flows take, summed up for those who must leave something for others: each address of a guest, and each port of the segment,
 * because whoever is behind a port may give himself as many addresses as the network has.  A port's account lasts as long as
 * flows that began there.
 */
#pragma once

#include "engine/flow_table.h"

#include <stddef.h>

struct port;

struct native_account {
	unsigned n_flows, n_sockets;
	unsigned n_connecting; /* half-open connections */
	size_t held;           /* bytes of memory for what hosts have not taken yet */
};

struct native_payer {
	struct flow flow; /* in the table of payers: its key begins with the port's number */
	struct native_account account;
};

/* The account of @port; NULL: of flows that the host opens.  NULL without memory.  To be put again when it is not used. */
struct native_payer *native_payer_get(struct flow_table *payers, const struct port *port);
/* Frees @p when it has no flows any more. */
void native_payer_put(struct flow_table *payers, struct native_payer *p);
