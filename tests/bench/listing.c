/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures how long the data thread is kept from frames while API clients list many flows again and again and one guest sends to
 * another:
 *
 *     listing [FLOWS [TIMES]]
 *
 * It measures the data thread's CPU time for each round of calls: a frame may have to wait that long.  Prints TAP and fails when a
 * list lacks a flow or when no frame gets through.  The times are printed but not checked.
 */
#include "base/macros.h"
#include "control/control.h"
#include "network/network_internal.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

#include "../engine/netns.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define GUEST IP4(192, 168, 122, 50)
#define SERVER IP4(198, 51, 100, 2) /* no host has this address */
#define FIRST_PORT 2000u
#define FRAME_LEN 1514u
#define DESCRIPTORS_BESIDES 1000u
#define LIST_PIECE 65536u

struct rounds {
	void (*calls_ready)(struct watch *w, usec_t now, unsigned events); /* the network's own handler */
	uint64_t n, total_ns, longest_ns;
};

struct bench {
	struct lanlet_network *net;
	unsigned n_flows, times, listed; /* listed: lines of the shortest list */
	int sender, receiver;            /* the guests' ends */
	char socket[64];
	atomic_bool ended;
	atomic_ullong received;
	struct call end;
};

/* A variable of the file, because the hook below gets only the network's watch.  There is one network in this process. */
static struct rounds rounds;

static uint64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void timed_calls_ready(struct watch *w, usec_t now, unsigned events)
{
	uint64_t start = cpu_ns();
	rounds.calls_ready(w, now, events);
	uint64_t took = cpu_ns() - start;
	rounds.n++;
	rounds.total_ns += took;
	rounds.longest_ns = MAX(rounds.longest_ns, took);
}

/* --- the guests --- */

static bool write_all(int fd, const void *bytes, size_t len)
{
	for (const char *at = bytes; len > 0;) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* The format of stream.sock: length, then frame. */
static size_t make_frame(uint8_t bytes[static 4 + FRAME_LEN], struct mac dst, size_t len)
{
	struct bytes_writer w = bytes_writer(bytes, 4 + FRAME_LEN);
	bytes_put_be32(&w, (uint32_t)len);
	eth_emit(&w, &(struct eth_header){ dst, { { 0x52, 0x54, 0, 0, 0, 1 } }, ETH_TYPE_IPV4 });
	return 4 + len;
}

static bool open_flow(const struct bench *b, uint16_t port)
{
	uint8_t bytes[4 + FRAME_LEN] = { 0 };
	size_t udp_len = UDP_HEADER_LEN + 1, ip_len = IPV4_HEADER_LEN + udp_len;
	size_t len = make_frame(bytes, b->net->segment.gateway.mac, ETH_HEADER_LEN + ip_len);
	struct bytes_writer w = bytes_writer(bytes + 4 + ETH_HEADER_LEN, ip_len);
	ipv4_emit(&w, &(struct ipv4_header){
			      .total_len = (uint16_t)ip_len, .ttl = 64, .protocol = IP_PROTOCOL_UDP, .src = GUEST, .dst = SERVER });
	bytes_put_be16(&w, port);
	bytes_put_be16(&w, 9);
	bytes_put_be16(&w, (uint16_t)udp_len);
	return write_all(b->sender, bytes, len);
}

/* Sends frames to the other guest until the end. */
static void *transfer(void *opaque)
{
	struct bench *b = opaque;
	uint8_t bytes[4 + FRAME_LEN] = { 0 };
	size_t len = make_frame(bytes, (struct mac){ { 0x52, 0x54, 0, 0, 0, 2 } }, FRAME_LEN);
	while (!b->ended && write_all(b->sender, bytes, len))
		;
	return NULL;
}

static void *receive(void *opaque)
{
	struct bench *b = opaque;
	char bytes[LIST_PIECE];
	for (ssize_t n; (n = recv(b->receiver, bytes, sizeof(bytes), 0)) > 0;)
		b->received += (unsigned long long)n;
	return NULL;
}

/* --- the client --- */

static unsigned count(const char *text, size_t len, char what)
{
	unsigned n = 0;
	for (size_t i = 0; i < len; i++)
		n += text[i] == what;
	return n;
}

/* Returns the number of lines of the answer: one for each flow. */
static unsigned list(const struct bench *b)
{
	static const char request[] = "GET /v1/flows?protocol=udp HTTP/1.0\r\nHost: lanlet\r\n\r\n";
	char bytes[LIST_PIECE];
	unsigned lines = 0;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", b->socket);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && write_all(fd, request, sizeof(request) - 1))
		for (ssize_t n; (n = recv(fd, bytes, sizeof(bytes), 0)) > 0;)
			lines += count(bytes, (size_t)n, '\n');
	close(fd);
	return lines;
}

static void end(struct call *c)
{
	struct bench *b = container_of(c, struct bench, end);
	b->ended = true;
}

static void *ask(void *opaque)
{
	struct bench *b = opaque;
	pthread_t sender;
	bool good = true;
	for (unsigned i = 0; i < b->n_flows && good; i++)
		good = open_flow(b, (uint16_t)(FIRST_PORT + i));
	pthread_create(&sender, NULL, transfer, b);
	for (unsigned i = 0; i < b->times && good; i++)
		b->listed = MIN(b->listed, list(b));
	b->end.run = end;
	network_post(b->net, &b->end);
	pthread_join(sender, NULL);
	return NULL;
}

/* --- the network --- */

static int add_guest(struct lanlet_network *net, const char *name)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	int r = lanlet_network_add_stream(net, fds[1], name);
	return r < 0 ? r : fds[0];
}

