/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection reads a request, then sends the answer, then reads the next one.  While it sends it takes no input, so a client that sends
 * requests without reading answers is slowed down by its TCP window.
 *
 *   READING → SENDING → READING, or → CLOSING (FIN sent; waits for the guest's)
 */
#include "service/boot/http.h"

#include "base/allowance.h"
#include "base/log.h"
#include "base/macros.h"
#include "gateway/payer.h"
#include "gateway/sink.h"
#include "lan/port.h"
#include "service/boot/files.h"
#include "wire/http_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHARE_WEIGHT 3u

enum state { READING, SENDING, CLOSING };

struct connection {
	struct list by_activity;
	struct local_stream *local;
	struct payer *payer;
	usec_t activity;
	enum state state;
	bool keep_alive, eof;
	size_t have; /* bytes of the request's head */
	uint8_t head[HTTP_HEAD_MAX];
	char answer[HTTP_ANSWER_SIZE];
	size_t answer_at, answer_len;
	struct boot_file *file; /* NULL: there is no body */
	uint64_t offset, end;   /* of the file: what is still to be sent */
};

static struct boot_http *http_of(struct stream_service *s)
{
	return container_of(s, struct boot_http, streams);
}

static void active(struct boot_http *h, usec_t now, struct connection *c)
{
	c->activity = now;
	list_remove(&c->by_activity);
	list_append(&h->by_activity, &c->by_activity);
}

static void close_file(struct boot_http *h, struct connection *c)
{
	if (c->file)
		h->config.files->ops->close(c->file);
	c->file = NULL;
}

/* The caller ends the stream, unless it has ended already. */
static void connection_free(struct boot_http *h, struct connection *c)
{
	close_file(h, c);
	list_remove(&c->by_activity);
	h->n--;
	c->payer->n_transfers--;
	free(c);
}

static void abort_connection(struct boot_http *h, struct connection *c)
{
	struct local_stream *local = c->local;
	connection_free(h, c);
	local->ops->close(local);
}

/* Sends the next bytes of the head or the file.  0: all is sent; -EAGAIN: the guest has to read first; -EPIPE, and others: it cannot be. */
static int send_more(struct boot_http *h, usec_t now, struct connection *c)
{
	while (c->answer_at < c->answer_len || c->offset < c->end) {
		const void *bytes = c->answer + c->answer_at;
		size_t len = c->answer_len - c->answer_at;
		bool is_head = len > 0;
		if (!is_head) {
			ssize_t n = h->config.files->ops->read(c->file, c->offset, h->buf, (size_t)MIN(sizeof(h->buf), c->end - c->offset));
			if (n <= 0)
				return n < 0 ? (int)n : -EIO; /* the file has become shorter */
			bytes = h->buf;
			len = (size_t)n;
		}
		ssize_t sent = c->local->ops->send(c->local, bytes, len);
		if (sent < 0)
			return (int)sent;
		if (sent > 0)
			active(h, now, c);
		if (is_head)
			c->answer_at += (size_t)sent;
		else
			c->offset += (uint64_t)sent;
		if ((size_t)sent < len)
			return -EAGAIN;
	}
	return 0;
}

/* False: the connection has ended. */
static bool send_answer(struct boot_http *h, usec_t now, struct connection *c)
{
	int r = send_more(h, now, c);
	if (r == -EAGAIN)
		return true;
	if (r < 0) {
		abort_connection(h, c);
		return false;
	}
	close_file(h, c);
	c->state = c->keep_alive && !c->eof ? READING : CLOSING;
	if (c->state == CLOSING)
		c->local->ops->shutdown(c->local);
	else
		c->local->ops->resume(c->local);
	return true;
}

static void tell(struct boot_http *h, usec_t now, const struct connection *c, const char *path, unsigned status)
{
	char ip[IP_TEXT_SIZE];
	struct port *port = c->payer->port;
	if (port)
		log_limited(h->config.log, &port->log_limit, now, LOG_LEVEL_INFO, "http: %s: %s: status %u",
			    ip_format(&c->local->guest.addr, ip), path, status);
}

/* Opens the file that is asked for; returns the status of the answer. */
static unsigned open_file(struct boot_http *h, struct connection *c, const struct http_request *rq, uint64_t *ret_size)
{
	if (!rq->is_get && !rq->is_head)
		return 405;
	if (rq->has_body)
		return 400;
	int r = h->config.files->ops->open(h->config.files, rq->path, &c->file, ret_size);
	if (r < 0)
		return r == -ENOENT ? 404 : r == -EACCES ? 403 : 503;
	c->offset = 0;
	c->end = *ret_size;
	if (!rq->has_range)
		return 200;
	if (rq->first >= *ret_size)
		return 416;
	c->offset = rq->first;
	c->end = MIN(rq->last, *ret_size - 1) + 1;
	return 206;
}

static void answer(struct boot_http *h, usec_t now, struct connection *c, const struct http_request *rq)
{
	uint64_t size = 0;
	c->offset = c->end = 0;
	unsigned status = open_file(h, c, rq, &size);
	if (status >= 300)
		c->offset = c->end = 0;
	c->keep_alive = rq->keep_alive && status < 500 && !rq->has_body;
	c->answer_at = 0;
	c->answer_len = http_answer_format(status, c->end - c->offset, c->keep_alive, status == 206 ? rq : NULL, size, c->answer);
	if (rq->is_head || status >= 300) {
		close_file(h, c);
		c->offset = c->end = 0;
	}
	c->state = SENDING;
	tell(h, now, c, rq->path[0] ? rq->path : "?", status);
}

/* Answers the requests that have come whole, until one has to wait for the guest to read.  False: the connection has ended. */
static bool read_requests(struct boot_http *h, usec_t now, struct connection *c)
{
	while (c->state == READING && c->have > 0) {
		struct http_request rq = { 0 };
		ssize_t len = http_request_parse(c->head, c->have, &rq);
		if (len == -EAGAIN)
			return true;
		if (len < 0) {
			sink_drop(h->config.sink, DROP_HTTP_MALFORMED, NULL);
			rq = (struct http_request){ .is_get = true, .has_body = true }; /* status 400, and no further request */
			len = (ssize_t)c->have;
		}
		c->have -= (size_t)len;
		memmove(c->head, c->head + len, c->have);
		answer(h, now, c, &rq);
		if (!send_answer(h, now, c))
			return false;
	}
	return true;
}

static bool accept_connection(struct stream_service *s, usec_t now, struct local_stream *local)
{
	struct boot_http *h = http_of(s);
	struct payer *payer = local->payer;
	bool allowed = payer && share_allows(payer->n_transfers, 1, h->n, BOOT_HTTP_CONNECTIONS_MAX, SHARE_WEIGHT);
	struct connection *c = allowed ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		sink_drop(h->config.sink, DROP_BOOT_LIMIT, NULL);
		return false;
	}
	c->local = local;
	c->payer = payer;
	list_init(&c->by_activity);
	h->n++;
	payer->n_transfers++;
	active(h, now, c);
	local->conn = c;
	return true;
}

