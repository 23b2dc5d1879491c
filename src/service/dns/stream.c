/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream reads a length, then that many bytes, then passes the message to the owner.  While a whole message waits for
 * room (the guest's share of queries, or space for answers), the stream is held and reads no further.  So the TCP
 * window slows down a guest that asks faster than it is answered.
 *
 * A stream may be closed during any call but accept(), even by a reply from within message().  So callers check
 * `closing` before they use a stream again; it is freed when the outermost call returns.
 */
#include "service/dns/stream.h"

#include "base/allowance.h"
#include "base/macros.h"
#include "gateway/payer.h"
#include "gateway/sink.h"
#include "service/dns/forward.h"

#include <errno.h>
#include <stdlib.h>

#define LENGTH_LEN 2u

struct dns_stream {
	struct list by_activity;
	struct list held;
	struct local_stream *local;
	struct payer *payer; /* the connection's */
	usec_t activity;
	unsigned entered; /* calls in progress that use it */
	bool closing;
	bool eof;
	bool shut;
	unsigned owed; /* replies still to come */
	uint8_t length[LENGTH_LEN];
	size_t have; /* bytes of length and message received so far */
	size_t message_len;
	uint8_t *message;
	uint8_t *out; /* answers that the guest has not read yet */
	size_t out_at, out_len;
};

static void active(struct dns_streams *s, usec_t now, struct dns_stream *stream)
{
	stream->activity = now;
	list_remove(&stream->by_activity);
	list_append(&s->by_activity, &stream->by_activity);
}

/* Removes @stream from all lists.  The caller ends the connection, unless it has ended already. */
static void forget(struct dns_streams *s, struct dns_stream *stream)
{
	stream->closing = true;
	list_remove(&stream->by_activity);
	list_remove(&stream->held);
	s->count--;
	s->freed = true;
	s->config.gone(s->config.opaque, stream, stream->payer);
	stream->payer->n_dns_streams--;
	stream->payer = NULL;
}

static void enter(struct dns_stream *stream)
{
	stream->entered++;
}

/* False: @stream was freed. */
static bool leave(struct dns_stream *stream)
{
	stream->entered--;
	if (!stream->closing)
		return true;
	if (stream->entered == 0) {
		free(stream->message);
		free(stream->out);
		free(stream);
	}
	return false;
}

/* Call between enter() and leave() only. */
static void close_stream(struct dns_streams *s, struct dns_stream *stream)
{
	if (stream->closing)
		return;
	struct local_stream *local = stream->local;
	forget(s, stream);
	local->ops->close(local);
}

/* Sends FIN after the guest's FIN and the last answer. */
static void shut_when_done(struct dns_stream *stream)
{
	bool held = stream->message && stream->have == LENGTH_LEN + stream->message_len;
	if (stream->eof && !stream->shut && stream->owed == 0 && !stream->out && !held) {
		stream->shut = true;
		stream->local->ops->shutdown(stream->local);
	}
}

static void flush_out(struct dns_streams *s, usec_t now, struct dns_stream *stream)
{
	if (!stream->out)
		return;
	ssize_t n = stream->local->ops->send(stream->local, stream->out + stream->out_at, stream->out_len - stream->out_at);
	if (n < 0) {
		close_stream(s, stream);
		return;
	}
	stream->out_at += (size_t)n;
	if (stream->out_at < stream->out_len)
		return;
	free(stream->out);
	stream->out = NULL;
	stream->out_at = stream->out_len = 0;
	active(s, now, stream);
}

static int queue_out(struct dns_stream *stream, const uint8_t *bytes, size_t len)
{
	size_t waiting = stream->out_len - stream->out_at, size = waiting + LENGTH_LEN + len;
	if (len > UINT16_MAX || size > DNS_STREAM_OUT_MAX)
		return -EOVERFLOW;
	uint8_t *out = malloc(size);
	if (!out)
		return -ENOMEM;
	struct bytes_writer w = bytes_writer(out, size);
	bytes_put(&w, stream->out ? stream->out + stream->out_at : NULL, waiting);
	bytes_put_be16(&w, (uint16_t)len);
	bytes_put(&w, bytes, len);
	free(stream->out);
	stream->out = out;
	stream->out_at = 0;
	stream->out_len = size;
	return 0;
}

static bool has_room(const struct dns_streams *s, const struct dns_stream *stream)
{
	return stream->owed < DNS_STREAM_PIPELINE && !stream->out && s->config.has_room(s->config.opaque, stream->payer);
}

/* Passes a complete message to the owner, or holds the stream. */
static void hand_over(struct dns_streams *s, usec_t now, struct dns_stream *stream)
{
	if (!has_room(s, stream)) {
		if (list_empty(&stream->held))
			list_append(&s->held, &stream->held);
		return;
	}
	list_remove(&stream->held);
	uint8_t *message = stream->message;
	stream->message = NULL;
	stream->have = 0;
	stream->owed++;
	active(s, now, stream);
	if (!s->config.message(s->config.opaque, now, stream, stream->payer, message, stream->message_len))
		close_stream(s, stream);
	free(message);
}

static int begin_message(struct dns_stream *stream)
{
	struct bytes_reader r = bytes_reader(stream->length, LENGTH_LEN);
	size_t len = bytes_get_be16(&r);
	if (len < DNS_HEADER_LEN || len > DNS_QUERY_MAX)
		return -EBADMSG;
	stream->message = malloc(len);
	if (!stream->message)
		return -ENOMEM;
	stream->message_len = len;
	return 0;
}

/* Takes bytes of the length or of the message; returns their number. */
static size_t take(struct dns_stream *stream, const uint8_t *data, size_t len)
{
	bool in_message = stream->message != NULL;
	size_t at = in_message ? stream->have - LENGTH_LEN : stream->have;
	size_t n = MIN(len, (in_message ? stream->message_len : LENGTH_LEN) - at);
	memcpy((in_message ? stream->message : stream->length) + at, data, n);
	stream->have += n;
	return n;
}

static size_t read_messages(struct dns_streams *s, usec_t now, struct dns_stream *stream, const uint8_t *data, size_t len)
{
	size_t used = 0;
	while (used < len && !stream->closing && list_empty(&stream->held)) {
		used += take(stream, data + used, len - used);
		if (!stream->message && stream->have == LENGTH_LEN && begin_message(stream) < 0) {
			sink_drop(s->config.sink, DROP_DNS_MALFORMED, NULL);
			close_stream(s, stream);
		} else if (stream->message && stream->have == LENGTH_LEN + stream->message_len) {
			hand_over(s, now, stream);
		}
	}
	return used;
}

/* Retries the message of a held stream; then the engine offers the bytes that it kept. */
static void try_held(struct dns_streams *s, usec_t now, struct dns_stream *stream)
{
	if (list_empty(&stream->held))
		return;
	hand_over(s, now, stream);
	if (!stream->closing && list_empty(&stream->held))
		stream->local->ops->resume(stream->local);
}

void dns_streams_reply(struct dns_streams *s, usec_t now, struct dns_stream *stream, const uint8_t *bytes, size_t len)
{
	if (stream->closing)
		return;
	enter(stream);
	stream->owed--;
	if (queue_out(stream, bytes, len) < 0) {
		sink_drop(s->config.sink, DROP_DNS_LIMIT, NULL);
		close_stream(s, stream);
	} else {
		flush_out(s, now, stream);
	}
	if (!stream->closing)
		shut_when_done(stream);
	leave(stream);
}

void dns_streams_resume(struct dns_streams *s, usec_t now)
{
	s->freed = false;
	list_for_each(node, &s->held) {
		struct dns_stream *stream = container_of(node, struct dns_stream, held);
		enter(stream);
		try_held(s, now, stream);
		leave(stream);
	}
}

static struct dns_streams *streams_of(struct stream_service *service)
{
	return container_of(service, struct dns_streams, service);
}

/* A payer without a stream gets one even when there are too many: the payer that has most loses one when this turn ends. */
static bool may_have_one_more(const struct dns_streams *s, const struct payer *payer)
{
	return payer->n_dns_streams == 0 || share_allows(payer->n_dns_streams, 1, s->count, DNS_STREAMS_MAX, 1);
}

static bool stream_accept(struct stream_service *service, usec_t now, struct local_stream *local)
{
	struct dns_streams *s = streams_of(service);
	struct payer *payer = local->payer;
	struct dns_stream *stream = payer && may_have_one_more(s, payer) ? calloc(1, sizeof(*stream)) : NULL;
	if (!stream) {
		sink_drop(s->config.sink, DROP_DNS_LIMIT, NULL);
		return false;
	}
	stream->local = local;
	stream->payer = payer;
	stream->activity = now;
	list_init(&stream->held);
	list_append(&s->by_activity, &stream->by_activity);
	payer->n_dns_streams++;
	s->count++;
	local->conn = stream;
	return true;
}

static size_t stream_input(struct stream_service *service, usec_t now, struct local_stream *local, const void *data, size_t len)
{
	struct dns_stream *stream = local->conn;
	enter(stream);
	size_t used = read_messages(streams_of(service), now, stream, data, len);
	return leave(stream) ? used : len;
}

static void stream_eof(struct stream_service *service, usec_t now, struct local_stream *local)
{
	struct dns_stream *stream = local->conn;
	stream->eof = true;
	shut_when_done(stream);
}

static void stream_writable(struct stream_service *service, usec_t now, struct local_stream *local)
{
	struct dns_streams *s = streams_of(service);
	struct dns_stream *stream = local->conn;
	enter(stream);
	flush_out(s, now, stream);
	if (!stream->closing)
		try_held(s, now, stream);
	if (!stream->closing)
		shut_when_done(stream);
	leave(stream);
}

static void stream_closed(struct stream_service *service, usec_t now, struct local_stream *local)
{
	struct dns_stream *stream = local->conn;
	enter(stream);
	forget(streams_of(service), stream);
	leave(stream);
}

static const struct stream_service_ops stream_ops = {
	.accept = stream_accept,
	.input = stream_input,
	.eof = stream_eof,
	.writable = stream_writable,
	.closed = stream_closed,
};

void dns_streams_init(struct dns_streams *s, const struct dns_streams_config *config)
{
	*s = (struct dns_streams){ .service = { &stream_ops }, .config = *config };
	list_init(&s->by_activity);
	list_init(&s->held);
}

static void close_now(struct dns_streams *s, struct dns_stream *stream)
{
	enter(stream);
	close_stream(s, stream);
	leave(stream);
}

static void close_first(struct dns_streams *s)
{
	close_now(s, container_of(s->by_activity.next, struct dns_stream, by_activity));
}

/* The longest idle one of the payer that has most. */
static struct dns_stream *least_useful(const struct dns_streams *s)
{
	struct dns_stream *found = NULL;
	list_for_each(node, &s->by_activity) {
		struct dns_stream *stream = container_of(node, struct dns_stream, by_activity);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a stream has a payer from accept() until it is closed */
		if (!found || stream->payer->n_dns_streams > found->payer->n_dns_streams)
			found = stream;
	}
	return found;
}

void dns_streams_done(struct dns_streams *s)
{
	while (!list_empty(&s->by_activity))
		close_first(s);
}

static usec_t idle_deadline(const struct dns_streams *s)
{
	if (list_empty(&s->by_activity))
		return USEC_INFINITY;
	return usec_add(container_of(s->by_activity.next, struct dns_stream, by_activity)->activity, DNS_STREAM_IDLE);
}

usec_t dns_streams_deadline(const struct dns_streams *s)
{
	return s->count > DNS_STREAMS_MAX || (s->freed && !list_empty(&s->held)) ? 0 : idle_deadline(s);
}

void dns_streams_expire(struct dns_streams *s, usec_t now)
{
	while (s->count > DNS_STREAMS_MAX)
		close_now(s, least_useful(s));
	if (s->freed)
		dns_streams_resume(s, now);
	while (idle_deadline(s) <= now)
		close_first(s);
}
