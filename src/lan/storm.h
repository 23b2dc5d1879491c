/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much one port may send to everybody: broadcast, multicast that nobody has asked for, and unicast whose port is not
 * known.  A token bucket of one second's worth, whose clock is turned by hand; embedded in struct port, zeroed is full.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

/* Frames per second.  A guest that is well uses a few; a video stream by multicast some thousand. */
#define STORM_LIMIT_DEFAULT 10000u
#define STORM_LIMIT_MIN 10u
#define STORM_LIMIT_MAX 10000000u

struct storm_bucket {
	uint64_t full_at_ns; /* when what was taken will have been filled up again */
};

/* Takes @n frames of @per_second; false when they are not there.  @per_second 0: no limit. */
bool storm_take(struct storm_bucket *b, usec_t now, unsigned per_second, unsigned n);
