/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time: microseconds of a clock that never steps back and keeps running while the machine
 * is suspended (CLOCK_BOOTTIME).  Pure code gets the time as an argument.
 */
#pragma once

#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_PER_MSEC ((usec_t)1000)
/* As a deadline: never. */
#define USEC_INFINITY ((usec_t)UINT64_MAX)

/* a + b; USEC_INFINITY instead of an overflow. */
static inline usec_t usec_add(usec_t a, usec_t b)
{
	return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

static inline usec_t usec_min(usec_t a, usec_t b)
{
	return a < b ? a : b;
}
