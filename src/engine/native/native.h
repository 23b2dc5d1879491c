/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The native engine (--engine native): guests' flows over sockets of the host.  The pure code in machine/ decides; the code here
 * does the system calls.
 */
#pragma once

#include "gateway/engine.h"

extern const struct engine_ops native_engine_ops;
