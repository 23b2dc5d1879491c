/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What flows use, summed for a guest and for a payer (payer.h). */
#pragma once

#include <stddef.h>

struct account {
	unsigned n_flows, n_sockets;
	unsigned n_ports;      /* UDP ports and ICMP echo identifiers of the host */
	unsigned n_connecting; /* half-open connections */
	size_t held;           /* bytes of memory for data that host sockets have not taken yet */
};

/* Adds what @by counts to @a, or takes it away. */
static inline void account_add(struct account *a, const struct account *by)
{
	a->n_flows += by->n_flows;
	a->n_sockets += by->n_sockets;
	a->n_ports += by->n_ports;
	a->n_connecting += by->n_connecting;
	a->held += by->held;
}

static inline void account_subtract(struct account *a, const struct account *by)
{
	a->n_flows -= by->n_flows;
	a->n_sockets -= by->n_sockets;
	a->n_ports -= by->n_ports;
	a->n_connecting -= by->n_connecting;
	a->held -= by->held;
}
