/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded reading and writing of network-order bytes.
 *
 * A reader or writer that reaches its end stays failed: later reads return 0 and later
 * writes are discarded.  So a parser reads a whole header and checks once, at the end,
 * whether all of it was there.  Neither owns the memory it points to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes_reader {
	const uint8_t *at;
	size_t left;
	bool failed;
};

static inline struct bytes_reader bytes_reader(const void *data, size_t len)
{
	return (struct bytes_reader){ .at = data, .left = len };
}

/* The next @len bytes; NULL (and the reader has failed) when fewer are left. */
static inline const uint8_t *bytes_take(struct bytes_reader *r, size_t len)
{
	if (r->failed || len > r->left) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *p = r->at;
	if (len > 0)
		r->at += len;
	r->left -= len;
	return p;
}

static inline void bytes_skip(struct bytes_reader *r, size_t len)
{
	bytes_take(r, len);
}

static inline uint8_t bytes_get_u8(struct bytes_reader *r)
{
	const uint8_t *p = bytes_take(r, 1);
	return p ? p[0] : 0;
}

static inline uint16_t bytes_get_be16(struct bytes_reader *r)
{
	const uint8_t *p = bytes_take(r, 2);
	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t bytes_get_be32(struct bytes_reader *r)
{
	const uint8_t *p = bytes_take(r, 4);
	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/* Copies the next @len bytes to @to, or zeroes @to when fewer are left. */
static inline void bytes_get(struct bytes_reader *r, void *to, size_t len)
{
	const uint8_t *p = bytes_take(r, len);
	if (p)
		memcpy(to, p, len);
	else
		memset(to, 0, len);
}

struct bytes_writer {
	uint8_t *data;
	size_t size;
	size_t len;
	bool failed;
};

static inline struct bytes_writer bytes_writer(void *data, size_t size)
{
	return (struct bytes_writer){ .data = data, .size = size };
}

/* Room for @len bytes, which count as written; NULL (and the writer has failed) when less is left. */
static inline uint8_t *bytes_room(struct bytes_writer *w, size_t len)
{
	if (w->failed || len > w->size - w->len) {
		w->failed = true;
		return NULL;
	}
	uint8_t *p = w->data + w->len;
	w->len += len;
	return p;
}

static inline void bytes_put(struct bytes_writer *w, const void *from, size_t len)
{
	uint8_t *p = bytes_room(w, len);
	if (p && len > 0)
		memcpy(p, from, len); /* NOLINT(clang-analyzer-core.NonNullParamChecker): @from is NULL for no bytes only */
}

static inline void bytes_put_u8(struct bytes_writer *w, uint8_t v)
{
	bytes_put(w, &v, 1);
}

static inline void bytes_put_be16(struct bytes_writer *w, uint16_t v)
{
	bytes_put(w, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static inline void bytes_put_be32(struct bytes_writer *w, uint32_t v)
{
	bytes_put(w, (uint8_t[]){ (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v }, 4);
}

static inline void bytes_put_zeros(struct bytes_writer *w, size_t len)
{
	uint8_t *p = bytes_room(w, len);
	if (p && len > 0)
		memset(p, 0, len);
}
