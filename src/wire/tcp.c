/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/tcp.h"

#include "base/macros.h"

#include <errno.h>

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_WINDOW_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8,
};

#define WINDOW_SCALE_MAX 14

static void parse_sack(struct bytes_reader *body, struct tcp_header *h)
{
	h->n_sack = 0;
	while (body->left >= 8 && h->n_sack < TCP_SACK_MAX) {
		struct tcp_sack_block b = { .left = bytes_get_be32(body) };
		b.right = bytes_get_be32(body);
		h->sack[h->n_sack++] = b;
	}
}

static void parse_option(uint8_t kind, struct bytes_reader body, struct tcp_header *h)
{
	if (kind == OPTION_MSS && body.left == 2) {
		h->has_mss = true;
		h->mss = bytes_get_be16(&body);
	} else if (kind == OPTION_WINDOW_SCALE && body.left == 1) {
		h->has_window_scale = true;
		h->window_scale = MIN(bytes_get_u8(&body), WINDOW_SCALE_MAX);
	} else if (kind == OPTION_SACK_PERMITTED && body.left == 0) {
		h->sack_permitted = true;
	} else if (kind == OPTION_TIMESTAMPS && body.left == 8) {
		h->has_timestamps = true;
		h->ts_value = bytes_get_be32(&body);
		h->ts_echo = bytes_get_be32(&body);
	} else if (kind == OPTION_SACK && body.left % 8 == 0) {
		parse_sack(&body, h);
	}
}

static void parse_options(struct bytes_reader r, struct tcp_header *h)
{
	while (r.left > 0) {
		uint8_t kind = bytes_get_u8(&r);
		if (kind == OPTION_END)
			return;
		if (kind == OPTION_NOP)
			continue;
		uint8_t len = bytes_get_u8(&r);
		if (r.failed || len < 2)
			return;
		const uint8_t *body = bytes_take(&r, (size_t)len - 2);
		if (!body)
			return;
		parse_option(kind, bytes_reader(body, (size_t)len - 2), h);
	}
}

int tcp_parse(struct bytes_reader *r, struct tcp_header *ret)
{
	const uint8_t *bytes = bytes_take(r, TCP_HEADER_LEN);
	if (!bytes)
		return -EBADMSG;
	struct bytes_reader fixed = bytes_reader(bytes, TCP_HEADER_LEN);
	struct tcp_header h = { .src_port = bytes_get_be16(&fixed) };
	h.dst_port = bytes_get_be16(&fixed);
	h.seq = bytes_get_be32(&fixed);
	h.ack = bytes_get_be32(&fixed);
	h.header_len = (uint8_t)((bytes_get_u8(&fixed) >> 4) * 4);
	h.flags = bytes_get_u8(&fixed);
	h.window = bytes_get_be16(&fixed);
	h.checksum = bytes_get_be16(&fixed);
	h.urgent = bytes_get_be16(&fixed);
	if (h.header_len < TCP_HEADER_LEN)
		return -EBADMSG;
	size_t options_len = (size_t)h.header_len - TCP_HEADER_LEN;
	const uint8_t *options = bytes_take(r, options_len);
	if (!options)
		return -EBADMSG;
	parse_options(bytes_reader(options, options_len), &h);
	*ret = h;
	return 0;
}

static void emit_options(struct bytes_writer *w, const struct tcp_header *h)
{
	if (h->has_mss) {
		bytes_put(w, (uint8_t[]){ OPTION_MSS, 4 }, 2);
		bytes_put_be16(w, h->mss);
	}
	if (h->has_window_scale)
		bytes_put(w, (uint8_t[]){ OPTION_NOP, OPTION_WINDOW_SCALE, 3, h->window_scale }, 4);
	if (h->sack_permitted)
		bytes_put(w, (uint8_t[]){ OPTION_NOP, OPTION_NOP, OPTION_SACK_PERMITTED, 2 }, 4);
	if (h->has_timestamps) {
		bytes_put(w, (uint8_t[]){ OPTION_NOP, OPTION_NOP, OPTION_TIMESTAMPS, 10 }, 4);
		bytes_put_be32(w, h->ts_value);
		bytes_put_be32(w, h->ts_echo);
	}
	if (h->n_sack > 0) {
		bytes_put(w, (uint8_t[]){ OPTION_NOP, OPTION_NOP, OPTION_SACK, (uint8_t)(2 + 8 * h->n_sack) }, 4);
		for (unsigned i = 0; i < h->n_sack; i++) {
			bytes_put_be32(w, h->sack[i].left);
			bytes_put_be32(w, h->sack[i].right);
		}
	}
}

void tcp_emit(struct bytes_writer *w, const struct tcp_header *h)
{
	uint8_t options[TCP_HEADER_MAX - TCP_HEADER_LEN];
	struct bytes_writer o = bytes_writer(options, sizeof(options));
	emit_options(&o, h);
	if (o.failed) {
		w->failed = true;
		return;
	}
	uint8_t *bytes = bytes_room(w, TCP_HEADER_LEN);
	if (!bytes)
		return;
	struct bytes_writer fixed = bytes_writer(bytes, TCP_HEADER_LEN);
	bytes_put_be16(&fixed, h->src_port);
	bytes_put_be16(&fixed, h->dst_port);
	bytes_put_be32(&fixed, h->seq);
	bytes_put_be32(&fixed, h->ack);
	bytes_put_u8(&fixed, (uint8_t)((TCP_HEADER_LEN + o.len) / 4 << 4));
	bytes_put_u8(&fixed, h->flags);
	bytes_put_be16(&fixed, h->window);
	bytes_put_be16(&fixed, h->checksum);
	bytes_put_be16(&fixed, h->urgent);
	bytes_put(w, options, o.len);
}

void tcp_set_segment(uint8_t *header, uint32_t seq, uint8_t flags, uint16_t checksum)
{
	struct bytes_writer w = bytes_writer(header + TCP_SEQ_AT, 4);
	bytes_put_be32(&w, seq);
	header[TCP_FLAGS_AT] = flags;
	w = bytes_writer(header + TCP_CHECKSUM_AT, 2);
	bytes_put_be16(&w, checksum);
}
