/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction lives in a table by its token from send() until end().  Over TCP it first writes the length and the
 * message, then reads a length and a message; over UDP it only reads.  The service may send and cancel others from
 * within the events, so a transaction is freed when the round of events is over.
 */
#include "host/resolver.h"

#include "base/bytes.h"
#include "base/macros.h"
#include "lan/poller.h"
#include "service/dns_server.h"
#include "service/dns_upstream.h"
#include "wire/dns.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define BUCKETS 256u
#define LENGTH_LEN 2u
/* Datagrams that one wake-up looks at, so that a flood of forgeries does not keep the loop. */
#define DATAGRAMS_PER_TURN 16

struct resolver {
	struct dns_upstream upstream;
	struct poller *poller;
	struct list buckets[BUCKETS]; /* of transactions */
	struct list ended;
	struct deferred free_ended;
	uint8_t datagram[DNS_MESSAGE_MAX];
};

struct transaction {
	struct list node; /* in a bucket, or ended */
	struct resolver *resolver;
	struct watch watch;
	dns_token token;
	/* TCP only: first what has yet to be written, then what was read so far. */
	uint8_t *buf;
	size_t at, len;
	uint8_t length[LENGTH_LEN];
	size_t have; /* bytes of the length and the message read */
};

static struct list *bucket_of(struct resolver *r, dns_token token)
{
	return &r->buckets[(token ^ token >> 16) % BUCKETS];
}

static void free_ended(struct deferred *d, usec_t now)
{
	struct resolver *r = container_of(d, struct resolver, free_ended);
	list_for_each(node, &r->ended) {
		struct transaction *t = container_of(node, struct transaction, node);
		free(t->buf);
		free(t);
	}
	list_init(&r->ended);
}

static void end(struct transaction *t)
{
	struct resolver *r = t->resolver;
	poller_unwatch(r->poller, &t->watch);
	close(t->watch.fd);
	list_remove(&t->node);
	if (list_empty(&r->ended))
		poller_defer(r->poller, &r->free_ended);
	list_append(&r->ended, &t->node);
}

static void fail(struct transaction *t, usec_t now, int error)
{
	struct resolver *r = t->resolver;
	dns_token token = t->token;
	end(t);
	dns_upstream_failed(&r->upstream, now, token, error);
}

/* True: the transaction is over. */
static bool answered(struct transaction *t, usec_t now, uint8_t *bytes, size_t len)
{
	if (!dns_upstream_answered(&t->resolver->upstream, now, t->token, bytes, len))
		return false;
	end(t);
	return true;
}

static void udp_ready(struct watch *w, usec_t now, unsigned events)
{
	struct transaction *t = container_of(w, struct transaction, watch);
	struct resolver *r = t->resolver;
	for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
		ssize_t n = recv(w->fd, r->datagram, sizeof(r->datagram), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			fail(t, now, -errno);
			return;
		}
		if (answered(t, now, r->datagram, (size_t)n))
			return;
	}
}

