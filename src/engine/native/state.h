/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the native engine's shell share: the engine itself, guests and their limits, the list of flows
 * that have something to do this turn, and the making of packets.
 *
 * A turn: packets and socket events only note what happened and put the flow on engine->active; flush() then works off
 * that list.  So one flow costs one write, one read and one ACK a turn, however many packets and events it had, and a flow
 * to which nothing happened costs nothing.
 */
#pragma once

#include "base/list.h"
#include "engine/flow_table.h"
#include "engine/native/account.h"
#include "engine/native/hold.h"
#include "engine/native/machine/wheel.h"
#include "gateway/engine.h"
#include "host/poller.h"

#include <stdbool.h>

struct icmp4_header;
struct ipv4_header;
struct native_flow;
struct tcp_header;

#define NATIVE_LOCAL_MAX 8
/*
 * Bulk data for guests in one turn.  What is copied there is read again soon, for checksums and by the port: it should be in
 * the cache still, and so should the turn's memory when the next turn fills it again.
 */
#define NATIVE_TURN_BYTES (256u * 1024)

/* A guest, for as long as it has flows. */
struct native_guest {
	struct flow flow;      /* in engine->guests: its address is key.guest.addr, everything else zero */
	struct list flows;     /* native_flow.of_guest */
	struct list blocked;   /* native_flow.ready, of flows that wait for the guest's port */
	struct list half_open; /* native_tcp.of_half_open, oldest first */
	struct native_account account;
};

enum native_kind {
	NATIVE_TCP,
	NATIVE_UDP,
	NATIVE_ICMP,
	NATIVE_KINDS,
};

/* The part that flows of every protocol have. */
struct native_flow {
	struct flow flow;
	enum native_kind kind;
	struct native_guest *guest;
	struct native_payer *payer;
	struct list of_guest;
	struct list ready; /* on engine->active or guest->blocked */
	struct wheel_timer timer;
	struct watch watch; /* watch.fd is -1 when there is no socket */
	struct engine *engine;
	bool counted; /* has, or is about to have, a socket */
	bool inbound; /* from the host to the guest */
	uint64_t id;
	usec_t since;
	uint64_t from_guest, to_guest; /* see struct engine_flow */
};

struct native_kind_ops {
	/* Does what has become due for a flow on the active list.  May end the flow. */
	void (*run)(struct native_flow *f, usec_t now);
	/* Its timer fired; the flow is put on the active list afterwards. */
	void (*timer_fired)(struct native_flow *f, usec_t now);
	/* Adds what only this kind knows. */
	void (*describe)(const struct native_flow *f, struct engine_flow *flow);
	/* Ends it without a word to its guest. */
	void (*abandon)(struct native_flow *f, usec_t now);
};

struct native_local {
	uint16_t port;
	struct stream_service *service;
};

struct engine {
	struct engine_config config;
	struct wheel wheel;
	struct flow_table guests, payers;
	struct flow_table tables[NATIVE_KINDS];
	struct list active;
	struct list turn_end; /* where this turn's work on active ends */
	size_t turn_bytes;    /* of bulk data that this turn has brought for guests */
	unsigned udp_opened;  /* UDP flows that were opened from outside */
	struct native_local local[NATIVE_LOCAL_MAX];
	unsigned n_local;
	struct list local_conns;
	unsigned n_sockets, max_sockets;
	uint64_t opened, refused;
	struct hold_pool holds;
	uint8_t *scratch;          /* where bytes go that were seen before */
	uint8_t *spill;            /* for datagrams larger than most */
	uint64_t secret;           /* for initial sequence numbers */
	uint16_t packet_id;        /* IP identification of what may be fragmented */
	bool tcp_peek_off[2];      /* SO_PEEK_OFF works for TCP over IPv4, IPv6 */
	bool udp_segment, udp_gro; /* the kernel has UDP_SEGMENT, UDP_GRO */
	bool said_ping;            /* that ping sockets are not allowed */
};

/* --- flows --- */

