/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of a network, one table: from which /v1/counters and /metrics are made. */
#pragma once

#include "network/snapshot.h"

#include <stddef.h>

struct counter {
	const char *name; /* as in JSON; with "lanlet_" before it, as a metric */
	const char *help;
	bool goes_down;   /* a gauge */
	size_t offset;    /* of its uint64_t or unsigned in struct snapshot_counters */
	bool is_unsigned; /* the latter */
};

/* NULL behind the last one. */
const struct counter *counter_at(size_t index);
uint64_t counter_value(const struct counter *c, const struct snapshot_counters *s);
