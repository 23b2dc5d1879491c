/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "echo_service.h"

#include "base/macros.h"

#include <errno.h>

struct echo_conn {
	GByteArray *pending;
	bool eof;
};

static void echo_conn_free(gpointer opaque)
{
	struct echo_conn *c = opaque;
	g_byte_array_unref(c->pending);
	g_free(c);
}

static void echo_flush(struct local_stream *stream)
{
	struct echo_conn *c = stream->conn;
	ssize_t n = stream->ops->send(stream, c->pending->data, c->pending->len);
	g_assert_cmpint(n, >=, -EPIPE);
	if (n > 0)
		g_byte_array_remove_range(c->pending, 0, (guint)n);
	if (c->eof && c->pending->len == 0)
		stream->ops->shutdown(stream);
}

static struct echo_service *echo_of(struct stream_service *s)
{
	return container_of(s, struct echo_service, service);
}

static bool echo_accept(struct stream_service *s, usec_t now, struct local_stream *stream)
{
	struct echo_service *e = echo_of(s);
	if (e->refuse)
		return false;
	e->accepted++;
	e->last_guest = stream->guest;
	struct echo_conn *c = g_new0(struct echo_conn, 1);
	c->pending = g_byte_array_new();
	stream->conn = c;
	g_ptr_array_add(e->conns, c);
	return true;
}

static size_t echo_input(struct stream_service *s, usec_t now, struct local_stream *stream, const void *data, size_t len)
{
	struct echo_conn *c = stream->conn;
	if (echo_of(s)->close_at_once) {
		g_ptr_array_remove_fast(echo_of(s)->conns, c);
		stream->ops->close(stream);
		return len;
	}
	/* Uses an even number of bytes only, so that the rest must be offered again. */
	size_t used = len & ~(size_t)1;
	for (unsigned i = 0; i < 8; i++)
		g_byte_array_append(c->pending, data, (guint)used);
	echo_flush(stream);
	return used;
}

static void echo_eof(struct stream_service *s, usec_t now, struct local_stream *stream)
{
	struct echo_conn *c = stream->conn;
	echo_of(s)->eofs++;
	c->eof = true;
	echo_flush(stream);
}

static void echo_writable(struct stream_service *s, usec_t now, struct local_stream *stream)
{
	echo_flush(stream);
}

static void echo_closed(struct stream_service *s, usec_t now, struct local_stream *stream)
{
	echo_of(s)->closed++;
	g_ptr_array_remove_fast(echo_of(s)->conns, stream->conn);
}

static const struct stream_service_ops echo_ops = {
	.accept = echo_accept,
	.input = echo_input,
	.eof = echo_eof,
	.writable = echo_writable,
	.closed = echo_closed,
};

struct echo_service *echo_service_new(void)
{
	struct echo_service *e = g_new0(struct echo_service, 1);
	e->service.ops = &echo_ops;
	e->conns = g_ptr_array_new_with_free_func(echo_conn_free);
	return e;
}

void echo_service_free(struct echo_service *e)
{
	if (e)
		g_ptr_array_unref(e->conns);
	g_free(e);
}
