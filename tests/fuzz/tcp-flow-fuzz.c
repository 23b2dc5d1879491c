/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP machine between a guest and a host that act as the input says.  Input: a byte that opens the flow, then
 * events: one byte says which, the next ones are its arguments.  Sequence numbers are near the ones that matter, so that
 * the fuzzer need not guess 32 bits.
 */
#include "base/bytes.h"
#include "base/macros.h"
#include "engine/native/machine/tcp_flow.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ISS 0xfffff000u /* so that it wraps */
#define GUEST_ISN 0xffffe000u

struct bench {
	struct tcp_flow f;
	usec_t now;
	struct bytes_reader r;
	uint32_t queue; /* bytes in the host's queue */
	uint32_t early; /* furthest byte held, from the first that the host wants */
	bool over;
};

static void check(bool invariant)
{
	if (!invariant)
		abort();
}

static void act(struct bench *w)
{
	struct tcp_action a;
	/* A turn ends: every action brings it nearer to having nothing to do. */
	for (unsigned n = 0; tcp_flow_next(&w->f, w->now, &a); n++) {
		check(n < 10000);
		if (a.type == TCP_ACTION_DATA) {
			check(a.len > 0 && a.offset == a.seq - w->f.snd_una);
			uint32_t n_there = a.offset < w->queue ? MIN(w->queue - a.offset, a.len) : 0;
			if (a.again)
				check(n_there == a.len); /* what was sent once is still in the queue */
			else
				check(a.offset <= w->f.snd_wnd && a.len <= w->f.snd_wnd - a.offset);
			tcp_flow_data_found(&w->f, &a, n_there, false);
			uint32_t segment = tcp_flow_segment_size(&w->f);
			check(segment > 0);
			for (uint32_t at = 0; at < n_there; at += segment) {
				struct tcp_header h;
				tcp_flow_data_header(&w->f, w->now, a.seq + at, MIN(segment, n_there - at), &h);
			}
		} else if (a.type == TCP_ACTION_CONSUME) {
			check(a.len <= w->queue);
			w->queue -= a.len;
		} else if (a.type == TCP_ACTION_END) {
			w->over = true;
			return;
		}
	}
}

static void guest_segment(struct bench *w)
{
	struct tcp_flow *f = &w->f;
	struct tcp_header h = { .flags = bytes_get_u8(&w->r), .window = bytes_get_be16(&w->r) };
	h.seq = f->rcv_nxt + (uint32_t)(int16_t)bytes_get_be16(&w->r);
	h.ack = f->snd_una + (uint32_t)(int16_t)bytes_get_be16(&w->r);
	uint8_t options = bytes_get_u8(&w->r);
	h.has_timestamps = options & 1;
	h.ts_value = f->ts_recent + (uint32_t)(int8_t)bytes_get_u8(&w->r);
	for (h.n_sack = 0; h.n_sack < (options >> 1 & 3); h.n_sack++) {
		h.sack[h.n_sack].left = f->snd_una + (uint32_t)(int16_t)bytes_get_be16(&w->r);
		h.sack[h.n_sack].right = h.sack[h.n_sack].left + bytes_get_be16(&w->r);
	}
	uint32_t len = bytes_get_be16(&w->r), held = f->held;
	struct tcp_take t;
	tcp_flow_segment(f, w->now, &h, len, &t);
	check(t.len <= len && t.skip <= len - t.len);
	/* Whatever is let in fits what the shell has promised to hold. */
	check(t.len == 0 || (uint64_t)held + t.offset + t.len <= TCP_FLOW_WINDOW);
	check(t.advance == 0 || t.offset == 0);
}

static void on_the_way_to_the_guest(struct bench *w)
{
	uint8_t how = bytes_get_u8(&w->r);
	if (how & 2)
		tcp_flow_too_big(&w->f, w->f.snd_una + 16u * how, 8u * how);
	else
		tcp_flow_guest_blocked(&w->f, how & 1);
}

static void event(struct bench *w)
{
	switch (bytes_get_u8(&w->r) % 9) {
	case 0:
	case 1:
	case 2: guest_segment(w); break;
	case 3:
		w->queue += bytes_get_be16(&w->r);
		tcp_flow_host_readable(&w->f);
		break;
	case 4: tcp_flow_host_took(&w->f, MIN((uint32_t)bytes_get_be16(&w->r), w->f.held)); break;
	case 5:
		w->now += (usec_t)bytes_get_be16(&w->r) * 1000;
		tcp_flow_expire(&w->f, w->now);
		break;
	case 6: {
		usec_t at = tcp_flow_deadline(&w->f);
		if (at != USEC_INFINITY)
			w->now = MAX(w->now, at);
		tcp_flow_expire(&w->f, w->now);
		break;
	}
	case 7:
		if (w->f.state == TCP_STATE_CONNECTING)
			tcp_flow_host_connected(&w->f, w->now);
		else
			on_the_way_to_the_guest(w);
		break;
	case 8:
		if (bytes_get_u8(&w->r) < 8)
			tcp_flow_host_reset(&w->f, w->now);
		else if (tcp_flow_next(&w->f, w->now, &(struct tcp_action){ 0 }) && w->f.state == TCP_STATE_ESTABLISHED)
			w->f.host_eof = true;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench w = { .now = 1000 * USEC_PER_SEC, .r = bytes_reader(data, size) };
	uint8_t how = bytes_get_u8(&w.r);
	struct tcp_open open = { .iss = ISS, .mss = how & 1 ? 1460 : 65495 };
	struct tcp_header syn = {
		.seq = GUEST_ISN,
		.flags = TCP_SYN,
		.window = 8000,
		.has_mss = how & 2,
		.mss = bytes_get_be16(&w.r),
		.has_window_scale = how & 4,
		.window_scale = (how >> 3) % 15,
		.sack_permitted = how & 64,
		.has_timestamps = how & 128,
	};
	tcp_flow_accept(&w.f, w.now, &open, &syn);
	while (w.r.left > 0 && !w.r.failed && !w.over) {
		event(&w);
		act(&w);
		check(w.over || w.f.rcv_edge - w.f.rcv_nxt <= TCP_FLOW_WINDOW);
		check(w.over || w.f.snd_nxt - w.f.snd_una <= 0x40000000);
	}
	return 0;
}
