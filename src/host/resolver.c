/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction is in a hash table by its token from send() until end().  Over TCP it writes the length and the message,
 * then reads a length and a message; over UDP it only reads.  The service may send and cancel other transactions during an
 * event, so transactions are freed at the end of the round of events.
 *
 * There are at most CONNECTIONS_MAX connections to a server over TCP; other transactions wait for one of them to end.  The next one is for
 * the payer that has fewest.  One that has two or more less than another takes a connection from that one, whose transaction waits again:
 * queries without an answer, of one guest, do not delay those of others.
 */
#include "host/resolver.h"

#include "base/bytes.h"
#include "base/macros.h"
#include "host/poller.h"
#include "service/dns/server.h"
#include "service/dns/upstream.h"
#include "wire/dns.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define BUCKETS 256u
/* unbound serves ten connections of all its clients at once, dnsmasq twenty. */
#define CONNECTIONS_MAX 8u
#define LENGTH_LEN 2u
/* Datagrams read for one event, so that a flood of forged answers does not block the loop. */
#define DATAGRAMS_PER_TURN 16

struct resolver {
	struct dns_upstream upstream;
	struct poller *poller;
	struct list buckets[BUCKETS]; /* of transactions */
	struct list peers;
	struct list ended;
	struct list broken; /* could not be sent; the service has not been told yet */
	struct deferred settle;
	const struct transaction *answering; /* the service looks at its message */
	uint8_t datagram[DNS_MESSAGE_MAX];
};

/* A server with transactions over TCP. */
struct peer {
	struct list node;
	struct dns_server server;
	unsigned n_transactions, n_connections;
	struct list waiting;   /* transactions without a connection, the oldest first */
	struct list connected; /* those with one, the oldest first; in the same node */
};

struct transaction {
	struct list node; /* in a bucket, or ended */
	struct resolver *resolver;
	struct watch watch; /* fd -1: waits for a connection, or broken */
	dns_token token;
	struct peer *peer;   /* TCP only */
	struct list waiting; /* in peer->waiting, peer->connected or broken */
	const struct payer *payer;
	int error; /* when broken */
	/* TCP only. */
	uint8_t *message; /* to write */
	size_t message_len;
	uint8_t *buf;   /* bytes read */
	size_t at, len; /* of @message, then of @buf */
	uint8_t length[LENGTH_LEN];
	size_t have; /* bytes of the length and the message read */
};

static struct list *bucket_of(struct resolver *r, dns_token token)
{
	return &r->buckets[(token ^ token >> 16) % BUCKETS];
}

static void settle_later(struct resolver *r)
{
	if (list_empty(&r->settle.node))
		poller_defer(r->poller, &r->settle);
}

static int open_connection(struct transaction *t);

static unsigned connections_of(const struct peer *p, const struct payer *payer)
{
	unsigned n = 0;
	list_for_each(node, &p->connected)
		n += container_of(node, struct transaction, waiting)->payer == payer;
	return n;
}

/* The oldest one of the payer that has fewest connections.  NULL: none waits. */
static struct transaction *next_to_connect(const struct peer *p)
{
	struct transaction *found = NULL;
	unsigned fewest = UINT_MAX;
	list_for_each(node, &p->waiting) {
		struct transaction *t = container_of(node, struct transaction, waiting);
		if (found && t->payer == found->payer)
			continue;
		unsigned n = connections_of(p, t->payer);
		if (n >= fewest)
			continue;
		found = t;
		fewest = n;
		if (n == 0)
			break;
	}
	return found;
}

/* The oldest one of the payer that has most connections. */
static struct transaction *next_to_disconnect(const struct peer *p)
{
	struct transaction *found = NULL;
	unsigned most = 0;
	list_for_each(node, &p->connected) {
		struct transaction *t = container_of(node, struct transaction, waiting);
		unsigned n = connections_of(p, t->payer);
		if (n <= most || t == t->resolver->answering)
			continue;
		found = t;
		most = n;
	}
	return found;
}

/* Takes the connection from @t, which starts again when there is one for it. */
static void disconnect(struct transaction *t)
{
	poller_close(t->resolver->poller, &t->watch);
	t->watch.fd = -1;
	free(t->buf);
	t->buf = NULL;
	t->at = t->len = t->have = 0;
	t->peer->n_connections--;
	list_remove(&t->waiting);
	list_append(&t->peer->waiting, &t->waiting);
}

/* A transaction of @payer waits: another payer may have to give it a connection. */
static void make_room(struct peer *p, const struct payer *payer)
{
	struct transaction *t = p->n_connections >= CONNECTIONS_MAX ? next_to_disconnect(p) : NULL;
	if (t && connections_of(p, t->payer) > connections_of(p, payer) + 1)
		disconnect(t);
}

/* Reports no event, because it may be called from within the service. */
static void open_connections(struct resolver *r, struct peer *p)
{
	while (p->n_connections < CONNECTIONS_MAX && !list_empty(&p->waiting)) {
		struct transaction *t = next_to_connect(p);
		list_remove(&t->waiting);
		t->error = open_connection(t);
		if (t->error < 0) {
			list_append(&r->broken, &t->waiting);
			settle_later(r);
		}
	}
}

static void leave_peer(struct transaction *t)
{
	struct peer *p = t->peer;
	if (t->watch.fd >= 0)
		p->n_connections--;
	list_remove(&t->waiting);
	open_connections(t->resolver, p);
	if (--p->n_transactions == 0) {
		list_remove(&p->node);
		free(p);
	}
}

