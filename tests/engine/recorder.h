/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway's side of the engine contract, for tests: an engine_env that keeps what the engine outputs
 * and answers its questions from plain fields.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "gateway/engine.h"
#include "gateway/packet.h"
#include "lan/frame.h"

#include <glib.h>

/* An IP packet that the engine sent to a guest. */
struct recorded_packet {
	struct ipv4_header ip;
	uint8_t *l4; /* with its checksum, also where the engine left that to others */
	size_t l4_len;
	size_t gso_size; /* 0: one segment */
};

/* A call of icmp_error(). */
struct recorded_error {
	ip4_t guest, dst; /* of the packet it answers */
	uint8_t protocol;
	uint8_t type, code;
	uint32_t info;
	ip4_t from;
};

struct recorder {
	struct engine_env env;
	struct arena arena;
	GQueue packets; /* struct recorded_packet, whole ones */
	GQueue errors;  /* struct recorded_error */
	GQueue fragments;
	struct drop_counters drops;
	int host_address_result; /* 0 or what host_address() returns */
	ip4_t host_address;
	size_t guest_mtu;
	unsigned offloads;       /* of the guest's port */
	unsigned without_memory; /* so many times reserve() finds none */
	size_t room_pieces;      /* of a room it lends; 0: two */
	bool icmp_held_back;     /* the rate limit of ICMP errors is used up */
};

void recorder_init(struct recorder *r);
void recorder_done(struct recorder *r);
/* Forgets what was recorded and ends the turn's memory. */
void recorder_clear(struct recorder *r);
/* The oldest packet (error), taken out; NULL when there is none.  To be freed. */
struct recorded_packet *recorder_packet(struct recorder *r);
struct recorded_error *recorder_error(struct recorder *r);
void recorded_packet_free(struct recorded_packet *p);
/*
 * The @len bytes of layer 4 that the recorded fragments make up, to be freed; NULL when they do not.  They must be of one
 * packet.
 */
uint8_t *recorder_reassemble(struct recorder *r, size_t len);

/*
 * A guest's IP packet as the gateway hands it over: @l4 behind a header of @src, @dst and @protocol, TTL @ttl.  The
 * bytes are in the recorder's arena.
 */
struct packet_bytes {
	struct iovec iov;
	struct frame frame;
	struct packet packet;
};
void packet_bytes_make(struct recorder *r, struct packet_bytes *ret, ip4_t src, ip4_t dst, uint8_t protocol, uint8_t ttl, const void *l4,
		       size_t len);
