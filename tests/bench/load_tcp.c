/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP: streams each way, request/response, connect/request/close, and idle connections. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* How long a load may take beyond its own time before it counts as failed. */
#define GRACE_MS 10000
#define HOLD_IN_FLIGHT 64
#define EVENTS 64

static int tcp_socket(const struct load_options *o, int flags)
{
	int fd = socket(o->server.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		load_die("socket");
	return fd;
}

static union load_address nth_server(const struct load_options *o, uint64_t n)
{
	union load_address sa = o->server;
	sa.in.sin_port = htons((uint16_t)(ntohs(sa.in.sin_port) + n % o->ports));
	return sa;
}

static int tcp_connect(const struct load_options *o, uint64_t n)
{
	int fd = tcp_socket(o, 0);
	union load_address sa = nth_server(o, n);
	struct timeval limit = { .tv_sec = GRACE_MS / 1000 };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* limits connect() too */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, &sa.any, load_address_len(&sa)) < 0)
		load_die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	return fd;
}

static void write_all(int fd, const void *bytes, size_t len)
{
	if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		load_die("send");
}

static void read_all(int fd, void *bytes, size_t len)
{
	ssize_t n = recv(fd, bytes, len, MSG_WAITALL);
	if (n == (ssize_t)len)
		return;
	if (n >= 0)
		errno = ECONNRESET;
	load_die("recv");
}

/* --- streams --- */

/*
 * The receiver measures, for a given time from the first byte on, and does not wait for bytes that are still in flight then: a
 * helper that stalls is charged for the stall and for nothing else.
 */
struct stream {
	int fd;
	struct load_report report;
};

struct streams {
	const struct load_options *options;
	int epoll_fd;
	uint8_t *chunk;
	uint64_t begin_us, stop_us;
	struct stream stream[LOAD_STREAMS_MAX];
};

static void streams_start(struct streams *all, const struct load_options *o, struct load_request request, uint32_t events)
{
	*all = (struct streams){ .options = o, .epoll_fd = epoll_create1(EPOLL_CLOEXEC), .chunk = calloc(1, LOAD_CHUNK_BYTES) };
	if (all->epoll_fd < 0 || !all->chunk)
		load_die("streams");
	for (uint32_t i = 0; i < o->streams; i++) {
		struct stream *s = &all->stream[i];
		s->fd = tcp_connect(o, i);
		write_all(s->fd, &request, sizeof(request));
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
		struct epoll_event e = { .events = events, .data.ptr = s };
		if (fcntl(s->fd, F_SETFL, O_NONBLOCK) < 0 || epoll_ctl(all->epoll_fd, EPOLL_CTL_ADD, s->fd, &e) < 0)
			load_die("stream");
	}
	all->begin_us = load_now_us();
	all->stop_us = all->begin_us + o->ms * (uint64_t)1000;
}

/* Closes all streams at once with RST (SO_LINGER) and prints their sum. */
static int streams_print(struct streams *all)
{
	struct load_report sum = { 0 };
	for (uint32_t i = 0; i < all->options->streams; i++) {
		const struct stream *s = &all->stream[i];
		close(s->fd);
		sum.bytes += s->report.bytes;
		sum.us = s->report.us > sum.us ? s->report.us : sum.us;
	}
	free(all->chunk);
	printf("{\"bytes\": %" PRIu64 ", \"seconds\": %.6f}\n", sum.bytes, (double)sum.us / 1e6);
	return sum.bytes > 0 && sum.us > 0 ? 0 : 1;
}

