/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Internet checksum (RFC 1071): a running one's complement sum over pieces.  Pieces
 * may have any length; a sum remembers whether it stands at an odd byte.
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct checksum {
	uint64_t sum;
	bool odd;
};

/* Adds @len bytes. */
void checksum_add(struct checksum *c, const void *data, size_t len);
/* Adds a field of four bytes, or a shorter one at the end of such four, which stands at an even offset; in host order. */
static inline void checksum_add_u32(struct checksum *c, uint32_t value)
{
	c->sum += (value >> 16) + (value & 0xffff);
}
/* Adds the IPv4 pseudo-header (RFC 793 §3.1, RFC 768); @len is that of layer 4. */
void checksum_add_pseudo4(struct checksum *c, ip4_t src, ip4_t dst, uint8_t protocol, uint16_t len);
/* The same for IPv6 (RFC 8200 §8.1). */
void checksum_add_pseudo6(struct checksum *c, const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol, uint32_t len);
/* The folded sum, not inverted: what a partial checksum field holds. */
uint16_t checksum_fold(const struct checksum *c);
/* The value for the checksum field, in host order. */
static inline uint16_t checksum_value(const struct checksum *c)
{
	return (uint16_t)~checksum_fold(c);
}
/* True when the sum ran over data that contains its own right checksum. */
static inline bool checksum_is_right(const struct checksum *c)
{
	return checksum_fold(c) == 0xffff;
}
/*
 * The value for a checksum field that held @field, after what summed to @old was replaced by what sums to @now, both
 * at even offsets (RFC 1624 §3, eqn. 3).  All in host order.
 */
uint16_t checksum_adjust(uint16_t field, const struct checksum *old, const struct checksum *now);
