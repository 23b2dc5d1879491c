/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks of the machine; pure code is handed what they say. */
#pragma once

#include "base/usec.h"

/* CLOCK_BOOTTIME: never steps back, goes on while the machine sleeps. */
usec_t clock_now(void);
/* CLOCK_REALTIME, since 1970: only for what people and other programs read. */
usec_t clock_wall(void);
/* The same in nanoseconds. */
uint64_t clock_wall_ns(void);
