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
 * sum_blocks() is compiled for AVX2, too; the dynamic linker chooses at start (ifunc).  Not under the thread sanitizer: it
 * instruments the function that chooses, which runs before the sanitizer is initialised.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define FOR_WIDE_REGISTERS __attribute__((target_clones("avx2", "default")))
#else
#define FOR_WIDE_REGISTERS
#endif

#define BLOCK_BYTES 64
#define LOW_HALF 0xffffffffu
/* The hardware prefetcher is too slow for this loop.  Prefetching beyond the end is harmless. */
#define BYTES_AHEAD 1024

typedef uint64_t lanes __attribute__((vector_size(BLOCK_BYTES / 2)));
typedef uint64_t unaligned_lanes __attribute__((vector_size(BLOCK_BYTES / 2), aligned(1), may_alias));

/*
 * Sums 32-bit words in machine order into 64 bits.  One's complement addition does not depend on the byte order (RFC 1071
 * §2(B)), so only the folded result is swapped.  A sum has room for 2^32 words.
 */
FOR_WIDE_REGISTERS
static uint64_t sum_blocks(const uint8_t *p, size_t n)
{
	lanes a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
	for (; n > 0; p += BLOCK_BYTES, n--) {
		__builtin_prefetch(p + BYTES_AHEAD);
		lanes first = *(const unaligned_lanes *)p;
		lanes second = *(const unaligned_lanes *)(p + BLOCK_BYTES / 2);
		a += first & LOW_HALF;
		b += first >> 32;
		c += second & LOW_HALF;
		d += second >> 32;
	}
	a += b + c + d;
	uint64_t sum = 0;
	for (size_t i = 0; i < BLOCK_BYTES / 2 / sizeof(a[0]); i++)
		sum += (a[i] & LOW_HALF) + (a[i] >> 32);
	return sum;
}

static uint16_t sum_bytes(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	if (len >= BLOCK_BYTES) {
		sum = sum_blocks(p, len / BLOCK_BYTES);
		p += len / BLOCK_BYTES * BLOCK_BYTES;
		len %= BLOCK_BYTES;
	}
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t w;
		memcpy(&w, p, sizeof(w));
		sum += (w & LOW_HALF) + (w >> 32);
	}
	for (; len >= 2; p += 2, len -= 2) {
		uint16_t w;
		memcpy(&w, p, sizeof(w));
		sum += w;
	}
	if (len > 0) {
		uint16_t w = 0;
		memcpy(&w, p, 1);
		sum += w;
	}
	return be16toh(fold(sum));
}

void checksum_add(struct checksum *c, const void *data, size_t len)
{
	if (len == 0)
		return;
	uint16_t s = sum_bytes(data, len);
	/* In a piece that starts at an odd offset, high and low bytes of the words are exchanged. */
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
