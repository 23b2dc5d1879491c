/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What flows use, summed for a guest and for a payer (payer.h), and the rule that shares a limited resource.
 *
 * A share depends on what is left: each user may have as much as @weight times what nobody has taken.  One user alone gets
 * weight / (weight + 1) of all, and n greedy users leave 1 / (n * weight + 1) for the next one, so there is always something for it,
 * without a constant for each user (dynamic thresholds, Choudhury and Hahne 1998).
 */
#pragma once

#include <stdbool.h>
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

/* Whether a user that has @mine of the @used units, of which there are @max, may take @want more. */
static inline bool share_allows(size_t mine, size_t want, size_t used, size_t max, unsigned weight)
{
	return used < max && want <= max - used && mine + want <= weight * (max - used);
}
