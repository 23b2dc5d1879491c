/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two clients of a VDE switch: one sends frames of one size as fast as the switch takes them, the other counts those that arrive.
 * Both work in batches, so that they cost less than the switch.
 *
 * `--relay` replaces the switch with a thread that receives batches and forwards them without reading them: the least CPU that any
 * switch needs.
 */
#include "vde_client.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define BATCH 32
#define RELAY_BATCH 64
#define RELAY_FRAME_MAX 2048
#define PATIENCE_SECONDS 5
#define RELAY_PATIENCE_SECONDS 1
#define FRAME_MIN 60
#define FRAME_MAX 65535
#define MAC_LEN 6

struct relay {
	int from, to;
	atomic_bool stop;
	double cpu; /* seconds */
};

struct sender {
	int fd;
	size_t size;
	atomic_bool stop;
	atomic_ulong sent;
};

static const uint8_t macs[2][MAC_LEN] = { { 0x52, 0x54, 0, 0, 0, 1 }, { 0x52, 0x54, 0, 0, 0, 2 } };

static void die(const char *what)
{
	fprintf(stderr, "vde_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void fill(uint8_t *frame, const uint8_t *to, const uint8_t *from)
{
	memcpy(frame, to, MAC_LEN);
	memcpy(frame + MAC_LEN, from, MAC_LEN);
	frame[12] = 0x88;
	frame[13] = 0xb5; /* EtherType for local experiments (IEEE 802) */
}

static void wait_at_most(int fd, int seconds)
{
	struct timeval patience = { .tv_sec = seconds };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static void *send_frames(void *opaque)
{
	static uint8_t frame[FRAME_MAX];
	struct sender *s = opaque;
	struct iovec iov = { frame, s->size };
	struct mmsghdr messages[BATCH];
	fill(frame, macs[1], macs[0]);
	for (int i = 0; i < BATCH; i++)
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	while (!s->stop) {
		int n = sendmmsg(s->fd, messages, BATCH, MSG_NOSIGNAL);
		if (n > 0)
			s->sent += (unsigned long)n;
	}
	return NULL;
}

/* Counts the frames that arrive until @end.  Each wait is limited by the socket's timeout. */
static unsigned long count_frames(int fd, double end, double (*now)(void))
{
	static uint8_t frames[BATCH][FRAME_MAX];
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
	unsigned long count = 0;
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ frames[i], FRAME_MAX };
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	while (now() < end) {
		int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		if (n > 0)
			count += (unsigned long)n;
	}
	return count;
}

static double monotonic(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *relay_frames(void *opaque)
{
	static uint8_t frames[RELAY_BATCH][RELAY_FRAME_MAX];
	struct relay *r = opaque;
	struct iovec iov[RELAY_BATCH];
	struct mmsghdr messages[RELAY_BATCH];
	struct timespec used;
	for (int i = 0; i < RELAY_BATCH; i++)
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	while (!r->stop) {
		for (int i = 0; i < RELAY_BATCH; i++)
			iov[i] = (struct iovec){ frames[i], RELAY_FRAME_MAX };
		int n = recvmmsg(r->from, messages, RELAY_BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			iov[i].iov_len = messages[i].msg_len;
		for (int at = 0, sent; at < n; at += sent)
			if ((sent = sendmmsg(r->to, messages + at, (unsigned)(n - at), MSG_NOSIGNAL)) <= 0)
				break;
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	r->cpu = (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
	return NULL;
}

/* Makes two socket pairs, as there are between a switch and its clients. */
static void join_by_relay(struct vde_client clients[2], struct relay *ret, pthread_t *ret_thread)
{
	for (int i = 0; i < 2; i++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
			die("socketpair");
		clients[i] = (struct vde_client){ .control = -1, .data = pair[0] };
		*(i == 0 ? &ret->from : &ret->to) = pair[1];
		wait_at_most(pair[0], RELAY_PATIENCE_SECONDS);
		wait_at_most(pair[1], RELAY_PATIENCE_SECONDS);
	}
	if (pthread_create(ret_thread, NULL, relay_frames, ret) != 0)
		die("thread");
}

/* The switch learns the receiver's port, so that it floods nothing afterwards. */
static void introduce(const struct vde_client *from, const struct vde_client *to)
{
	uint8_t frame[FRAME_MIN] = { 0 }, got[FRAME_MAX];
	uint8_t broadcast[MAC_LEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	fill(frame, broadcast, macs[1]);
	if (send(from->data, frame, sizeof(frame), 0) < 0 || recv(to->data, got, sizeof(got), 0) < 0)
		die("no frame passes");
}

/* Connects both to the switch at @directory. */
static void join_by_switch(struct vde_client clients[2], const char *directory)
{
	for (int i = 0; i < 2; i++) {
		int r = vde_client_open(directory, i, &clients[i]);
		if (r < 0) {
			errno = -r;
			die(directory);
		}
		wait_at_most(clients[i].data, PATIENCE_SECONDS);
	}
	introduce(&clients[1], &clients[0]);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: vde_load DIRECTORY|--relay FRAME-BYTES MS\n");
		return 2;
	}
	bool is_relayed = strcmp(argv[1], "--relay") == 0;
	struct sender s = { .size = (size_t)atoi(argv[2]) };
	if (s.size < FRAME_MIN || s.size > (is_relayed ? RELAY_FRAME_MAX : FRAME_MAX))
		return 2;
	struct vde_client clients[2];
	struct relay relay = { 0 };
	pthread_t thread, relay_thread;
	if (is_relayed)
		join_by_relay(clients, &relay, &relay_thread);
	else
		join_by_switch(clients, argv[1]);
	s.fd = clients[0].data;
	double start = monotonic();
	if (pthread_create(&thread, NULL, send_frames, &s) != 0)
		die("thread");
	unsigned long received = count_frames(clients[1].data, start + atoi(argv[3]) / 1000.0, monotonic);
	double seconds = monotonic() - start;
	unsigned long sent = s.sent;
	s.stop = relay.stop = true;
	pthread_join(thread, NULL);
	if (is_relayed)
		pthread_join(relay_thread, NULL);
	printf("{\"sent\": %lu, \"received\": %lu, \"seconds\": %.6f", sent, received, seconds);
	if (is_relayed)
		printf(", \"cpu\": %.6f", relay.cpu);
	puts("}");
	return 0;
}
