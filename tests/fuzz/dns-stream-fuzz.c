/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS over TCP.  Input: a byte that says in which pieces the rest comes and what happens in between (enum between), then
 * the bytes of the stream.
 */
#include "base/macros.h"

#include "dns-bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum between {
	PIECE = 0x0f, /* bytes a time, times 7, plus 1 */
	ANSWER = 0x10,
	FAIL = 0x20,
	SHUT_WINDOW = 0x40,
	END = 0x80, /* FIN behind the last piece, else RST */
};

static void report(struct bench *w, uint8_t between)
{
	dns_token token = w->alive[0];
	if (token != 0 && between & FAIL) {
		w->alive[0] = 0;
		dns_upstream_failed(&w->upstream, w->now, token, -ECONNREFUSED);
	} else if (token != 0 && between & ANSWER) {
		uint8_t bytes[sizeof(w->last_query)];
		memcpy(bytes, w->last_query, w->last_query_len);
		bytes[2] |= 0x80;
		if (dns_upstream_answered(&w->upstream, w->now, token, bytes, w->last_query_len))
			bench_over(w, token);
	}
}

static void feed(struct bench *w, uint8_t between, const uint8_t *data, size_t size)
{
	struct stream_service *s = dns_stream_service(w->dns);
	size_t piece = (size_t)(between & PIECE) * 7 + 1;
	for (size_t at = 0, unused = 0; at + unused < size && w->stream_open;) {
		size_t n = MIN(unused + piece, size - at);
		size_t used = s->ops->input(s, w->now, &w->stream, data + at, n);
		check(used <= n);
		at += used;
		unused = n - used;
		report(w, between);
		if (w->stream_open && !(between & SHUT_WINDOW)) {
			w->window = 4096;
			s->ops->writable(s, w->now, &w->stream);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct bench w;
	bench_init(&w);
	struct stream_service *s = dns_stream_service(w.dns);
	w.stream_open = s->ops->accept(s, w.now, &w.stream);
	check(w.stream_open);
	feed(&w, data[0], data + 1, size - 1);
	if (w.stream_open && data[0] & END) {
		s->ops->eof(s, w.now, &w.stream);
	} else if (w.stream_open) {
		s->ops->closed(s, w.now, &w.stream);
		w.stream_open = false;
	}
	bench_done(&w);
	return 0;
}
