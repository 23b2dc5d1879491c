/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State shared by the files of the native engine: the engine, guests and their limits, the list of flows with work in this turn, and
 * helpers that make packets.
 *
 * A turn: packets and socket events only record what happened and put the flow on engine->active; flush() then runs the flows on
 * that list. A flow therefore costs one write, one read and one ACK per turn, however many packets and events it had, and an idle
 * flow costs nothing.
 */
#pragma once

#include "base/list.h"
#include "engine/flow_table.h"
#include "engine/native/hold.h"
#include "engine/native/machine/wheel.h"
#include "gateway/engine.h"
#include "gateway/guest.h"
#include "gateway/payer.h"
#include "host/poller.h"
#include "wire/ip.h"

#include <stdbool.h>

struct icmp4_header;
struct icmp6_header;
struct native_errqueue;
struct native_address;
struct native_flow;
struct tcp_header;

#define NATIVE_LOCAL_MAX 8
/*
 * Bulk data for guests in one turn. It is read again soon after it was copied, for checksums and by the port, so a turn's data
 * should fit the CPU cache. So should the memory of the turn, which the next turn fills again.
 */
#define NATIVE_TURN_BYTES (256u * 1024)

enum native_kind {
	NATIVE_TCP,
	NATIVE_UDP,
	NATIVE_ICMP,
	NATIVE_KINDS,
};

/* Common part of the flows of all protocols. */
struct native_flow {
	struct flow flow;
	enum native_kind kind;
	struct guest *guest; /* that has the address key.guest.addr */
	struct payer *payer; /* is charged for the flow; referenced */
	struct native_address *address;
	struct list of_address; /* in address->flows */
	struct list ready;      /* on engine->active or guest->flows.blocked */
	struct wheel_timer timer;
	struct watch watch; /* watch.fd is -1 without a socket */
	struct engine *engine;
	bool counted;    /* charged for a socket: it has one or is about to */
	bool has_port;   /* charged for a UDP port or an echo identifier of the host */
	bool guest_pays; /* charged to the guest, too: it opened the flow and is at the payer's port */
	bool inbound;    /* from the host to the guest */
	bool socketless; /* it uses the socket of a listener (udp_listener.h); set before native_flow_add() */
	uint64_t id;
	usec_t since;
	uint64_t from_guest, to_guest; /* see struct engine_flow */
};

struct native_kind_ops {
	/* Does the work of a flow on the active list. May end the flow. */
	void (*run)(struct native_flow *f, usec_t now);
	/* The flow's timer fired; afterwards the flow is put on the active list. */
	void (*timer_fired)(struct native_flow *f, usec_t now);
	/* Adds what only this kind of flow knows. */
	void (*describe)(const struct native_flow *f, struct engine_flow *flow);
	/* Optional: bytes of memory that the flow holds for its host socket. */
	size_t (*held)(const struct native_flow *f);
	/* Ends the flow without telling its guest. */
	void (*abandon)(struct native_flow *f, usec_t now);
};

struct native_local {
	uint16_t port;
	struct stream_service *service;
};

struct engine {
	struct engine_config config;
	struct wheel wheel;
	struct payer host; /* pays for flows that the host opens */
	struct account used, max;
	uint32_t hand; /* where the next search for an idle mapping begins, in the table of UDP */
	/* The destination to which the host had no port left, and until when it counts as having none (tcp_connect.c). */
	struct ip_endpoint exhausted;
	usec_t exhausted_until;
	struct list away; /* guest.flows.away: guests that are AWAY and have flows, the longest away first */
	struct flow_table tables[NATIVE_KINDS];
	struct hash_table addresses; /* native_address.node */
	struct list active;
	struct list turn_end;        /* marks the end of this turn's part of the active list */
	size_t turn_bytes;           /* bulk data read for guests in this turn */
	struct list listeners;       /* udp_listener.node */
	unsigned n_peers, max_peers; /* UDP flows of listeners */
	struct native_local local[NATIVE_LOCAL_MAX];
	unsigned n_local;
	struct list local_conns;
	uint64_t opened, refused, evicted;
	struct hold_pool holds;
	uint8_t *scratch;               /* sink for bytes that were read before */
	uint8_t *spill;                 /* for the end of unusually large datagrams */
	uint16_t port_first, port_last; /* that the kernel connects from */
	uint64_t secret;                /* for initial sequence numbers */
	uint16_t packet_id;             /* IP identification of packets that may be fragmented */
	bool tcp_peek_off[2];           /* SO_PEEK_OFF works for TCP over IPv4, IPv6 */
	bool udp_segment, udp_gro;      /* the kernel has UDP_SEGMENT, UDP_GRO */
	bool no_inet6;                  /* there are no sockets of IPv6 */
	bool said_ping;                 /* logged that ping sockets are not allowed */
};

/* --- flows --- */

/*
 * Adds @f, zeroed except for its key, inbound and socketless, to the table of @kind and to @guest's list, and charges a socket to @payer.
 * May end other flows (limits.h).  -ENOMEM, -EMFILE or -EADDRNOTAVAIL (ports of the host) when no room can be made.
 */
