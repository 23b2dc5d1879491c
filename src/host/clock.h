/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks of the host.  Pure code gets the time as an argument. */
#pragma once

#include "base/usec.h"

/* CLOCK_BOOTTIME: never steps back, keeps running while the host is suspended. */
usec_t clock_now(void);
/* CLOCK_REALTIME, since 1970: for output and files only. */
usec_t clock_wall(void);
/* The same in nanoseconds. */
uint64_t clock_wall_ns(void);
