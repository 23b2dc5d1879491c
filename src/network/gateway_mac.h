/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway's MAC: chosen at random once and kept in the state directory.  So guests' ARP entries stay valid across a restart, and
 * two networks that are joined later have different MACs.
 */
#pragma once

#include "base/addr.h"

struct log;

/* The MAC kept in @state_dir, or a new one that is kept there; NULL: a new one. */
struct mac gateway_mac_get(const char *state_dir, struct log *log);
