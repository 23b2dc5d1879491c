/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A NAT engine: carries guests' IP packets to the outside and back.  The gateway has already
 * checked every packet it hands over: IPv4, header checksum right, reassembled, source inside the
 * segment and not the gateway, destination no martian, multicast or broadcast, TTL counted down by one
 * (packet.ip.ttl is the TTL to send with).  Layer 4 is unchecked.
 *
 * What the gateway's own address means as a destination: a service of the host that listens on all
 * addresses.  The engine dials env->ops->host_address() instead; when there is none it refuses (RST or
 * port unreachable).  Services that listen on loopback only must not be reachable unless
 * config.host_loopback is set, in which case 127.0.0.1 is dialled.  UDP and TCP ports of
 * the gateway that belong to a service of lanlet never get here as packets: UDP services take theirs
 * first, TCP services are declared with local().
 *
 * All calls come from one thread.  An engine never calls back from free().
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/hash.h"
#include "base/usec.h"
#include "lan/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct engine;
struct engine_env;
struct frame;
struct iovec;
struct log;
struct packet;
struct poller;
struct stream_service;

/*
 * One IP packet for a guest, from the IP header on.  Borrowed like a frame: bytes until the end
 * of the turn, the struct and the iovec array until the call returns.  Bytes with no better home go to
 * env->arena.  Offload fields as in struct frame, but offsets count from the IP header.
 */
struct engine_packet {
	const struct iovec *iov;
	unsigned n_iov; /* at most ENGINE_IOV_MAX */
	size_t len;
	size_t headroom; /* as in struct frame */
	bool checksum_partial;
	uint16_t csum_start, csum_offset;
	uint16_t gso_size; /* 0: no segmentation; else of the packet's own protocol, TCP or UDP */
};

#define ENGINE_IOV_MAX 60

/* What the way to a guest can take. */
struct engine_path {
	size_t max_packet; /* largest IP packet its port takes; each segment of a larger one that is segmented */
	unsigned offloads; /* enum port_offload: what may be left undone, for the port or for the segment on the way to it */
	bool congested;    /* its port is full, and writable() will say when it is not */
	bool port_sums;    /* the port itself completes checksums: to leave one to the segment costs more than to do it */
};

/* What the gateway does for an engine. */
struct engine_env_ops {
	/*
	 * Sends @p to the guest that owns its destination address.  Fragments it when the guest's MTU is smaller
	 * and DF is not set.  Full queues drop and count.
	 */
	void (*output)(struct engine_env *env, usec_t now, const struct engine_packet *p);
	/*
	 * Room for @n packets of up to @size bytes of the conversation with that flow_hash() to @guest, each from the IP header on; returns
	 * how many there are: none when the way is congested, or for want of memory in this turn.  For a vhost-user port this is the
	 * guest's own memory.  One loan at a time.
	 */
	unsigned (*reserve)(struct engine_env *env, usec_t now, ip4_t guest, uint32_t flow, unsigned n, size_t size, struct port_room *ret);
	/* Sends the first @k of the rooms lent last; each packet's iovecs lie at the start of its room. */
	void (*commit)(struct engine_env *env, usec_t now, const struct engine_packet *packets, unsigned k);
	/*
	 * Answers @cause, a packet from a guest, with an ICMP error @type/@code from address @from (host
	 * order; 0: the gateway's own).  @info goes into the second word (the MTU for fragmentation needed).  RFC 1812 §4.3.2
	 * (when not to answer, rate limit) is the gateway's work.
	 */
	void (*icmp_error)(struct engine_env *env, usec_t now, const struct packet *cause, uint8_t type, uint8_t code, uint32_t info,
			   ip4_t from);
	/*
	 * May @guest be sent an ICMP error that came from outside, about a packet of an earlier turn?  Takes from the same rate
	 * limit as icmp_error() does; false is counted.
	 */
	bool (*icmp_allowed)(struct engine_env *env, usec_t now, ip4_t guest);
	/*
	 * The host's address that a route towards the outside uses: what the gateway's address means to engines.
	 * -ENETUNREACH when the host has no route.
	 */
	int (*host_address)(struct engine_env *env, usec_t now, bool v6, struct ip_addr *ret);
	/* Largest IP packet the way to @guest is known to carry. */
	size_t (*guest_mtu)(struct engine_env *env, ip4_t guest);
	/*
	 * What the port of @guest can take now, for engines that make packets to measure: TCP, whose peer says itself how
	 * large a segment it takes.  When the port is not known: 1500 bytes and no offloads.
	 */
	void (*guest_path)(struct engine_env *env, usec_t now, ip4_t guest, struct engine_path *ret);
	/* Counts a drop; @p may be NULL. */
	void (*drop)(struct engine_env *env, enum drop_reason why, const struct packet *p);
};

struct engine_env {
	const struct engine_env_ops *ops;
	struct arena *arena; /* memory of this turn */
};

/* Who outside may send to the port that a guest's UDP port is mapped to (RFC 4787 §5). */
enum engine_filtering {
	ENGINE_FILTER_ADDRESS,              /* addresses that the guest has sent to */
	ENGINE_FILTER_ENDPOINT_INDEPENDENT, /* anybody */
	ENGINE_FILTER_ADDRESS_AND_PORT,     /* endpoints that the guest has sent to */
};

