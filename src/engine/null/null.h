/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine of a network without an outside: every packet is answered with "network unreachable", and what
 * is sent to a port of the gateway is refused as a closed port refuses.  It owns no descriptor.
 */
#pragma once

#include "gateway/engine.h"

extern const struct engine_ops null_engine_ops;
