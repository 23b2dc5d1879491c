/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network's unique local IPv6 prefix (RFC 4193): derived from a random key that is chosen once and kept in the state directory.  So
 * guests keep their addresses, also those that DHCPv6 derives from the key, across a restart, and two networks that are joined later have
 * different prefixes.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"

struct log;

/* The key kept in @state_dir, or a new one that is kept there; NULL: a new one. */
struct hash_key prefix6_key(const char *state_dir, struct log *log);
/* A prefix of 64 bits. */
struct prefix6 prefix6_of_key(const struct hash_key *key);
