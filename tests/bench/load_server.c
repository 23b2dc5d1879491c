/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server outside: one thread with epoll for TCP and for counting datagrams, and one thread for each paced UDP transmission (blast). */
#include "load.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define UDP_BATCH 64
#define UDP_BUFFER_BYTES (4 * 1024 * 1024)
/* How often it is checked whether a stream's time is over. */
#define TICK_MS 50

static_assert(LOAD_CHUNK_BYTES >= UDP_BATCH * LOAD_DATAGRAM_MAX, "a batch fits");

enum kind { KIND_STDIN = 1, KIND_LISTENER, KIND_UDP, KIND_TCP };

struct item {
	enum kind kind;
	int fd;
	struct load_request request; /* TCP: complete when request_len is its size */
	size_t request_len;
	size_t pending; /* ECHO: bytes received of the current message */
	uint64_t bytes;
	uint64_t begin_us, stop_us;
	struct load_ages *ages; /* AGED_SINK */
	uint64_t run;           /* UDP: the run being counted */
	uint64_t run_count;
};

struct server {
	int epoll_fd;
	uint8_t *chunk;
	struct item *timed[LOAD_STREAMS_MAX]; /* streams that are still measured */
	unsigned n_timed;
};

static struct item *item_new(struct server *s, enum kind kind, int fd, uint32_t events)
{
	struct item *it = calloc(1, sizeof(*it));
	if (!it)
		load_die("memory");
	it->kind = kind;
	it->fd = fd;
	struct epoll_event e = { .events = events, .data.ptr = it };
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		load_die("epoll_ctl");
	return it;
}

static void forget_timed(struct server *s, const struct item *it)
{
	for (unsigned i = 0; i < s->n_timed; i++)
		if (s->timed[i] == it)
			s->timed[i] = s->timed[--s->n_timed];
}

static void item_free(struct server *s, struct item *it)
{
	forget_timed(s, it);
	close(it->fd);
	free(it->ages);
	free(it);
}

/* --- TCP; these return false when the connection is to be closed --- */

static bool is_source(const struct item *it)
{
	return it->request.op == LOAD_SOURCE || it->request.op == LOAD_AGED_SOURCE;
}

/* A stream's time starts with its request. */
static bool start_stream(struct server *s, struct item *it)
{
	if (s->n_timed == LOAD_STREAMS_MAX || it->request.ms > LOAD_MS_MAX)
		return false;
	s->timed[s->n_timed++] = it;
	it->begin_us = load_now_us();
	it->stop_us = it->begin_us + it->request.ms * (uint64_t)1000;
	if (it->request.op == LOAD_AGED_SINK)
		it->ages = load_ages_new(it->begin_us + it->request.ms * (uint64_t)500);
	if (it->request.op == LOAD_AGED_SOURCE)
		load_keep_little_unsent(it->fd);
	struct epoll_event e = { .events = EPOLLIN | (is_source(it) ? EPOLLOUT : 0), .data.ptr = it };
	return epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, it->fd, &e) == 0;
}

/* The stream's time is over: a sink reports how much it has received.  What arrives later is read and ignored. */
static bool end_stream(struct server *s, struct item *it)
{
	struct load_report report = { .bytes = it->bytes, .us = load_now_us() - it->begin_us };
	forget_timed(s, it);
	if (it->ages)
		load_ages_sum_up(it->ages, &report);
	if (is_source(it))
		shutdown(it->fd, SHUT_WR);
	else
		send(it->fd, &report, sizeof(report), MSG_NOSIGNAL);
	it->request.op = LOAD_OVER;
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = it };
	return epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, it->fd, &e) == 0;
}

