/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine "libslirp": NAT by the library behind QEMU's user network.  It is complete for what guests do, slow for
 * what benchmarks do, and what it cannot do is listed in docs/engines.md.
 *
 * libslirp keeps its clock in a global variable: all engines of a process must run on one thread.
 */
#pragma once

#include "gateway/engine.h"

extern const struct engine_ops slirp_engine_ops;
