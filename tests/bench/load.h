/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmark's load generator: the protocol between its client and server, and the client's parts.
 *
 * TCP: a connection begins with one struct load_request.  A connection that never sends one is an idle flow. UDP: every datagram
 * begins with one struct load_datagram.  Integers are in host byte order, because both ends run on one machine.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_MAGIC 0x6c616e6cu
#define LOAD_CHUNK_BYTES ((size_t)256 * 1024)
#define LOAD_DATAGRAM_MAX 1500
#define LOAD_MS_MAX 120000
#define LOAD_STREAMS_MAX 64

enum load_op {
	LOAD_SINK = 1,    /* the server reads for the requested time, then sends a struct load_report */
	LOAD_SOURCE,      /* the server sends for the requested time, then closes */
	LOAD_ECHO,        /* the server answers each message of the requested size with one of the same size */
	LOAD_AGED_SINK,   /* as SINK, for time stamps: the report has their age */
	LOAD_AGED_SOURCE, /* as SOURCE: time stamps, little of which is unsent */
	LOAD_OVER,        /* internal: a stream whose time is over */
};

struct load_request {
	uint32_t magic;
	uint32_t op;
	uint32_t size; /* ECHO: bytes of a message */
	uint32_t ms;   /* SINK, SOURCE, AGED_… */
};

struct load_report {
	uint64_t bytes;
	uint64_t us;
	uint64_t age_us, age_max_us; /* AGED_SINK: median and longest */
};

enum load_datagram_kind {
	LOAD_DATA = 1,
	LOAD_COUNT, /* asks how many DATA of this run arrived; the answer has the same kind and the number */
	LOAD_BLAST, /* asks for DATA; the server closes with END and the number that it sent */
	LOAD_END,
};

struct load_datagram {
	uint32_t magic;
	uint32_t kind;
	uint64_t run; /* chosen by the client */
	uint64_t number;
	uint32_t rate; /* BLAST: datagrams a second */
	uint32_t ms;
	uint32_t size;
};

/* Of either family. */
union load_address {
	struct sockaddr any;
	struct sockaddr_in in; /* the port is where IPv6 has it, too */
	struct sockaddr_in6 in6;
};

static inline socklen_t load_address_len(const union load_address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

struct load_options {
	union load_address server;
	uint32_t ports; /* the server listens on this many, from the server's port on */
	uint32_t streams;
	uint32_t ms;
	uint32_t size;
	uint32_t rate;
	uint32_t flows;
	in_addr_t gateway; /* of latency */
};

uint64_t load_now_us(void);
/* Exits with the system's error. */
void load_die(const char *what) __attribute__((noreturn));

/* Sends DATA with the rate, size and time of @order to @to, or to the connected peer when that is NULL.  Returns how many were sent. */
uint64_t load_send_paced(int fd, const union load_address *to, const struct load_datagram *order);

/* The ages of time stamps that arrive. */
struct load_ages;
/* Counts those that arrive from @since_us on.  The caller frees it. */
struct load_ages *load_ages_new(uint64_t since_us);
void load_ages_received(struct load_ages *a, const uint8_t *bytes, size_t len);
/* Sets bytes and ages of @report. */
void load_ages_sum_up(struct load_ages *a, struct load_report *report);
void load_keep_little_unsent(int fd);
/* Writes time stamps, if the socket takes any; false when it has failed. */
bool load_send_stamps(int fd);

/* Listens on o->ports TCP and UDP ports until standard input ends. */
int load_serve(const struct load_options *o);

/* The clients print one JSON object and return an exit status. */
int load_tcp_send(const struct load_options *o);
int load_tcp_receive(const struct load_options *o);
int load_tcp_rr(const struct load_options *o);
int load_tcp_crr(const struct load_options *o);
/* Opens o->flows connections, prints how many succeeded, and keeps them until standard input ends. */
int load_tcp_hold(const struct load_options *o);
/* Pings o->gateway and exchanges messages with the server, and prints how long that takes. */
int load_latency(const struct load_options *o);
/* How old time stamps are on arrival: at the server, and at this end, which reads o->rate bytes a second. */
int load_age_send(const struct load_options *o);
int load_age_receive(const struct load_options *o);
int load_udp_send(const struct load_options *o);
int load_udp_receive(const struct load_options *o);
/* These also print the CPU that the process used. */
int load_floor_send(const struct load_options *o);
int load_floor_receive(const struct load_options *o);
int load_relay_rr(const struct load_options *o);
int load_relay_udp(const struct load_options *o);
