/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/checksum.h"

#include <endian.h>
#include <string.h>

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/*
 * Sums machine-order 32-bit words into 64 bits: one's complement addition does not mind the byte
 * order (RFC 1071 §2(B)), so only the folded result is turned round, and 2^32 words fit
 * before the sum could overflow.
 */
static uint16_t sum_bytes(const uint8_t *p, size_t len)
{
	uint64_t a = 0, b = 0;
	for (; len >= 16; p += 16, len -= 16) {
		uint32_t w[4];
		memcpy(w, p, sizeof(w));
		a += w[0];
		b += w[1];
		a += w[2];
		b += w[3];
	}
	for (; len >= 2; p += 2, len -= 2) {
		uint16_t w;
		memcpy(&w, p, sizeof(w));
		a += w;
	}
	if (len > 0) {
		uint16_t w = 0;
		memcpy(&w, p, 1);
		b += w;
	}
	return be16toh(fold(a + b));
}

void checksum_add(struct checksum *c, const void *data, size_t len)
{
	if (len == 0)
		return;
	uint16_t s = sum_bytes(data, len);
	/* A piece that starts at an odd byte has its bytes in the other halves of the words. */
	c->sum += c->odd ? (uint16_t)(s << 8 | s >> 8) : s;
	c->odd ^= len & 1;
}

void checksum_add_pseudo4(struct checksum *c, ip4_t src, ip4_t dst, uint8_t protocol, uint16_t len)
{
	c->sum += (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + protocol + len;
}

void checksum_add_pseudo6(struct checksum *c, const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol, uint32_t len)
{
	c->sum += (uint64_t)sum_bytes(src->b, sizeof(src->b)) + sum_bytes(dst->b, sizeof(dst->b)) + protocol + len;
}

uint16_t checksum_fold(const struct checksum *c)
{
	return fold(c->sum);
}

uint16_t checksum_adjust(uint16_t field, const struct checksum *old, const struct checksum *now)
{
	return (uint16_t)~fold((uint64_t)(uint16_t)~field + (uint16_t)~fold(old->sum) + fold(now->sum));
}
