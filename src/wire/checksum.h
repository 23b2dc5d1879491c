/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Internet checksum (RFC 1071): a running one's complement sum over pieces of any length.
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_LEN 2 /* bytes of a checksum field */

struct checksum {
	uint64_t sum;
	bool odd; /* the number of bytes summed so far is odd */
};

/* Adds @len bytes. */
void checksum_add(struct checksum *c, const void *data, size_t len);
/* Adds the host-order value of a field of at most 4 bytes that ends at an even offset. */
static inline void checksum_add_u32(struct checksum *c, uint32_t value)
{
	c->sum += (value >> 16) + (value & 0xffff);
}
/* Adds the IPv4 pseudo-header (RFC 793 §3.1, RFC 768); @len: bytes of layer 4. */
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

/* Offsets of the checksum field in a header. */
#define UDP_CHECKSUM_AT 6
#define TCP_CHECKSUM_AT 16

/*
 * The value for a checksum field at @offset in its transport header, as virtio's csum_offset gives it.  In UDP, 0 means no checksum, so a
 * sum of 0 is sent as 0xffff (RFC 768); in other protocols it is sent as 0.
 */
static inline uint16_t checksum_transport_value(const struct checksum *c, size_t offset)
{
	uint16_t value = checksum_value(c);
	return value == 0 && offset == UDP_CHECKSUM_AT ? 0xffff : value;
}
/* True when the summed data contains its own checksum and that is right. */
static inline bool checksum_is_right(const struct checksum *c)
{
	return checksum_fold(c) == 0xffff;
}
/*
 * Updates a checksum incrementally (RFC 1624 §3, eqn. 3).  The field held @field; bytes at an even offset that summed to @old
 * were replaced by bytes that sum to @now.  Returns the new value of the field.  All in host order.
 */
uint16_t checksum_adjust(uint16_t field, const struct checksum *old, const struct checksum *now);
