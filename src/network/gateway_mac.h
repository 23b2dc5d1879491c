/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway's MAC: made up once, kept in the state directory, so that guests that were there before a restart
 * still know it, and two networks that are joined some day do not share it.
 */
#pragma once

#include "base/addr.h"

struct log;

/* The MAC kept in @state_dir, or a new one that is kept there; NULL: a new one. */
struct mac gateway_mac_get(const char *state_dir, struct log *log);
