/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of counters, from which /v1/counters and /metrics are made. */
#pragma once

#include "network/snapshot.h"

#include <stddef.h>

struct counter {
	const char *name; /* in JSON; the metric has "lanlet_" before it */
	const char *help;
	bool goes_down;   /* a gauge, not a counter */
	size_t offset;    /* of its value in struct snapshot_counters */
	bool is_unsigned; /* the value is unsigned; otherwise uint64_t */
};

/* NULL after the last one. */
const struct counter *counter_at(size_t index);
uint64_t counter_value(const struct counter *c, const struct snapshot_counters *s);
