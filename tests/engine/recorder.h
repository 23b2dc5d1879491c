/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway's side of the engine contract, for tests: an engine_env that records the engine's output and answers its calls from
 * plain fields.
 */
#pragma once

#include "family.h"

#include "base/addr.h"
#include "base/arena.h"
#include "gateway/engine.h"
#include "gateway/guest.h"
#include "lan/frame.h"
#include "lan/packet.h"

#include <glib.h>

/* An IP packet that the engine sent to a guest, as one of IPv4 (family.h). */
struct recorded_packet {
	struct ipv4_header ip;
	uint8_t *l4; /* with a complete checksum, even if the engine left it partial */
	size_t l4_len;
	size_t gso_size; /* 0: one segment */
};

/* A call of icmp_error(). */
struct recorded_error {
	ip4_t guest, dst; /* addresses of the packet that it answers */
	uint8_t protocol;
	uint8_t type, code;
	uint32_t info;
	ip4_t from;
};

struct recorder {
	enum family family; /* of guests; IPv4 unless the test says otherwise */
	struct engine_env env;
	struct arena arena;
	struct guest_table guests; /* every source address is a guest of its own, all behind one port unless the test says otherwise */
	struct port port;
	const struct engine_ops *engine_ops; /* told of guests that are gone; NULL: not yet */
	struct engine *engine;
	GQueue packets; /* struct recorded_packet, whole ones */
	GQueue errors;  /* struct recorded_error */
	GQueue fragments;
	struct drop_counters drops;
	int host_address_result; /* 0 or what host_address() returns */
	ip4_t host_address;
	size_t guest_mtu;        /* of guests that are made, and of the port */
	unsigned offloads;       /* of the guest's port */
	unsigned without_memory; /* how many more times reserve() fails for want of memory */
	size_t room_pieces;      /* pieces of each lent room; 0: two */
	bool crowded;            /* the guest's port has much to send */
	bool icmp_held_back;     /* the ICMP rate limit is exhausted */
};

void recorder_init(struct recorder *r);
void recorder_done(struct recorder *r);
/* @ip as the engine sees it. */
struct ip_addr recorder_ip(const struct recorder *r, ip4_t ip);
/* The guest with address @ip, made if it is new, behind @port; recorder_guest(): behind the recorder's own. */
struct guest *recorder_guest_at(struct recorder *r, struct port *port, ip4_t ip);
struct guest *recorder_guest(struct recorder *r, ip4_t ip);
/* Discards what was recorded and frees the turn's memory. */
void recorder_clear(struct recorder *r);
/* Removes and returns the oldest packet (error), or NULL. The caller frees it. */
struct recorded_packet *recorder_packet(struct recorder *r);
struct recorded_error *recorder_error(struct recorder *r);
void recorded_packet_free(struct recorded_packet *p);
/*
 * Reassembles @len bytes of layer 4 from the recorded fragments, which must be of one packet; NULL when they are incomplete. The
 * caller frees the bytes.
 */
uint8_t *recorder_reassemble(struct recorder *r, size_t len);

/*
 * A guest's IP packet as the gateway passes it to an engine: @l4 behind a header of @src, @dst and @protocol, TTL @ttl.  The bytes
 * are in the recorder's arena.
 */
struct packet_bytes {
	struct iovec iov;
	struct frame frame;
	struct packet packet;
};
void packet_bytes_make(struct recorder *r, struct packet_bytes *ret, ip4_t src, ip4_t dst, uint8_t protocol, uint8_t ttl, const void *l4,
		       size_t len);
/* The same for a packet of @from. */
void packet_bytes_make_from(struct recorder *r, struct packet_bytes *ret, struct guest *from, ip4_t src, ip4_t dst, uint8_t protocol,
			    uint8_t ttl, const void *l4, size_t len);
