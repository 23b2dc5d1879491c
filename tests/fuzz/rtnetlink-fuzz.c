/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A datagram of the kernel about the host's addresses and routes, and what is made of it.  Each message takes some of the bytes, prefix
 * lengths fit their family, and no more addresses are lost than were removed.
 */
#include "host/host_change.h"
#include "wire/rtnetlink.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	struct rtnetlink_event e;
	struct host_changes changes;
	struct host_change change;
	unsigned removed = 0;
	host_changes_init(&changes);
	for (size_t left = size; rtnetlink_next(&r, &e); left = r.left) {
		check(r.left < left);
		check(e.length <= (e.v6 ? 128u : 32u) || e.type != RTNETLINK_ROUTE_CHANGED);
		check(e.v6 || ip_is_v4(&e.addr) || e.length == 0);
		removed += e.type == RTNETLINK_ADDRESS_REMOVED;
		host_changes_note(&changes, 1, &e);
		check(changes.pending.n_lost <= HOST_CHANGE_LOST_MAX && changes.pending.n_lost <= removed);
	}
	usec_t due = host_changes_deadline(&changes);
	check(host_changes_take(&changes, due, &change) || due == USEC_INFINITY);
	check(host_changes_deadline(&changes) > due || due == USEC_INFINITY);
	return 0;
}
