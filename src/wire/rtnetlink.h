/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells of the host's network (rtnetlink(7)), as far as lanlet follows it: addresses and routes of both families.
 * Numbers are in the host's byte order.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

enum rtnetlink_type {
	RTNETLINK_OTHER, /* any other message, or one that does not parse */
	RTNETLINK_ADDRESS_ADDED,
	RTNETLINK_ADDRESS_REMOVED,
	RTNETLINK_ROUTE_CHANGED, /* added, replaced or removed */
	RTNETLINK_OVERRUN,       /* messages were lost */
};

struct rtnetlink_event {
	enum rtnetlink_type type;
	bool v6;
	struct ip_addr addr; /* of an address: the host's own; of a route: its destination */
	unsigned length;     /* of a route: the destination's prefix length in its own family; 0: a default route */
};

/* Takes the next message of a datagram.  False at its end; a message that claims more bytes than there are is that end, too. */
bool rtnetlink_next(struct bytes_reader *r, struct rtnetlink_event *ret);
