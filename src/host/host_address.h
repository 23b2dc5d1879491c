/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's address: the source address that the kernel selects on the default route.  Engines connect to it for
 * the gateway's address (gateway/engine.h, host_address).  Finding it sends no packet.
 *
 * The result is cached for a second, so that a look-up for every packet is cheap and a change of the host's network
 * is noticed.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>

struct host_address_entry {
	usec_t until; /* end of validity; 0: not looked up yet */
	int result;   /* 0 or the negative errno to return */
	struct ip_addr addr;
};

struct host_address {
	struct host_address_entry v4, v6;
};

void host_address_init(struct host_address *h);
/* -ENETUNREACH when the host has no default route, or one on loopback only. */
int host_address_get(struct host_address *h, usec_t now, bool v6, struct ip_addr *ret);