static size_t input(struct stream_service *s, usec_t now, struct local_stream *local, const void *data, size_t len)
{
	struct boot_http *h = http_of(s);
	struct connection *c = local->conn;
	if (c->state == CLOSING)
		return len;
	if (c->state == SENDING)
		return 0;
	size_t n = MIN(len, sizeof(c->head) - c->have);
	memcpy(c->head + c->have, data, n);
	c->have += n;
	active(h, now, c);
	return read_requests(h, now, c) ? n : len;
}

static void eof(struct stream_service *s, usec_t now, struct local_stream *local)
{
	struct connection *c = local->conn;
	c->eof = true;
	if (c->state == READING) {
		c->state = CLOSING;
		local->ops->shutdown(local);
	}
}

static void writable(struct stream_service *s, usec_t now, struct local_stream *local)
{
	struct boot_http *h = http_of(s);
	struct connection *c = local->conn;
	if (c->state == SENDING && send_answer(h, now, c))
		read_requests(h, now, c);
}

static void closed(struct stream_service *s, usec_t now, struct local_stream *local)
{
	connection_free(http_of(s), local->conn);
}

static const struct stream_service_ops stream_ops = {
	.accept = accept_connection,
	.input = input,
	.eof = eof,
	.writable = writable,
	.closed = closed,
};

static struct connection *longest_idle(const struct boot_http *h)
{
	return list_empty(&h->by_activity) ? NULL : container_of(h->by_activity.next, struct connection, by_activity);
}

static enum service_verdict no_packet(struct service *s, usec_t now, const struct packet *p, struct sink *out)
{
	return SERVICE_NOT_MINE;
}

static usec_t deadline(const struct service *s)
{
	const struct connection *c = longest_idle(container_of(s, struct boot_http, service));
	return c ? usec_add(c->activity, BOOT_HTTP_IDLE) : USEC_INFINITY;
}

static void expire(struct service *s, usec_t now, struct sink *out)
{
	struct boot_http *h = container_of(s, struct boot_http, service);
	for (struct connection *c = longest_idle(h); c && usec_add(c->activity, BOOT_HTTP_IDLE) <= now; c = longest_idle(h))
		abort_connection(h, c);
}

static const struct service_ops service_ops = { .name = "boot-http", .input = no_packet, .deadline = deadline, .expire = expire };

void boot_http_init(struct boot_http *h, const struct boot_http_config *config)
{
	*h = (struct boot_http){ .streams = { &stream_ops }, .service = { &service_ops }, .config = *config };
	list_init(&h->by_activity);
}

void boot_http_done(struct boot_http *h)
{
	if (!h->service.ops)
		return;
	while (longest_idle(h))
		abort_connection(h, longest_idle(h));
}