/* The receiver sends a frame, so that the switch learns its MAC. */
static void introduce(struct bench *b)
{
	uint8_t bytes[4 + FRAME_LEN] = { 0 };
	size_t len = make_frame(bytes, MAC_BROADCAST, 60);
	bytes[4 + 2 * sizeof(struct mac) - 1] = 2;
	write_all(b->receiver, bytes, len);
}

static bool run(struct bench *b)
{
	pthread_t client, receiver;
	g_autoptr(GError) error = NULL;
	struct control *control = control_new(
		&(struct control_config){ .net = b->net, .name = "bench", .version = "0", .socket = b->socket, .reload_fd = -1 }, &error);
	if (!control)
		return false;
	rounds.calls_ready = b->net->calls_watch.ready;
	b->net->calls_watch.ready = timed_calls_ready;
	introduce(b);
	pthread_create(&client, NULL, ask, b);
	pthread_create(&receiver, NULL, receive, b);
	while (!b->ended && lanlet_network_wait(b->net) == 0)
		;
	control_free(control);
	lanlet_network_free(b->net); /* and the guests' connections */
	pthread_join(client, NULL);
	pthread_join(receiver, NULL);
	return true;
}

static unsigned raise_descriptors(unsigned wanted)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur < wanted + DESCRIPTORS_BESIDES ? (unsigned)limit.rlim_cur - DESCRIPTORS_BESIDES : wanted;
}

static bool make(struct bench *b)
{
	char error[256];
	struct lanlet_config *config;
	if (lanlet_config_new(&config) < 0)
		return false;
	bool good = lanlet_network_new(config, &b->net, error, sizeof(error)) == 0;
	lanlet_config_free(config);
	if (!good) {
		printf("# %s\n", error);
		return false;
	}
	b->sender = add_guest(b->net, "sender");
	b->receiver = add_guest(b->net, "receiver");
	return b->sender >= 0 && b->receiver >= 0;
}

int main(int argc, char **argv)
{
	struct bench b = { .n_flows = argc > 1 ? (unsigned)atoi(argv[1]) : 15000,
			   .times = argc > 2 ? (unsigned)atoi(argv[2]) : 30,
			   .listed = UINT_MAX };
	const char *why = netns_enter();
	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return EXIT_SUCCESS;
	}
	puts("1..1");
	b.n_flows = raise_descriptors(b.n_flows);
	snprintf(b.socket, sizeof(b.socket), "/tmp/lanlet-listing-%d.sock", getpid());
	bool good = make(&b) && run(&b) && b.listed >= b.n_flows && b.received > 0;
	printf("%s 1 lists_are_complete_and_frames_pass_meanwhile\n", good ? "ok" : "not ok");
	printf("# %u flows listed %u times (%u lines at least) while %llu MB went from guest to guest\n", b.n_flows, b.times, b.listed,
	       (unsigned long long)b.received / 1000000);
	printf("# %" PRIu64 " rounds of calls: %.1f us of the data thread's CPU each, the longest %.1f us\n", rounds.n,
	       (double)rounds.total_ns / 1000 / (double)MAX(rounds.n, UINT64_C(1)), (double)rounds.longest_ns / 1000);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
