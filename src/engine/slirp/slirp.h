/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine "libslirp": NAT by the library behind QEMU's user network.  It supports what guests usually do, and is slow;
 * docs/engines.md lists what it cannot do.
 *
 * libslirp has its clock in a global variable: all engines of a process must run on one thread.
 */
#pragma once

#include "gateway/engine.h"

extern const struct engine_ops slirp_engine_ops;
