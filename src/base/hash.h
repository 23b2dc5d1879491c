/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyed hash, so that a guest that chooses its MACs, addresses and ports cannot
 * choose where they land in our tables.  SipHash-2-4 (Aumasson, Bernstein 2012).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k[2];
};

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);
