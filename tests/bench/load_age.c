/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How old data is when it arrives. The sender writes time stamps and keeps little unsent (TCP_NOTSENT_LOWAT), as browsers and senders of
 * video do, so that what is late has waited in queues that it cannot see. Both ends run on one machine and share its clock.
 */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UNSENT_BYTES 16384
#define STAMPS 128 /* in each write */
#define GRACE_MS 30000
#define TICK_NS 20000000
#define TICKS_PER_SECOND 50
#define SAMPLES_MAX 100000u

struct load_ages {
	uint64_t bytes;
	uint64_t since_us; /* when samples count: before that, the path is being explored */
	uint32_t n;
	uint32_t us[SAMPLES_MAX];
};

struct load_ages *load_ages_new(uint64_t since_us)
{
	struct load_ages *a = calloc(1, sizeof(*a));
	if (!a)
		load_die("memory");
	a->since_us = since_us;
	return a;
}

void load_ages_received(struct load_ages *a, const uint8_t *bytes, size_t len)
{
	uint64_t stamp, now = load_now_us(), end = (a->bytes + len) / sizeof(stamp) * sizeof(stamp);
	bool has_stamp = end >= a->bytes + sizeof(stamp);
	if (has_stamp)
		memcpy(&stamp, bytes + (end - sizeof(stamp) - a->bytes), sizeof(stamp));
	a->bytes += len;
	if (has_stamp && now >= a->since_us && a->n < SAMPLES_MAX)
		a->us[a->n++] = (uint32_t)(now - stamp);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

void load_ages_sum_up(struct load_ages *a, struct load_report *report)
{
	qsort(a->us, a->n, sizeof(a->us[0]), compare);
	report->bytes = a->bytes;
	report->age_us = a->n > 0 ? a->us[a->n / 2] : 0;
	report->age_max_us = a->n > 0 ? a->us[a->n - 1] : 0;
}

void load_keep_little_unsent(int fd)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){ UNSENT_BYTES }, sizeof(int));
}

bool load_send_stamps(int fd)
{
	uint64_t stamps[STAMPS], now = load_now_us();
	for (unsigned i = 0; i < STAMPS; i++)
		stamps[i] = now;
	/* A part of a stamp would shift all that follow. */
	ssize_t n = send(fd, stamps, sizeof(stamps), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0 && n % (ssize_t)sizeof(now) != 0) {
		size_t rest = sizeof(now) - (size_t)n % sizeof(now);
		if (send(fd, (uint8_t *)&now + sizeof(now) - rest, rest, MSG_NOSIGNAL) != (ssize_t)rest)
			return false;
	}
	return n > 0 || errno == EAGAIN;
}

static int request(const struct load_options *o, enum load_op op, uint32_t ms)
{
	struct load_request r = { .magic = LOAD_MAGIC, .op = op, .ms = ms };
	int fd = socket(o->server.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &o->server.any, load_address_len(&o->server)) < 0)
		load_die("connect");
	if (send(fd, &r, sizeof(r), MSG_NOSIGNAL) != sizeof(r))
		load_die("send");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
	return fd;
}

static int print(const struct load_report *r)
{
	printf("{\"bytes\": %" PRIu64 ", \"seconds\": %.6f, \"age\": %" PRIu64 ", \"age_max\": %" PRIu64 "}\n", r->bytes,
	       (double)r->us / 1e6, r->age_us, r->age_max_us);
	return r->bytes > 0 && r->us > 0 ? 0 : 1;
}

int load_age_send(const struct load_options *o)
{
	struct load_report report;
	int fd = request(o, LOAD_AGED_SINK, o->ms);
	uint64_t stop = load_now_us() + (o->ms + GRACE_MS) * (uint64_t)1000;
	load_keep_little_unsent(fd);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
		poll(&p, 1, 100);
		if (p.revents & POLLIN)
			break;
		if ((p.revents & POLLOUT && !load_send_stamps(fd)) || load_now_us() > stop)
			load_die("send");
	}
	if (recv(fd, &report, sizeof(report), MSG_WAITALL) != sizeof(report))
		load_die("recv");
	close(fd);
	return print(&report);
}

/* A program that reads more slowly than data can come: o->rate bytes a second. */
int load_age_receive(const struct load_options *o)
{
	uint64_t begin = load_now_us(), stop = begin + o->ms * (uint64_t)1000;
	int fd = request(o, LOAD_AGED_SOURCE, o->ms + GRACE_MS);
	struct load_ages *ages = load_ages_new(begin + o->ms * (uint64_t)500);
	size_t size = o->rate / TICKS_PER_SECOND;
	uint8_t *bytes = malloc(size);
	if (!bytes)
		load_die("memory");
	while (load_now_us() < stop) {
		ssize_t n = recv(fd, bytes, size, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			load_die("recv");
		if (n > 0)
			load_ages_received(ages, bytes, (size_t)n);
		nanosleep(&(struct timespec){ .tv_nsec = TICK_NS }, NULL);
	}
	struct load_report report = { .us = load_now_us() - begin };
	load_ages_sum_up(ages, &report);
	close(fd);
	free(bytes);
	free(ages);
	return print(&report);
}
