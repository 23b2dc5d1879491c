/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test bench for one engine: the recorder acts as the gateway, the host's event loop runs, the test sends guests' packets, and the
 * engine's output is checked and sorted. The clock is the real one plus the time by which the test advanced it.
 */
#pragma once

#include "base/hash.h"
#include "gateway/engine.h"
#include "host/loop.h"
#include "recorder.h"
#include "wire/icmp4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <glib.h>

#define GATEWAY IP4(192, 168, 122, 1)
#define GUEST IP4(192, 168, 122, 7)
/* Addresses of the host in the test's namespace, see netns.h. */
#define HOST IP4(10, 77, 0, 2)
#define SERVER IP4(203, 0, 113, 5)
/* A router that forwards; an address behind it where no host answers. */
#define ROUTER IP4(10, 77, 0, 1)
#define BEYOND IP4(198, 51, 100, 9)
/* The router answers with ICMP administratively prohibited. */
#define PROHIBITED IP4(198, 51, 100, 200)
/* The router forwards packets to it; nothing ever comes back. */
#define SILENT IP4(198, 51, 100, 202)
/* The host has no route to it. */
#define UNREACHABLE IP4(192, 0, 2, 77)

struct bench_options {
	enum family family;
	bool host_loopback;
	bool keep_tcp_ports;
	size_t guest_mtu;     /* 0: 1500 */
	bool no_peek_off;     /* as on a kernel without SO_PEEK_OFF */
	bool no_udp_offload;  /* likewise */
	unsigned max_sockets; /* 0: what RLIMIT_NOFILE allows */
	unsigned max_ports;   /* 0: half of the host's range */
};

struct bench {
	struct recorder r;
	struct loop loop;
	struct engine *engine;
	const struct engine_ops *ops;
	usec_t turned;        /* by how much the test advanced the clock */
	struct port *port;    /* where guests are, from now on; NULL: the recorder's port, and packets do not tell */
	bool spoof;           /* guests stay where they are, whatever the port that packets come from */
	bool dont_fragment;   /* set DF in guests' packets from now on */
	uint8_t tos;          /* of guests' packets from now on */
	uint16_t id;          /* likewise, IP identification */
	unsigned patience_ms; /* the limit of every wait */
	GPtrArray *tcp;       /* struct guest_tcp */
	GQueue datagrams;     /* struct recorded_packet: UDP */
	GQueue messages;      /* struct recorded_packet: ICMP */
	GQueue strays;        /* struct recorded_packet: TCP for no guest_tcp */
	char *private_dir;    /* the engine's private_dir; NULL: the engine makes one */
};

void bench_init(struct bench *b, const struct engine_ops *ops, const struct bench_options *options);
/* Frees the engine and asserts that it left no descriptor open. */
void bench_done(struct bench *b);
/* Frees the engine only. */
void bench_free_engine(struct bench *b);
/* Discards what was recorded. */
void bench_forget(struct bench *b);
/* The guest with address @guest does not use it any more. */
void bench_guest_gone(struct bench *b, ip4_t guest);
usec_t bench_now(const struct bench *b);

/* Gives the engine a packet of a guest; the next bench_run() flushes. */
void bench_input(struct bench *b, ip4_t src, ip4_t dst, uint8_t protocol, uint8_t ttl, const void *l4, size_t len);
/* The same for a packet with offload metadata. */
void bench_input_frame(struct bench *b, ip4_t src, ip4_t dst, uint8_t protocol, const void *l4, size_t len, enum frame_checksum checksum,
		       enum frame_gso gso, uint16_t gso_size);
/* Ends the batch, runs what is due, waits up to @wait_ms for events, then sorts the engine's output. */
void bench_run(struct bench *b, int wait_ms);
/* Runs until @done returns true, for patience_ms at most; returns the last result of @done. */
bool bench_until(struct bench *b, bool (*done)(void *), void *opaque);
/* Runs for @ms. */
void bench_run_for(struct bench *b, int ms);
/* Advances the clock by @us and runs what is due then. */
void bench_turn(struct bench *b, usec_t us);

/* Runs until a datagram (an ICMP message) came, and takes it; NULL after patience_ms. */
struct recorded_packet *bench_datagram(struct bench *b);
struct recorded_packet *bench_message(struct bench *b);
/* Runs until the engine makes the gateway send an ICMP error; NULL after patience_ms. */
struct recorded_error *bench_error(struct bench *b);

/* Descriptors that this process has open. */
unsigned count_fds(void);