/* Waits for the answer once all is written. */
static int tcp_write(struct transaction *t)
{
	ssize_t n = send(t->watch.fd, t->buf + t->at, t->len - t->at, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	t->at += (size_t)n;
	if (t->at < t->len)
		return 0;
	free(t->buf);
	t->buf = NULL;
	t->at = t->len = 0;
	return poller_rewatch(t->resolver->poller, &t->watch, POLL_EVENT_IN);
}

/* Reads up to @len bytes.  0: not now; negative errno, -ECONNRESET when there will be no more. */
static ssize_t tcp_read_some(struct transaction *t, void *to, size_t len)
{
	ssize_t n = recv(t->watch.fd, to, len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n > 0 ? n : -ECONNRESET;
}

static ssize_t tcp_read_length(struct transaction *t)
{
	ssize_t n = tcp_read_some(t, t->length + t->have, LENGTH_LEN - t->have);
	if (n <= 0)
		return n;
	t->have += (size_t)n;
	if (t->have < LENGTH_LEN)
		return n;
	struct bytes_reader r = bytes_reader(t->length, LENGTH_LEN);
	t->len = bytes_get_be16(&r);
	t->buf = malloc(t->len);
	return t->buf ? n : -ENOMEM;
}

/* Negative errno; 0 when there is nothing more to read now or the transaction is over. */
static int tcp_read(struct transaction *t, usec_t now)
{
	for (;;) {
		ssize_t n;
		if (t->have < LENGTH_LEN) {
			n = tcp_read_length(t);
		} else {
			n = tcp_read_some(t, t->buf + t->at, t->len - t->at);
			t->at += n > 0 ? (size_t)n : 0;
		}
		if (n <= 0)
			return (int)n;
		if (t->have < LENGTH_LEN || t->at < t->len)
			continue;
		if (answered(t, now, t->buf, t->len))
			return 0;
		free(t->buf);
		t->buf = NULL;
		t->at = t->len = t->have = 0;
	}
}

static void tcp_ready(struct watch *w, usec_t now, unsigned events)
{
	struct transaction *t = container_of(w, struct transaction, watch);
	int r = w->events & POLL_EVENT_OUT ? tcp_write(t) : tcp_read(t, now);
	if (r < 0)
		fail(t, now, r);
}

/* -ENODEV when there is no such interface now. */
static int scope_index(const char *scope, uint32_t *ret)
{
	unsigned index = scope[0] ? if_nametoindex(scope) : 0;
	if (scope[0] && index == 0) {
		char *end_of_number;
		index = (unsigned)strtoul(scope, &end_of_number, 10);
		if (*end_of_number != '\0' || index == 0)
			return -ENODEV;
	}
	*ret = index;
	return 0;
}

static int server_address(const struct dns_server *server, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	const struct ip_addr *ip = &server->endpoint.addr;
	if (ip_is_v4(ip)) {
		struct sockaddr_in *sin = (struct sockaddr_in *)ret;
		*sin = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(server->endpoint.port) };
		sin->sin_addr.s_addr = htonl(ip_to_ip4(ip));
		*ret_len = sizeof(*sin);
		return 0;
	}
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret;
	*sin6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(server->endpoint.port) };
	memcpy(&sin6->sin6_addr, ip->b, sizeof(ip->b));
	*ret_len = sizeof(*sin6);
	return scope_index(server->scope, &sin6->sin6_scope_id);
}

/* A connected socket, or one that connects. */
static int open_socket(const struct dns_server *server, bool tcp)
{
	struct sockaddr_storage address;
	socklen_t len;
	int r = server_address(server, &address, &len);
	if (r < 0)
		return r;
	int fd = socket(address.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, len) < 0 && errno != EINPROGRESS) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* UDP sends at once; TCP keeps the message until the connection stands. */
static int begin(struct transaction *t, int fd, const struct dns_upstream_query *q)
{
	if (!q->tcp)
		return send(fd, q->bytes, q->len, MSG_NOSIGNAL) < 0 ? -errno : 0;
	t->buf = malloc(LENGTH_LEN + q->len);
	if (!t->buf)
		return -ENOMEM;
	struct bytes_writer w = bytes_writer(t->buf, LENGTH_LEN + q->len);
	bytes_put_be16(&w, (uint16_t)q->len);
	bytes_put(&w, q->bytes, q->len);
	t->len = w.len;
	return 0;
}

static int resolver_send(struct dns_upstream *u, usec_t now, const struct dns_upstream_query *q)
{
	struct resolver *r = container_of(u, struct resolver, upstream);
	int fd = open_socket(q->server, q->tcp);
	if (fd < 0)
		return fd;
	struct transaction *t = calloc(1, sizeof(*t));
	int error = t ? begin(t, fd, q) : -ENOMEM;
	if (error < 0)
		goto fail_transaction;
	t->resolver = r;
	t->token = q->token;
	t->watch.ready = q->tcp ? tcp_ready : udp_ready;
	error = poller_watch(r->poller, &t->watch, fd, q->tcp ? POLL_EVENT_OUT : POLL_EVENT_IN);
	if (error < 0)
		goto fail_transaction;
	list_append(bucket_of(r, t->token), &t->node);
	return 0;

fail_transaction:
	if (t)
		free(t->buf);
	free(t);
	close(fd);
	return error;
}

static void resolver_cancel(struct dns_upstream *u, dns_token token)
{
	struct list *bucket = bucket_of(container_of(u, struct resolver, upstream), token);
	list_for_each(node, bucket) {
		struct transaction *t = container_of(node, struct transaction, node);
		if (t->token == token) {
			end(t);
			return;
		}
	}
}

static const struct dns_upstream_ops resolver_ops = { .send = resolver_send, .cancel = resolver_cancel };

int resolver_new(struct poller *poller, struct resolver **ret)
{
	struct resolver *r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->upstream = (struct dns_upstream){ .ops = &resolver_ops };
	r->poller = poller;
	r->free_ended.run = free_ended;
	list_init(&r->free_ended.node);
	list_init(&r->ended);
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&r->buckets[i]);
	*ret = r;
	return 0;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	list_remove(&r->free_ended.node);
	free_ended(&r->free_ended, 0);
	free(r);
}

struct dns_upstream *resolver_upstream(struct resolver *r)
{
	return &r->upstream;
}