static void end(struct transaction *t)
{
	struct resolver *r = t->resolver;
	if (t->watch.active)
		poller_close(r->poller, &t->watch);
	if (t->peer)
		leave_peer(t);
	list_remove(&t->node);
	list_append(&r->ended, &t->node);
	settle_later(r);
}

static void fail(struct transaction *t, usec_t now, int error)
{
	struct resolver *r = t->resolver;
	dns_token token = t->token;
	end(t);
	dns_upstream_failed(&r->upstream, now, token, error);
}

static void free_ended(struct resolver *r)
{
	list_for_each(node, &r->ended) {
		struct transaction *t = container_of(node, struct transaction, node);
		free(t->message);
		free(t->buf);
		free(t);
	}
	list_init(&r->ended);
}

static void settle(struct deferred *d, usec_t now)
{
	struct resolver *r = container_of(d, struct resolver, settle);
	while (!list_empty(&r->broken)) {
		struct transaction *t = container_of(r->broken.next, struct transaction, waiting);
		fail(t, now, t->error);
	}
	free_ended(r);
}

/* True: the transaction has ended. */
static bool answered(struct transaction *t, usec_t now, uint8_t *bytes, size_t len)
{
	struct resolver *r = t->resolver;
	r->answering = t;
	bool is_answer = dns_upstream_answered(&r->upstream, now, t->token, bytes, len);
	r->answering = NULL;
	if (!is_answer)
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

/* Waits for the answer once everything is written. */
static int tcp_write(struct transaction *t)
{
	ssize_t n = send(t->watch.fd, t->message + t->at, t->message_len - t->at, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	t->at += (size_t)n;
	if (t->at < t->message_len)
		return 0;
	t->at = 0;
	return poller_rewatch(t->resolver->poller, &t->watch, POLL_EVENT_IN);
}

/* Reads up to @len bytes.  0: nothing to read now; negative errno, -ECONNRESET at the end of the stream. */
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

/* 0 when there is nothing more to read now or the transaction has ended; negative errno. */
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

/* -ENODEV when there is no such interface. */
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

/* A socket that is connected or, over TCP, connecting. */
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

/* On failure closes @fd and leaves watch.fd at -1. */
static int watch_socket(struct transaction *t, int fd, unsigned events)
{
	int r = poller_watch(t->resolver->poller, &t->watch, fd, events);
	if (r == 0)
		return 0;
	t->watch.fd = -1;
	close(fd);
	return r;
}

static int open_connection(struct transaction *t)
{
	int fd = open_socket(&t->peer->server, true);
	int r = fd < 0 ? fd : watch_socket(t, fd, POLL_EVENT_OUT);
	if (r < 0)
		return r;
	t->peer->n_connections++;
	list_append(&t->peer->connected, &t->waiting);
	return 0;
}

static struct peer *find_peer(const struct resolver *r, const struct dns_server *server)
{
	list_for_each(node, &r->peers) {
		struct peer *p = container_of(node, struct peer, node);
		if (dns_server_equal(&p->server, server))
			return p;
	}
	return NULL;
}

static struct peer *find_or_make_peer(struct resolver *r, const struct dns_server *server)
{
	struct peer *p = find_peer(r, server);
	if (p || !(p = malloc(sizeof(*p))))
		return p;
	*p = (struct peer){ .server = *server };
	list_init(&p->waiting);
	list_init(&p->connected);
	list_append(&r->peers, &p->node);
	return p;
}

/* Keeps a copy of the message, because a connection may be taken away from it. */
static int send_tcp(struct transaction *t, const struct dns_upstream_query *q)
{
	t->message = malloc(LENGTH_LEN + q->len);
	if (!t->message)
		return -ENOMEM;
	struct bytes_writer w = bytes_writer(t->message, LENGTH_LEN + q->len);
	bytes_put_be16(&w, (uint16_t)q->len);
	bytes_put(&w, q->bytes, q->len);
	t->message_len = w.len;
	t->peer = find_or_make_peer(t->resolver, q->server);
	if (!t->peer)
		return -ENOMEM;
	t->peer->n_transactions++;
	make_room(t->peer, t->payer);
	if (t->peer->n_connections < CONNECTIONS_MAX)
		return open_connection(t);
	list_append(&t->peer->waiting, &t->waiting);
	return 0;
}

static int send_udp(struct transaction *t, const struct dns_upstream_query *q)
{
	int fd = open_socket(q->server, false);
	if (fd < 0)
		return fd;
	if (send(fd, q->bytes, q->len, MSG_NOSIGNAL) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return watch_socket(t, fd, POLL_EVENT_IN);
}

static int resolver_send(struct dns_upstream *u, usec_t now, const struct dns_upstream_query *q)
{
	struct resolver *r = container_of(u, struct resolver, upstream);
	struct transaction *t = malloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct transaction){
		.resolver = r, .token = q->token, .payer = q->payer, .watch = { .ready = q->tcp ? tcp_ready : udp_ready, .fd = -1 }
	};
	list_init(&t->waiting);
	int error = q->tcp ? send_tcp(t, q) : send_udp(t, q);
	if (error == 0) {
		list_append(bucket_of(r, t->token), &t->node);
		return 0;
	}
	if (t->peer)
		leave_peer(t);
	free(t->message);
	free(t->buf);
	free(t);
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
	r->answering = NULL;
	r->settle.run = settle;
	list_init(&r->settle.node);
	list_init(&r->peers);
	list_init(&r->ended);
	list_init(&r->broken);
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&r->buckets[i]);
	*ret = r;
	return 0;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	list_remove(&r->settle.node);
	free_ended(r);
	free(r);
}

struct dns_upstream *resolver_upstream(struct resolver *r)
{
	return &r->upstream;
}
