/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyed hash: a guest chooses its MACs, addresses and ports, but must not be able to choose
 * their slots in hash tables.  SipHash-2-4 (Aumasson, Bernstein 2012).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k[2];
};

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);
