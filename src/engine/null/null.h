/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine of an isolated network: packets to the outside are answered with ICMP network unreachable, packets to a port of the
 * gateway as by a closed port. It owns no descriptor.
 */
#pragma once

#include "gateway/engine.h"

extern const struct engine_ops null_engine_ops;