static bool sink(struct server *s, struct item *it)
{
	ssize_t n = recv(it->fd, s->chunk, LOAD_CHUNK_BYTES, 0);
	if (n > 0)
		it->bytes += (uint64_t)n;
	if (n > 0 && it->ages)
		load_ages_received(it->ages, s->chunk, (size_t)n);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool source(struct server *s, struct item *it)
{
	ssize_t n = send(it->fd, s->chunk, LOAD_CHUNK_BYTES, MSG_NOSIGNAL);
	return n >= 0 || errno == EAGAIN;
}

/* @n bytes of a message have arrived, at most the rest of it. */
static bool echo_bytes(struct server *s, struct item *it, size_t n)
{
	it->pending += n;
	if (it->pending < it->request.size)
		return true;
	it->pending = 0;
	return send(it->fd, s->chunk, it->request.size, MSG_NOSIGNAL) == (ssize_t)it->request.size;
}

static bool echo(struct server *s, struct item *it)
{
	ssize_t n = recv(it->fd, s->chunk, it->request.size - it->pending, 0);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	return echo_bytes(s, it, (size_t)n);
}

/* The first message of ECHO may arrive together with the request. */
static bool read_request(struct server *s, struct item *it)
{
	uint8_t *at = (uint8_t *)&it->request + it->request_len;
	ssize_t n = recv(it->fd, at, sizeof(it->request) - it->request_len, 0);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	it->request_len += (size_t)n;
	if (it->request_len < sizeof(it->request))
		return true;
	if (it->request.magic != LOAD_MAGIC)
		return false;
	if (it->request.op == LOAD_ECHO)
		return it->request.size > 0 && it->request.size <= LOAD_CHUNK_BYTES && echo(s, it);
	return start_stream(s, it);
}

static bool tcp_ready(struct server *s, struct item *it)
{
	if (it->request_len < sizeof(it->request))
		return read_request(s, it);
	switch (it->request.op) {
	case LOAD_SINK:
	case LOAD_AGED_SINK:
	case LOAD_OVER: return sink(s, it);
	case LOAD_SOURCE: return source(s, it);
	case LOAD_AGED_SOURCE: return load_send_stamps(it->fd);
	case LOAD_ECHO: return echo(s, it);
	}
	return false;
}

static void accept_all(struct server *s, struct item *it)
{
	int fd;
	while ((fd = accept4(it->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		item_new(s, KIND_TCP, fd, EPOLLIN);
}

static void end_streams(struct server *s)
{
	uint64_t now = load_now_us();
	for (unsigned i = s->n_timed; i-- > 0;) {
		struct item *it = s->timed[i];
		if (now >= it->stop_us && !end_stream(s, it))
			item_free(s, it);
	}
}

/* --- UDP --- */

struct blast {
	int fd;
	union load_address to;
	struct load_datagram order;
};

static void *run_blast(void *data)
{
	struct blast *b = data;
	struct load_datagram end = b->order;
	end.kind = LOAD_END;
	end.number = load_send_paced(b->fd, &b->to, &b->order);
	for (int i = 0; i < 10; i++) {
		usleep(20000);
		sendto(b->fd, &end, sizeof(end), 0, &b->to.any, load_address_len(&b->to));
	}
	free(b);
	return NULL;
}

static void start_blast(const struct item *it, const struct load_datagram *d, const union load_address *from)
{
	pthread_t thread;
	struct blast *b = malloc(sizeof(*b));
	if (!b || d->size > LOAD_DATAGRAM_MAX || d->ms > LOAD_MS_MAX) {
		free(b);
		return;
	}
	*b = (struct blast){ .fd = it->fd, .to = *from, .order = *d };
	if (pthread_create(&thread, NULL, run_blast, b) != 0)
		free(b);
	else
		pthread_detach(thread);
}

static void take_datagram(struct item *it, const struct load_datagram *d, const union load_address *from)
{
	bool is_new = it->run != d->run;
	if (is_new) {
		it->run = d->run;
		it->run_count = 0;
	}
	if (d->kind == LOAD_DATA) {
		it->run_count++;
	} else if (d->kind == LOAD_COUNT) {
		struct load_datagram answer = *d;
		answer.number = it->run_count;
		sendto(it->fd, &answer, sizeof(answer), 0, &from->any, load_address_len(from));
	} else if (d->kind == LOAD_BLAST && is_new) { /* the client repeats its request */
		start_blast(it, d, from);
	}
}

static void udp_ready(struct server *s, struct item *it)
{
	struct mmsghdr m[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	union load_address from[UDP_BATCH];
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		iov[i] = (struct iovec){ .iov_base = s->chunk + i * LOAD_DATAGRAM_MAX, .iov_len = LOAD_DATAGRAM_MAX };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof(from[i]) };
	}
	int n = recvmmsg(it->fd, m, UDP_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct load_datagram d;
		if (m[i].msg_len < sizeof(d))
			continue;
		memcpy(&d, iov[i].iov_base, sizeof(d));
		if (d.magic == LOAD_MAGIC)
			take_datagram(it, &d, &from[i]);
	}
}

/* --- */

static void listen_on(struct server *s, union load_address sa)
{
	int tcp = socket(sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int udp = socket(sa.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (tcp < 0 || udp < 0)
		load_die("socket");
	if (sa.any.sa_family == AF_INET6) { /* another server has the ports of IPv4 */
		setsockopt(tcp, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int));
		setsockopt(udp, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int));
	}
	setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &(int){ UDP_BUFFER_BYTES }, sizeof(int));
	if (bind(tcp, &sa.any, load_address_len(&sa)) < 0 || listen(tcp, 4096) < 0)
		load_die("listen");
	if (bind(udp, &sa.any, load_address_len(&sa)) < 0)
		load_die("bind");
	item_new(s, KIND_LISTENER, tcp, EPOLLIN);
	item_new(s, KIND_UDP, udp, EPOLLIN);
}

static void handle(struct server *s, struct item *it)
{
	if (it->kind == KIND_LISTENER)
		accept_all(s, it);
	else if (it->kind == KIND_UDP)
		udp_ready(s, it);
	else if (!tcp_ready(s, it))
		item_free(s, it);
}

int load_serve(const struct load_options *o)
{
	struct server s = { .epoll_fd = epoll_create1(EPOLL_CLOEXEC), .chunk = calloc(1, LOAD_CHUNK_BYTES) };
	if (s.epoll_fd < 0 || !s.chunk)
		load_die("server");
	union load_address sa = o->server;
	for (uint32_t i = 0; i < o->ports; i++) {
		sa.in.sin_port = htons((uint16_t)(ntohs(o->server.in.sin_port) + i));
		listen_on(&s, sa);
	}
	item_new(&s, KIND_STDIN, STDIN_FILENO, EPOLLIN);
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(s.epoll_fd, events, EVENTS, s.n_timed ? TICK_MS : -1);
		if (n < 0 && errno != EINTR)
			load_die("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct item *it = events[i].data.ptr;
			if (it->kind == KIND_STDIN)
				return 0;
			handle(&s, it);
		}
		end_streams(&s);
	}
}