struct engine_config {
	struct engine_env *env;
	struct poller *poller; /* for engines that own sockets */
	struct log *log;       /* may be NULL */
	struct hash_key hash_key;
	ip4_t gateway;
	struct prefix4 subnet;
	bool host_loopback;
	enum engine_filtering udp_filtering;
	bool no_peek_off;     /* do as on a kernel without SO_PEEK_OFF for TCP, for tests and measurements */
	bool no_udp_offload;  /* likewise without UDP_SEGMENT and UDP_GRO */
	unsigned max_sockets; /* 0: as many as RLIMIT_NOFILE leaves room for */
	/* A directory of ours (0700) that an engine may put sockets in; NULL when there is none. */
	const char *private_dir;
};

/*
 * Who brings the host side of a flow from the host to a guest when the guest has taken the connection, so that others learn before
 * what became of it.  One of the two is called, once, in a later turn, or engine_ops.cancel() comes before.  Neither calls the engine.
 */
struct engine_opening {
	/*
	 * The guest has taken it: returns the host side, a stream descriptor that is the engine's from now on, or a negative errno, and the
	 * guest gets a reset.
	 */
	int (*opened)(struct engine_opening *o, usec_t now);
	/* The flow is no more: ECONNREFUSED, the guest said so; ETIMEDOUT, it said nothing; EHOSTUNREACH, it left the segment. */
	void (*failed)(struct engine_opening *o, usec_t now, int error);
	void *flow; /* the engine's own */
};

/* A flow from the host to a guest, see engine_ops.open. */
struct engine_open {
	struct ip_endpoint guest;  /* whom to connect to */
	struct ip_endpoint source; /* what the guest sees as its peer; port 0: any free one of that address */
	/*
	 * The host side: a stream descriptor of any kind, or a datagram socket connected to @peer.  Owned by the engine on success.
	 * -1: there is only @datagram, for the flow of @peer that there is already, or @opening brings it.
	 */
	int fd;
	struct engine_opening *opening; /* borrowed until it was called or cancelled; NULL: there is @fd */
	/* Of a datagram flow: who really is at the other end (port 0: this is a stream), and what it sent before it had @fd for itself. */
	struct ip_endpoint peer;
	const void *datagram;
	size_t datagram_len;
};

struct engine_counters {
	uint64_t flows_tcp, flows_udp, flows_icmp; /* now */
	uint64_t flows_opened;                     /* ever */
	uint64_t flows_refused;                    /* at a limit */
};

/* A flow, for people to look at.  What an engine does not know is 0 or false. */
struct engine_flow {
	uint64_t id;       /* the same as long as the flow lives, and nobody else's for long after */
	uint8_t protocol;  /* IP protocol: TCP, UDP, ICMP */
	const char *state; /* static, lower case: "established", … */
	bool inbound;      /* opened by the host: engine_ops.open */
	struct ip_endpoint guest;
	struct ip_endpoint remote;     /* as the guest knows it; of several peers the one heard from last */
	unsigned n_peers;              /* of a UDP or ICMP mapping; 1 for TCP */
	bool counts_bytes;             /* whether the next two are known */
	uint64_t from_guest, to_guest; /* bytes of payload that the other side took */
	usec_t since;                  /* when it began */
	uint32_t rtt_us;               /* to the guest, smoothed; 0: not measured */
	uint32_t retransmits;          /* towards the guest */
};

/* One of what engine_ops.flows() finds.  The struct is the engine's until the call returns. */
typedef void (*engine_flow_seen_t)(void *opaque, const struct engine_flow *flow);

/* Behind the last flow. */
#define ENGINE_FLOWS_END UINT64_MAX

struct engine_ops {
	const char *name;    /* as in --engine */
	const char *summary; /* for --help */
	/* Negative errno on failure.  @config is copied, what it points to is borrowed. */
	int (*new)(const struct engine_config *config, struct engine **ret);
	/* Closes everything.  NULL is fine. */
	void (*free)(struct engine *e);
	/* A packet from a guest, as described above.  Borrowed until the end of flush(). */
	void (*input)(struct engine *e, usec_t now, const struct packet *p);
	/* End of a batch: everything borrowed is given up before it returns.  May output(). */
	void (*flush)(struct engine *e, usec_t now);
	/* When expire() wants to be called; USEC_INFINITY for never. */
	usec_t (*deadline)(const struct engine *e);
	void (*expire)(struct engine *e, usec_t now);
	/* The way to @guest can take packets again after output() or reserve() found it full. */
	void (*writable)(struct engine *e, usec_t now, ip4_t guest);
	/* Declares that TCP to the gateway's @port is served by @service (borrowed).  Before the first packet. */
	int (*local)(struct engine *e, uint16_t port, struct stream_service *service);
	/*
	 * Opens a flow to a guest.  -EOPNOTSUPP, -EADDRINUSE (another flow, of another peer, looks like this one to the guest), -ENOMEM, …;
	 * the descriptor is then still the caller's.  -ENOTCONN: there is no flow for a datagram without a descriptor.  Openings end before
	 * free().
	 */
	int (*open)(struct engine *e, usec_t now, const struct engine_open *how);
	/* Ends the flow of @o, which was not called yet and is not called any more.  NULL when open() knows no openings. */
	void (*cancel)(struct engine *e, usec_t now, struct engine_opening *o);
	/* @guest left the segment: its flows end as its resets would have ended them. */
	void (*guest_gone)(struct engine *e, usec_t now, ip4_t guest);
	void (*counters)(const struct engine *e, struct engine_counters *ret);
	/*
	 * A slice of a walk over all flows: looks at @max places where one could be, from *@cursor on (0: the beginning), calls
	 * @seen for those that have one, and moves *@cursor on, at the end to ENGINE_FLOWS_END.  Flows that live through the whole walk are
	 * seen once.  Its time is bounded by @max, whatever there is.
	 */
	void (*flows)(const struct engine *e, uint64_t *cursor, unsigned max, engine_flow_seen_t seen, void *opaque);
};