/*
 * Enters @f, zeroed but for its key, into the table of @kind and under its guest; it is to have a socket, and is charged to the guest and
 * to @port, which began it (NULL: the host).  -ENOMEM, or -EMFILE when one of these or the engine is at its limit.
 */
int native_flow_add(struct engine *e, usec_t now, struct native_flow *f, enum native_kind kind, const struct port *port);
/* Takes it out of everything and closes its socket.  The memory is the caller's. */
void native_flow_remove(struct native_flow *f);
/* Closes the socket, the flow stays. */
void native_flow_close(struct native_flow *f);
/* Charges @by more (less) half-open connections; and memory for what waits that was @before and is @now. */
void native_flow_charge_connecting(struct native_flow *f, int by);
void native_flow_charge_held(struct native_flow *f, size_t before, size_t now);
/* It has something to do: run() will be called in this turn's flush. */
void native_flow_wake(struct native_flow *f);
/* It waits until its guest's port takes packets again. */
void native_flow_block(struct native_flow *f);

/* --- packets --- */

/* Where @p's destination is dialled: the host's own address or loopback when it is the gateway's.  Negative errno when nowhere. */
int native_dial_address(struct engine *e, usec_t now, const struct ip_addr *dst, struct ip_addr *ret);
/* Checksum of the first @len bytes of @p's layer 4, whose field is included: false and counted as @why when it is wrong. */
bool native_checksum_is_right(struct engine *e, const struct packet *p, size_t len, enum drop_reason why);
/* Sends a TCP segment without payload from @src to @dst; ports are filled in. */
void native_output_tcp(struct engine *e, usec_t now, const struct ip_endpoint *src, const struct ip_endpoint *dst, struct tcp_header *h);
/* Sends an IP packet with one piece of payload, which is in the turn's arena. */
void native_output_ip(struct engine *e, usec_t now, struct ipv4_header *ip, void *payload, size_t len);
/*
 * An ICMP error about a packet of @guest that was sent earlier: @original is the start of what followed its IP
 * header.  From @from, or from the gateway when that is no IPv4 address.  Subject to the gateway's rate limit.
 */
struct native_icmp_error {
	uint8_t type, code;
	uint32_t info;
	struct ip_addr from;
	ip4_t guest, dst;
	uint8_t protocol, ttl;
	const void *original;
	size_t original_len; /* what is known of it */
	size_t payload_len;  /* what it was: layer 4 bytes */
};
void native_output_error(struct engine *e, usec_t now, const struct native_icmp_error *error);
/* @p is refused for want of descriptors or memory: counted, and the guest is told (RFC 5508 REQ-8). */
void native_refuse_at_limit(struct engine *e, usec_t now, const struct packet *p);
/* Whether @error, of a system call, says that there is too little of something. */
bool native_is_shortage(int error);
/* The type and code a guest is told for an errno of connect() or send(); false: nothing fits. */
bool native_icmp_of_errno(int error, uint8_t *ret_type, uint8_t *ret_code);

/* --- protocols --- */

void native_tcp_input(struct engine *e, usec_t now, const struct packet *p);
int native_tcp_open(struct engine *e, usec_t now, const struct engine_open *how);
void native_tcp_cancel(struct engine *e, usec_t now, struct engine_opening *o);
/*
 * @p is an ICMP message of a guest with the header @h: an error, perhaps, about a packet that begins with the @len bytes at @quote.
 * Whether it was one about a flow of ours.
 */
bool native_tcp_error(struct engine *e, const struct packet *p, const struct icmp4_header *h, const uint8_t *quote, size_t len);
extern const struct native_kind_ops native_tcp_ops;

void native_udp_input(struct engine *e, usec_t now, const struct packet *p);
int native_udp_open(struct engine *e, usec_t now, const struct engine_open *how);
extern const struct native_kind_ops native_udp_ops;

void native_icmp_input(struct engine *e, usec_t now, const struct packet *p);
extern const struct native_kind_ops native_icmp_ops;
