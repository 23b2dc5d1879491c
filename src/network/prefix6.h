/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network's unique local IPv6 prefix (RFC 4193): derived from a random key that is chosen once and kept in the state directory.  So
 * guests keep their addresses across a restart, and two networks that are joined later have different prefixes.
 */
#pragma once

#include "base/addr.h"

struct log;

/* A prefix of 64 bits from the key kept in @state_dir, or from a new one that is kept there; NULL: a new one. */
struct prefix6 prefix6_of_network(const char *state_dir, struct log *log);
