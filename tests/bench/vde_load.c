/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two clients of a VDE switch: one sends frames of one size to the other as fast as the switch takes them, the other counts what
 * arrives.  Both in batches, so that they cost less than what is between them.
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
#define FRAME_MIN 60
#define FRAME_MAX 65535
#define MAC_LEN 6

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
	frame[13] = 0xb5; /* for experiments (IEEE 802) */
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

/* What arrives until @end; waits for nothing longer than the socket's timeout. */
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

/* The switch learns who is where, and floods nothing afterwards. */
static void introduce(const struct vde_client *from, const struct vde_client *to)
{
	uint8_t frame[FRAME_MIN] = { 0 }, got[FRAME_MAX];
	uint8_t everybody[MAC_LEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	fill(frame, everybody, macs[1]);
	if (send(from->data, frame, sizeof(frame), 0) < 0 || recv(to->data, got, sizeof(got), 0) < 0)
		die("no frame passes");
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: vde_load DIRECTORY FRAME-BYTES MS\n");
		return 2;
	}
	struct sender s = { .size = (size_t)atoi(argv[2]) };
	if (s.size < FRAME_MIN || s.size > FRAME_MAX)
		return 2;
	struct vde_client clients[2];
	struct timeval patience = { .tv_sec = 5 };
	for (int i = 0; i < 2; i++) {
		int r = vde_client_open(argv[1], i, &clients[i]);
		if (r < 0) {
			errno = -r;
			die(argv[1]);
		}
		setsockopt(clients[i].data, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(clients[i].data, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	}
	introduce(&clients[1], &clients[0]);
	s.fd = clients[0].data;
	pthread_t thread;
	double start = monotonic();
	if (pthread_create(&thread, NULL, send_frames, &s) != 0)
		die("thread");
	unsigned long received = count_frames(clients[1].data, start + atoi(argv[3]) / 1000.0, monotonic);
	double seconds = monotonic() - start;
	unsigned long sent = s.sent;
	s.stop = true;
	pthread_join(thread, NULL);
	printf("{\"sent\": %lu, \"received\": %lu, \"seconds\": %.6f}\n", sent, received, seconds);
	return 0;
}
