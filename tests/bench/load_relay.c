/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least CPU of a helper whose guest is connected by a stream socket: a relay that forwards bytes without reading them.  It makes
 * only the system calls that every helper has to make, so its CPU is the kernel's share of what a helper costs:
 *
 *     rr    the guest's message to a TCP socket, the answer to the guest: a wait, a recv() and a send() for each
 *     udp   datagrams for the guest: a wait, a recvmmsg() and one sendmsg() for each batch
 */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
/* Ethernet, IP and UDP headers, and the length in front of the frame. */
#define HEADERS_BYTES 46
#define ROOM_BYTES (HEADERS_BYTES + LOAD_DATAGRAM_MAX)
#define SOCKET_BUFFER_BYTES (1024 * 1024)
#define PATIENCE_MS 500

struct guest {
	pid_t pid;
	int fd; /* the helper's end */
};

static uint8_t rooms[BATCH][ROOM_BYTES];

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Sends a message, waits for the answer and starts again, until an answer fails to come. */
static void ask_for_ever(int fd, size_t size)
{
	static uint8_t message[ROOM_BYTES];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (send(fd, message, size, MSG_NOSIGNAL) == (ssize_t)size)
		if (poll(&p, 1, -1) < 0 || recv(fd, message, sizeof(message), 0) <= 0)
			return;
}

static void read_for_ever(int fd, size_t size)
{
	static uint8_t bytes[BATCH * ROOM_BYTES];
	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		continue;
}

static struct guest start_guest(void (*run)(int fd, size_t size), size_t size)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		load_die("socketpair");
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){ SOCKET_BUFFER_BYTES }, sizeof(int));
	struct guest g = { .pid = fork(), .fd = pair[0] };
	if (g.pid < 0)
		load_die("fork");
	if (g.pid > 0) {
		close(pair[1]);
		return g;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(pair[0]);
	run(pair[1], size);
	_exit(0);
}

static void stop_guest(struct guest *g)
{
	kill(g->pid, SIGKILL);
	waitpid(g->pid, NULL, 0);
	close(g->fd);
}

static void watch(int epoll_fd, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		load_die("epoll");
}

static int connect_for(const struct load_options *o, int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &o->server.any, load_address_len(&o->server)) < 0)
		load_die("connect");
	return fd;
}

/* Forwards what can be read from @from to @to; returns false when either is closed. */
static bool pass_on(int from, int to)
{
	ssize_t n = recv(from, rooms, sizeof(rooms), MSG_DONTWAIT);
	return n > 0 && send(to, rooms, (size_t)n, MSG_NOSIGNAL) == n;
}

int load_relay_rr(const struct load_options *o)
{
	struct load_request request = { .magic = LOAD_MAGIC, .op = LOAD_ECHO, .size = o->size };
	int server = connect_for(o, SOCK_STREAM), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (send(server, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		load_die("send");
	struct guest guest = start_guest(ask_for_ever, o->size);
	watch(epoll_fd, server);
	watch(epoll_fd, guest.fd);
	uint64_t begin = load_now_us(), stop = begin + o->ms * (uint64_t)1000, now, answers = 0;
	double cpu = cpu_seconds();
	bool works = true;
	while (works && (now = load_now_us()) < stop) {
		struct epoll_event e;
		if (epoll_wait(epoll_fd, &e, 1, PATIENCE_MS) < 1)
			continue;
		bool is_answer = e.data.fd == server;
		works = pass_on(e.data.fd, is_answer ? guest.fd : server);
		answers += is_answer;
	}
	cpu = cpu_seconds() - cpu;
	stop_guest(&guest);
	printf("{\"transactions\": %" PRIu64 ", \"seconds\": %.6f, \"cpu\": %.6f}\n", answers, (double)(load_now_us() - begin) / 1e6, cpu);
	return answers > 0 && works ? 0 : 1;
}

/*
 * Forwards the datagrams that have arrived and returns how many.  Sets *ret_sent when the server's END, which tells how many it
 * sent, is among them.
 */
static unsigned pass_batch(int from, int to, uint64_t *ret_sent)
{
	struct mmsghdr m[BATCH];
	struct iovec in[BATCH], out[BATCH];
	for (unsigned i = 0; i < BATCH; i++) {
		in[i] = (struct iovec){ rooms[i] + HEADERS_BYTES, LOAD_DATAGRAM_MAX };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &in[i], .msg_iovlen = 1 };
	}
	int n = recvmmsg(from, m, BATCH, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return 0;
	for (int i = 0; i < n; i++) {
		struct load_datagram d;
		memcpy(&d, rooms[i] + HEADERS_BYTES, sizeof(d));
		*ret_sent = d.kind == LOAD_END ? d.number : *ret_sent;
		out[i] = (struct iovec){ rooms[i], HEADERS_BYTES + m[i].msg_len };
	}
	struct msghdr h = { .msg_iov = out, .msg_iovlen = (size_t)n };
	sendmsg(to, &h, MSG_NOSIGNAL);
	return (unsigned)n;
}

int load_relay_udp(const struct load_options *o)
{
	struct load_datagram order = {
		.magic = LOAD_MAGIC, .kind = LOAD_BLAST, .run = load_now_us(), .rate = o->rate, .ms = o->ms, .size = o->size
	};
	int server = connect_for(o, SOCK_DGRAM), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	setsockopt(server, SOL_SOCKET, SO_RCVBUF, &(int){ SOCKET_BUFFER_BYTES }, sizeof(int));
	struct guest guest = start_guest(read_for_ever, 0);
	watch(epoll_fd, server);
	if (send(server, &order, sizeof(order), 0) != sizeof(order))
		load_die("send");
	uint64_t received = 0, sent = 0;
	double cpu = cpu_seconds();
	struct epoll_event e;
	while (sent == 0 && epoll_wait(epoll_fd, &e, 1, PATIENCE_MS) > 0)
		for (unsigned n = BATCH; n == BATCH; received += n)
			n = pass_batch(server, guest.fd, &sent);
	cpu = cpu_seconds() - cpu;
	stop_guest(&guest);
	printf("{\"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"seconds\": %.6f, \"cpu\": %.6f}\n", sent, received, o->ms / 1e3, cpu);
	return received > 0 ? 0 : 1;
}
