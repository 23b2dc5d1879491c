/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storm control: limits what one port may flood, which is broadcast, multicast without known members, and unicast to an unknown port.  A
 * token bucket that holds one second's worth.  Embedded in struct port; zeroed, it is full.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

/* Frames per second.  A healthy guest floods a few, a multicast video stream some thousand. */
#define STORM_LIMIT_DEFAULT 10000u
#define STORM_LIMIT_MIN 10u
#define STORM_LIMIT_MAX 10000000u

struct storm_bucket {
	uint64_t full_at_ns; /* when the bucket will be full again */
};

/* Takes @n frames out of @per_second; false when fewer are left.  @per_second 0: no limit. */
bool storm_take(struct storm_bucket *b, usec_t now, unsigned per_second, unsigned n);
