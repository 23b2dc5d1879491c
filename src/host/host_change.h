/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Collects what the kernel tells of the host's network until it is settled.  Pure.
 *
 * Addresses are often removed and added again at once: by a DHCP client that renews, or when an interface joins a bridge.  So an address
 * counts as lost only when it has been away for a moment.  Added addresses and routes are reported sooner, all of a moment together.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>

struct rtnetlink_event;

/* Most removed addresses that are told apart; with more, any address of the host may be lost. */
#define HOST_CHANGE_LOST_MAX 16u

/* What has changed. */
struct host_change {
	bool news; /* addresses were added, or the ways to the internet have changed */
	bool any;  /* any address may be lost, also those that are not in the list */
	unsigned n_lost;
	struct ip_addr lost[HOST_CHANGE_LOST_MAX]; /* addresses that were removed and not added again */
};

struct host_changes {
	struct host_change pending;
	usec_t news_due, lost_due; /* when they are settled; USEC_INFINITY: there are none */
};

void host_changes_init(struct host_changes *c);
void host_changes_note(struct host_changes *c, usec_t now, const struct rtnetlink_event *e);
/* When host_changes_take() has something to report; USEC_INFINITY for never. */
usec_t host_changes_deadline(const struct host_changes *c);
/* What is settled by now; false when there is nothing. */
bool host_changes_take(struct host_changes *c, usec_t now, struct host_change *ret);
