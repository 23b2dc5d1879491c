/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Emulates a long, lossy path between two tap devices.  Each direction has a line rate, a tail-drop queue in front of it, a delay,
 * and random loss from a seeded generator.  Which frame is lost depends only on the seed and on the number of the IPv4 frame, so
 * every candidate sees the same losses.  At the end of standard input it prints how many frames were passed, lost and dropped by the
 * queue, and exits.
 */
#include "endpoint.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Most frames in flight; a path of 1 Gbit/s and 20 ms holds 1,700 frames of 1,500 bytes. */
#define SLOTS 8192
#define FRAME_BYTES 1518
/* Frames read from a tap before the clock is read again. */
#define BURST 64
#define NSEC 1000000000
/* Spreads small seeds over all bits (the golden ratio × 2^64, odd). */
#define SEED_MIX 0x9e3779b97f4a7c15

struct path_options {
	uint64_t delay_ns;    /* one way */
	uint64_t loss_scaled; /* probability × 2^32 */
	uint64_t bytes_per_s;
	uint64_t queue_bytes;
	uint64_t seed;
};

struct slot {
	uint64_t due_ns;
	size_t len;
	uint8_t frame[FRAME_BYTES];
};

/* From one tap to the other: the frames in slots [head, tail) are in flight, in order of time. */
struct path {
	const struct path_options *options;
	int from, to;
	struct slot *slots;
	uint64_t head, tail;
	uint64_t line_free_ns; /* when the last frame will have left the line */
	uint64_t random;
	uint64_t passed, lost, overflowed;
};

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

/* xorshift64* */
static uint32_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * 0x2545f4914f6cdd1d >> 32);
}

static bool is_ipv4(const struct slot *s)
{
	return s->len >= 14 && s->frame[12] == 0x08 && s->frame[13] == 0x00;
}

/* Queues the frame in the free slot, or counts it as lost or dropped. */
static void accept_frame(struct path *p, struct slot *s, uint64_t now)
{
	const struct path_options *o = p->options;
	if (is_ipv4(s) && next_random(&p->random) < o->loss_scaled) {
		p->lost++;
		return;
	}
	uint64_t start = p->line_free_ns > now ? p->line_free_ns : now;
	bool is_full = p->tail - p->head == SLOTS - 1; /* one stays free for the next read() */
	if (is_full || (start - now) / 1000 * o->bytes_per_s / 1000000 > o->queue_bytes) {
		p->overflowed++;
		return;
	}
	p->line_free_ns = start + s->len * NSEC / o->bytes_per_s;
	s->due_ns = p->line_free_ns + o->delay_ns;
	p->tail++;
}

/* Returns false when the tap is gone. */
static bool take_frames(struct path *p)
{
	uint64_t now = now_ns();
	for (int i = 0; i < BURST; i++) {
		struct slot *s = &p->slots[p->tail % SLOTS];
		ssize_t n = read(p->from, s->frame, sizeof(s->frame));
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		s->len = (size_t)n;
		accept_frame(p, s, now);
	}
	return true;
}

/* Writes the frames that are due; returns when the next one is due, or UINT64_MAX. */
static uint64_t deliver(struct path *p)
{
	uint64_t now = now_ns();
	while (p->head < p->tail) {
		struct slot *s = &p->slots[p->head % SLOTS];
		if (s->due_ns > now)
			return s->due_ns;
		if (write(p->to, s->frame, s->len) == (ssize_t)s->len)
			p->passed++;
		p->head++;
	}
	return UINT64_MAX;
}

static void run(struct path paths[2])
{
	for (;;) {
		uint64_t first = deliver(&paths[0]), second = deliver(&paths[1]);
		uint64_t due = first < second ? first : second;
		uint64_t now = now_ns();
		uint64_t wait = due <= now ? 0 : due - now;
		struct timespec timeout = { .tv_sec = (time_t)(wait / NSEC), .tv_nsec = (long)(wait % NSEC) };
		struct pollfd fds[] = {
			{ .fd = paths[0].from, .events = POLLIN },
			{ .fd = paths[1].from, .events = POLLIN },
			{ .fd = STDIN_FILENO, .events = POLLIN },
		};
		if (ppoll(fds, 3, due == UINT64_MAX ? NULL : &timeout, NULL) < 0 && errno != EINTR)
			return;
		if (fds[2].revents)
			return;
		for (int i = 0; i < 2; i++)
			if (fds[i].revents && !take_frames(&paths[i]))
				return;
	}
}

static void print_path(const char *key, const struct path *p, const char *end)
{
	printf("\"%s\": {\"passed\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"overflowed\": %" PRIu64 "}%s", key, p->passed, p->lost,
	       p->overflowed, end);
}

static bool parse_options(int argc, char **argv, struct path_options *o)
{
	static const struct option options[] = {
		{ "delay-ms", required_argument, NULL, 'd' },  { "loss-percent", required_argument, NULL, 'l' },
		{ "rate-mbit", required_argument, NULL, 'r' }, { "queue-bytes", required_argument, NULL, 'q' },
		{ "seed", required_argument, NULL, 's' },      { 0 },
	};
	double delay_ms = 10, loss_percent = 0, rate_mbit = 300;
	*o = (struct path_options){ .queue_bytes = 750000, .seed = 1 };
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'd': delay_ms = atof(optarg); break;
		case 'l': loss_percent = atof(optarg); break;
		case 'r': rate_mbit = atof(optarg); break;
		case 'q': o->queue_bytes = strtoull(optarg, NULL, 10); break;
		case 's': o->seed = strtoull(optarg, NULL, 10); break;
		default: return false;
		}
	}
	o->delay_ns = (uint64_t)(delay_ms * 1e6);
	o->loss_scaled = (uint64_t)(loss_percent / 100 * 4294967296.0);
	o->bytes_per_s = (uint64_t)(rate_mbit * 1e6 / 8);
	return o->bytes_per_s > 0 && o->seed > 0 && argc - optind == 2;
}

int main(int argc, char **argv)
{
	struct path_options o;
	if (!parse_options(argc, argv, &o)) {
		fprintf(stderr, "usage: impair [--delay-ms N] [--loss-percent N] [--rate-mbit N] [--queue-bytes N] [--seed N] TAP TAP\n");
		return 2;
	}
	struct endpoint ends[2];
	for (int i = 0; i < 2; i++) {
		int r = endpoint_open(argv[optind + i], &ends[i]);
		if (r < 0) {
			fprintf(stderr, "impair: %s: %s\n", argv[optind + i], strerror(-r));
			return 1;
		}
	}
	struct path paths[2];
	for (int i = 0; i < 2; i++) {
		paths[i] = (struct path){
			.options = &o, .from = ends[i].fd, .to = ends[1 - i].fd, .random = (o.seed + (uint64_t)i) * SEED_MIX
		};
		paths[i].slots = calloc(SLOTS, sizeof(struct slot));
		if (!paths[i].slots)
			return 1;
	}
	puts("ready");
	fflush(stdout);
	run(paths);
	printf("{");
	print_path("out", &paths[0], ", ");
	print_path("in", &paths[1], "}\n");
	return 0;
}