int native_flow_add(struct engine *e, usec_t now, struct native_flow *f, enum native_kind kind, struct guest *guest, struct payer *payer);
/* What @f's kind does with it. */
const struct native_kind_ops *native_kind_ops_of(const struct native_flow *f);
/* The payer for a flow that @p, a packet from a guest, opens: of the port where it came in, whatever address it shows. */
struct payer *native_payer_of(const struct packet *p);
/* Removes the flow from all lists and closes its socket. The caller frees the memory. */
void native_flow_remove(struct native_flow *f);
/* Closes the socket; the flow stays. */
void native_flow_close(struct native_flow *f);
/* The flow has work: run() is called in this turn's flush. */
void native_flow_wake(struct native_flow *f);
/* The flow waits until its guest's port takes packets again. */
void native_flow_block(struct native_flow *f);

/* --- packets --- */

/* Whether @a is an address of the gateway. */
bool native_is_gateway(const struct engine *e, const struct ip_addr *a);
/*
 * The address to connect to for @p's destination: for the gateway's address, the host's own one or loopback. Negative errno when
 * there is no such address.
 */
int native_dial_address(struct engine *e, usec_t now, const struct ip_addr *dst, struct ip_addr *ret);
/* Verifies the checksum of the first @len bytes of @p's layer 4, checksum field included. False, and counted as @why, when it is wrong. */
bool native_checksum_is_right(struct engine *e, const struct packet *p, size_t len, enum drop_reason why);
/* Sends a TCP segment without payload to @guest, from @key's remote end to its guest's end; fills in the ports. */
void native_output_tcp(struct engine *e, usec_t now, struct guest *guest, const struct flow_key *key, struct tcp_header *h);
/* Sends @guest an IP packet with one piece of payload, which lies in the turn's arena. */
void native_output_ip(struct engine *e, usec_t now, struct guest *guest, const struct ip_header *ip, void *payload, size_t len);
/*
 * An ICMP error about a packet that @guest sent earlier. @original is the start of that packet's layer 4. Type and code are
 * those of its family. Sent from @from, or from the gateway's address when @from is of another family. Subject to the gateway's rate limit.
 */
struct native_icmp_error {
	uint8_t type, code;
	uint32_t info;
	struct ip_addr from;
	struct guest *guest;
	struct ip_header ip; /* of the guest's packet, as far as it is known */
	const void *original;
	size_t original_len; /* known bytes of it */
	size_t payload_len;  /* its full layer 4 length in bytes */
};
void native_output_error(struct engine *e, usec_t now, const struct native_icmp_error *error);
/* Makes @q, an error of one family, that of a guest of the other one (@v6: of IPv6), behind NAT64 or a forward. */
void native_error_translate(struct native_errqueue *q, bool v6);
/* The second word of the ICMP error @q. */
uint32_t native_error_info(const struct native_errqueue *q);
/*
 * The size of the guest's packets to @claimed when the path to @real, which may be of the other family, carries @mtu bytes; 0 for 0
 * (RFC 7915 §4.2, §5.2, RFC 8201 §4).
 */
uint32_t native_mtu_for_guest(const struct ip_addr *claimed, const struct ip_addr *real, uint32_t mtu);
/* Refuses @p because of @error, a shortage or EAFNOSUPPORT: counts it and tells the guest (RFC 5508 REQ-8). */
void native_refuse_at_limit(struct engine *e, usec_t now, const struct packet *p, int error);
/* Whether @error of a system call means that a resource ran out. */
bool native_is_shortage(int error);
/* The type and code of ICMP, or of ICMPv6 with @v6, for an errno of connect() or send(); false: no ICMP error fits. */
bool native_icmp_of_errno(int error, bool v6, uint8_t *ret_type, uint8_t *ret_code);

/* --- protocols --- */

void native_tcp_input(struct engine *e, usec_t now, const struct packet *p);
int native_tcp_open(struct engine *e, usec_t now, const struct engine_open *how);
/* Resets all flows, for their guests and hosts, in this turn's flush. */
void native_tcp_stop(struct engine *e, usec_t now);
void native_tcp_cancel(struct engine *e, usec_t now, struct engine_opening *o);
/*
 * Handles @p, an ICMP message of a guest with header @h that quotes the @len bytes at @quote. True if it is an error about one of
 * our TCP flows.
 */
bool native_tcp_error(struct engine *e, const struct packet *p, const struct icmp4_header *h, const uint8_t *quote, size_t len);
/* The same for an ICMPv6 message. */
bool native_tcp_error6(struct engine *e, const struct packet *p, const struct icmp6_header *h, const uint8_t *quote, size_t len);
extern const struct native_kind_ops native_tcp_ops;

void native_udp_input(struct engine *e, usec_t now, const struct packet *p);
extern const struct native_kind_ops native_udp_ops;

void native_icmp_input(struct engine *e, usec_t now, const struct packet *p);
void native_icmp6_input(struct engine *e, usec_t now, const struct packet *p);
extern const struct native_kind_ops native_icmp_ops;