/* Returns true when the server's report has arrived. */
static bool send_some(struct streams *all, struct stream *s, uint32_t events)
{
	if (events & EPOLLIN) {
		if (recv(s->fd, &s->report, sizeof(s->report), 0) != sizeof(s->report))
			load_die("recv");
		epoll_ctl(all->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
		return true;
	}
	if (send(s->fd, all->chunk, LOAD_CHUNK_BYTES, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		load_die("send");
	return false;
}

int load_tcp_send(const struct load_options *o)
{
	struct streams all;
	struct load_request request = { .magic = LOAD_MAGIC, .op = LOAD_SINK, .ms = o->ms };
	streams_start(&all, o, request, EPOLLIN | EPOLLOUT);
	for (uint32_t left = o->streams; left > 0;) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(all.epoll_fd, events, EVENTS, 50);
		for (int i = 0; i < n; i++)
			left -= send_some(&all, events[i].data.ptr, events[i].events);
		if (load_now_us() > all.stop_us + GRACE_MS * 1000) {
			errno = ETIMEDOUT;
			load_die("no count from the server");
		}
	}
	return streams_print(&all);
}

static void receive_some(struct streams *all, struct stream *s)
{
	ssize_t n = recv(s->fd, all->chunk, LOAD_CHUNK_BYTES, 0);
	if (n == 0)
		errno = ECONNRESET;
	if (n <= 0 && errno != EAGAIN)
		load_die("recv");
	s->report.bytes += n > 0 ? (uint64_t)n : 0;
}

int load_tcp_receive(const struct load_options *o)
{
	struct streams all;
	struct load_request request = { .magic = LOAD_MAGIC, .op = LOAD_SOURCE, .ms = o->ms + GRACE_MS };
	streams_start(&all, o, request, EPOLLIN);
	while (load_now_us() < all.stop_us) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(all.epoll_fd, events, EVENTS, 50);
		for (int i = 0; i < n; i++)
			receive_some(&all, events[i].data.ptr);
	}
	for (uint32_t i = 0; i < o->streams; i++)
		all.stream[i].report.us = load_now_us() - all.begin_us;
	return streams_print(&all);
}

/* --- transactions --- */

struct message {
	struct load_request request;
	uint8_t body[LOAD_DATAGRAM_MAX];
};

static struct message first_message(const struct load_options *o)
{
	return (struct message){ .request = { .magic = LOAD_MAGIC, .op = LOAD_ECHO, .size = o->size } };
}

static int print_transactions(uint64_t count, uint64_t us)
{
	printf("{\"transactions\": %" PRIu64 ", \"seconds\": %.6f}\n", count, (double)us / 1e6);
	return count > 0 ? 0 : 1;
}

int load_tcp_rr(const struct load_options *o)
{
	struct message m = first_message(o);
	int fd = tcp_connect(o, 0);
	write_all(fd, &m, sizeof(m.request) + o->size);
	read_all(fd, m.body, o->size);
	uint64_t begin = load_now_us(), stop = begin + o->ms * (uint64_t)1000, count = 0, now;
	for (now = begin; now < stop; now = load_now_us(), count++) {
		write_all(fd, m.body, o->size);
		read_all(fd, m.body, o->size);
	}
	return print_transactions(count, now - begin);
}

int load_tcp_crr(const struct load_options *o)
{
	struct message m = first_message(o);
	uint64_t begin = load_now_us(), stop = begin + o->ms * (uint64_t)1000, count = 0, now;
	for (now = begin; now < stop; now = load_now_us(), count++) {
		int fd = tcp_connect(o, count);
		write_all(fd, &m, sizeof(m.request) + o->size);
		read_all(fd, m.body, o->size);
		close(fd);
	}
	return print_transactions(count, now - begin);
}

/* --- idle flows --- */

static void begin_flow(const struct load_options *o, int epoll_fd, uint64_t n)
{
	int fd = tcp_socket(o, SOCK_NONBLOCK);
	union load_address sa = nth_server(o, n);
	if (connect(fd, &sa.any, load_address_len(&sa)) < 0 && errno != EINPROGRESS)
		load_die("connect");
	struct epoll_event e = { .events = EPOLLOUT | EPOLLONESHOT, .data.fd = fd };
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		load_die("epoll_ctl");
}

static bool is_connected(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

int load_tcp_hold(const struct load_options *o)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	uint64_t deadline = load_now_us() + o->ms * (uint64_t)1000;
	uint32_t begun = 0, held = 0, failed = 0;
	while (held + failed < o->flows && load_now_us() < deadline) {
		for (; begun < o->flows && begun - held - failed < HOLD_IN_FLIGHT; begun++)
			begin_flow(o, epoll_fd, begun);
		struct epoll_event events[EVENTS];
		int n = epoll_wait(epoll_fd, events, EVENTS, 100);
		for (int i = 0; i < n; i++)
			*(is_connected(events[i].data.fd) ? &held : &failed) += 1;
	}
	printf("{\"held\": %" PRIu32 ", \"failed\": %" PRIu32 "}\n", held, failed);
	fflush(stdout);
	char c;
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
