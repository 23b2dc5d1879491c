/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures how many frames of 64 bytes the switch forwards between ports in memory, on one core:
 *
 *     switch [SECONDS]
 *
 * Prints TAP and fails when a frame is lost or reaches the wrong port.  The rate is printed but not checked, because it depends on
 * the machine and its load.  To count instructions: valgrind --tool=callgrind --toggle-collect=move_batch switch 0
 */
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "wire/eth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N_PORTS 64u
#define FRAME_LEN 64u
#define BATCH 64u
#define BATCHES_AT_ONCE 1000u

struct memory_card {
	struct port port;
	uint8_t frame[FRAME_LEN]; /* what this port sends; the destination is filled in */
	uint8_t last[FRAME_LEN];  /* what this port received last */
	uint64_t received;
};

static struct memory_card cards[N_PORTS];

static void take(struct port *port, usec_t now, const struct frame *f)
{
	struct memory_card *c = container_of(port, struct memory_card, port);
	frame_copy(f, 0, c->last, sizeof(c->last));
	c->received++;
}

static void flush(struct port *port, usec_t now)
{
}

static const struct port_ops ops = { .send = take, .flush = flush };

static void attach_card(struct segment *s, unsigned i)
{
	struct memory_card *c = &cards[i];
	port_init(&c->port, &ops, "card", 1514, 1500);
	segment_attach(s, &c->port);
	struct bytes_writer w = bytes_writer(c->frame, sizeof(c->frame));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, { { 0x52, 0x54, 0, 0, 0, (uint8_t)i } }, 0x88b6 });
}

static void send_one(struct segment *s, usec_t now, unsigned from, unsigned to)
{
	struct memory_card *c = &cards[from];
	c->frame[5] = (uint8_t)to;
	struct iovec iov;
	struct frame f = frame_of(&iov, c->frame, sizeof(c->frame));
	f.ingress = &c->port;
	segment_input(s, now, &c->port, &f);
}

/* Each port sends one frame, in each batch to a different port. */
void move_batch(struct segment *s, usec_t now, unsigned step);
__attribute__((noinline)) void move_batch(struct segment *s, usec_t now, unsigned step)
{
	for (unsigned i = 0; i < BATCH; i++)
		send_one(s, now, i % N_PORTS, (i + 1 + step % (N_PORTS - 1)) % N_PORTS);
	segment_flush(s, now);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t count_received(void)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < N_PORTS; i++)
		n += cards[i].received;
	return n;
}

/* The switch learns all MACs from broadcasts.  From then on each frame has one destination. */
static void introduce(struct segment *s)
{
	for (unsigned i = 0; i < N_PORTS; i++)
		send_one(s, USEC_PER_SEC, i, 0xff);
	for (unsigned i = 0; i < N_PORTS; i++) {
		memcpy(cards[i].frame, (uint8_t[]){ 0x52, 0x54, 0, 0, 0 }, 5);
		cards[i].received = 0;
	}
	segment_flush(s, USEC_PER_SEC);
}

int main(int argc, char **argv)
{
	double limit = argc > 1 ? atof(argv[1]) : 1;
	struct segment s;
	struct segment_config config = { .hash_key = { { 1, 2 } }, .snooping = true, .storm_limit = STORM_LIMIT_DEFAULT };
	if (segment_init(&s, &config) < 0)
		return EXIT_FAILURE;
	for (unsigned i = 0; i < N_PORTS; i++)
		attach_card(&s, i);
	introduce(&s);
	uint64_t sent = 0;
	double start = cpu_seconds(), seconds;
	do {
		for (unsigned i = 0; i < BATCHES_AT_ONCE; i++)
			move_batch(&s, USEC_PER_SEC + sent / BATCH + i, i);
		sent += (uint64_t)BATCHES_AT_ONCE * BATCH;
		seconds = cpu_seconds() - start;
	} while (seconds < limit);
	uint64_t received = count_received();
	printf("1..1\n%s 1 each_frame_reaches_its_port\n", received == sent ? "ok" : "not ok");
	printf("# %" PRIu64 " frames sent, %" PRIu64 " received, %.2f million a second of CPU\n", sent, received,
	       (double)sent / seconds / 1e6);
	for (unsigned i = 0; i < N_PORTS; i++)
		segment_detach(&s, USEC_PER_SEC, &cards[i].port);
	segment_done(&s);
	return received == sent ? EXIT_SUCCESS : EXIT_FAILURE;
}
