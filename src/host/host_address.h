/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's own address: the one that a route lookup towards the default route yields.  It is what
 * the gateway's address means to engines (gateway/engine.h, host_address).  Nothing is sent to find it.
 *
 * The answer is kept for a second, so that asking for every packet is cheap and a host that moved to
 * another network is noticed.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>

struct host_address_entry {
	usec_t until; /* good for this long; 0: never asked */
	int result;   /* 0 or the negative errno to return */
	struct ip_addr addr;
};

struct host_address {
	struct host_address_entry v4, v6;
};

void host_address_init(struct host_address *h);
/* -ENETUNREACH when the host has no route or nothing but loopback on it. */
int host_address_get(struct host_address *h, usec_t now, bool v6, struct ip_addr *ret);
