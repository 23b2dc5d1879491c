/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a network does when the host's network changes (host/host_follower.h):
 *
 * - An address of the host is lost: flows from it end, in slices between turns, because each costs a system call.
 * - Addresses or routes are news: what is known of the host's own address is asked anew, and forwards that could not be opened are
 *   tried again at once.
 */
#pragma once

#include "base/usec.h"
#include "host/host_change.h"

#include <stdint.h>

struct host_follower;
struct lanlet_network;

#define HOST_WATCH_ASKED_MAX 32u

struct host_watch {
	struct host_follower *follower;
	struct host_change lost; /* during a walk: what it is about */
	bool walking;
	uint64_t cursor; /* of engine_ops.end_lost */
	unsigned ended;  /* flows in this walk */
	/* With lost.any: addresses that the kernel was asked about in this walk. */
	struct {
		struct ip_addr addr;
		bool here;
	} asked[HOST_WATCH_ASKED_MAX];
	unsigned n_asked;
};

/* -ENOMEM. */
int host_watch_init(struct lanlet_network *n);
void host_watch_done(struct lanlet_network *n);
/* When host_watch_expire() has to be called; USEC_INFINITY for never. */
usec_t host_watch_deadline(const struct lanlet_network *n);
void host_watch_expire(struct lanlet_network *n, usec_t now);
