/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP: sends datagrams at a given rate and counts those that arrive. */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define BUFFER_BYTES (4 * 1024 * 1024)
/* Sleep when no datagram is due. */
#define PACE_NS 200000
#define ASK_TIMES 20
#define ASK_WAIT_MS 50

static void send_batch(int fd, const union load_address *to, uint8_t *bytes, uint32_t size, unsigned n)
{
	struct iovec iov = { .iov_base = bytes, .iov_len = size };
	struct mmsghdr m[BATCH];
	for (unsigned i = 0; i < n; i++) {
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
		if (to) {
			m[i].msg_hdr.msg_name = (void *)(uintptr_t)to;
			m[i].msg_hdr.msg_namelen = load_address_len(to);
		}
	}
	/* Datagrams that the kernel refuses are counted as lost, as others on the path. */
	sendmmsg(fd, m, n, 0);
}

uint64_t load_send_paced(int fd, const union load_address *to, const struct load_datagram *order)
{
	uint8_t bytes[LOAD_DATAGRAM_MAX] = { 0 };
	struct load_datagram d = *order;
	d.kind = LOAD_DATA;
	memcpy(bytes, &d, sizeof(d));
	uint64_t begin = load_now_us(), total_us = order->ms * (uint64_t)1000, sent = 0;
	for (;;) {
		uint64_t passed = load_now_us() - begin;
		if (passed >= total_us)
			return sent;
		uint64_t due = passed * order->rate / 1000000 - sent;
		if (due == 0) {
			nanosleep(&(struct timespec){ .tv_nsec = PACE_NS }, NULL);
			continue;
		}
		unsigned n = due < BATCH ? (unsigned)due : BATCH;
		send_batch(fd, to, bytes, order->size, n);
		sent += n;
	}
}

static int udp_connect(const struct load_options *o)
{
	int fd = socket(o->server.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &o->server.any, load_address_len(&o->server)) < 0)
		load_die("udp socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ BUFFER_BYTES }, sizeof(int));
	return fd;
}

static struct load_datagram make_order(const struct load_options *o, uint32_t kind)
{
	return (struct load_datagram){
		.magic = LOAD_MAGIC, .kind = kind, .run = load_now_us(), .rate = o->rate, .ms = o->ms, .size = o->size
	};
}

/* Waits for a datagram of this kind and run; returns -1 when none arrives in time. */
static int wait_answer(int fd, const struct load_datagram *order, uint32_t kind, struct load_datagram *ret)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (poll(&p, 1, ASK_WAIT_MS) > 0) {
		struct load_datagram d;
		if (recv(fd, &d, sizeof(d), MSG_DONTWAIT) == sizeof(d) && d.run == order->run && d.kind == kind) {
			*ret = d;
			return 0;
		}
	}
	return -1;
}

static int print_result(const struct load_options *o, uint64_t sent, uint64_t received)
{
	printf("{\"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"seconds\": %.6f}\n", sent, received,
	       received * o->size, o->ms / 1e3);
	return 0;
}

int load_udp_send(const struct load_options *o)
{
	int fd = udp_connect(o);
	struct load_datagram order = make_order(o, LOAD_COUNT), answer;
	/* The path is set up first (ARP, the helper's socket), so that datagrams lost meanwhile do not count. */
	for (int i = 0; i < ASK_TIMES; i++) {
		send(fd, &order, sizeof(order), 0);
		if (wait_answer(fd, &order, LOAD_COUNT, &answer) == 0)
			break;
	}
	uint64_t sent = load_send_paced(fd, NULL, &order);
	usleep(100000);
	for (int i = 0; i < ASK_TIMES; i++) {
		order.number = (uint64_t)i + 1;
		send(fd, &order, sizeof(order), 0);
		if (wait_answer(fd, &order, LOAD_COUNT, &answer) == 0)
			return print_result(o, sent, answer.number);
	}
	errno = ETIMEDOUT;
	load_die("no answer over UDP");
}

/* Counts DATA of this run until END arrives; returns false when nothing arrives for a while. */
static bool count_until_end(int fd, const struct load_datagram *order, uint64_t *count, uint64_t *sent)
{
	uint8_t bytes[BATCH][sizeof(struct load_datagram)];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ .iov_base = bytes[i], .iov_len = sizeof(bytes[i]) };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t deadline = load_now_us() + (order->ms + 2000) * (uint64_t)1000;
	while (load_now_us() < deadline && poll(&p, 1, 500) > 0) {
		int n = recvmmsg(fd, m, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			struct load_datagram d;
			memcpy(&d, bytes[i], sizeof(d));
			if (d.run != order->run)
				continue;
			if (d.kind == LOAD_DATA)
				(*count)++;
			*sent = d.kind == LOAD_END ? d.number : *sent;
		}
		if (*sent)
			return true;
	}
	return false;
}

int load_udp_receive(const struct load_options *o)
{
	int fd = udp_connect(o);
	struct load_datagram order = make_order(o, LOAD_BLAST);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	for (int i = 0; i < ASK_TIMES; i++) {
		send(fd, &order, sizeof(order), 0);
		if (poll(&p, 1, ASK_WAIT_MS) > 0)
			break;
	}
	uint64_t count = 0, sent = 0;
	if (!count_until_end(fd, &order, &count, &sent)) {
		errno = ETIMEDOUT;
		load_die("no end over UDP");
	}
	return print_result(o, sent, count);
}
