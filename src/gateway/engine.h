/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A NAT engine (network address translation): carries guests' IP packets to the outside and back.  Implemented by everything
 * in src/engine; the gateway implements the environment and owns nothing of the engine.
 *
 * The gateway has checked every packet that it passes to an engine: IPv4, or IPv6 when engine_ops.ipv6 is set, header checksum right,
 * reassembled, source inside the subnet or the prefix and not the gateway, destination not a martian, closed (closed.h), multicast or
 * broadcast, TTL decremented (packet_hop_limit() is the TTL to send with).  Layer 4 is unchecked.  packet.guest is the guest that sent it,
 * and packet.payer is charged for the flow that it may open.
 *
 * A destination that is the gateway's address means the host.  The engine connects to env->ops->host_address() instead;
 * when there is none it refuses (RST or port unreachable).  Programs of the host that listen on loopback only must
 * not be reachable unless config.host_loopback is set; then the engine connects to 127.0.0.1 or ::1.  Ports of the gateway
 * with a service of lanlet do not come here as packets: UDP services take them first, TCP services are declared
 * with local().
 *
 * All calls come from one thread.  An engine does not call its environment from free().
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/hash.h"
#include "base/usec.h"
#include "gateway/ip6.h"
#include "lan/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct engine;
struct engine_env;
struct frame;
struct guest;
struct iovec;
struct log;
struct packet;
struct payer;
struct poller;
struct stream_service;

/*
 * One IP packet to a guest, starting with the IP header.  Borrowed like a frame: the bytes until the end of the
 * turn, the struct and the iovec array until the call returns.  An engine may keep bytes in env->arena.  Offload
 * fields as in struct frame, but offsets count from the IP header.
 */
struct engine_packet {
	const struct iovec *iov;
	unsigned n_iov; /* at most ENGINE_IOV_MAX */
	size_t len;
	size_t headroom; /* as in struct frame */
	bool checksum_partial;
	uint16_t csum_start, csum_offset;
	uint16_t gso_size; /* 0: no segmentation; otherwise TCP or UDP segmentation, by the packet's protocol */
};

#define ENGINE_IOV_MAX 60

/* What the path to a guest can take. */
struct engine_path {
	size_t max_packet; /* largest IP packet that the port takes, and largest segment of a super-frame */
	unsigned offloads; /* enum port_offload: what the port, or the segment for it, will complete */
	bool congested;    /* the port is full; writable() will be called when it is not */
	bool crowded;      /* likewise, while more than half of its queue is taken: also datagrams should wait */
	bool port_sums;    /* the port completes checksums; if not, completing them here is cheaper than in the segment */
};

/* What the gateway does for an engine. */
struct engine_env_ops {
	/* Sends @p to @guest.  Fragments it when it exceeds the guest's MTU and DF is not set.  A full queue drops and counts it. */
	void (*output)(struct engine_env *env, usec_t now, struct guest *guest, const struct engine_packet *p);
	/*
	 * Lends room for @n packets to @guest, each of up to @size bytes from the IP header on; @flow is their flow_hash().  Returns the
	 * number of rooms: 0 when the port is congested or this turn's memory is used up.  With vhost-user this is the guest's
	 * memory.  One loan at a time.
	 */
	unsigned (*reserve)(struct engine_env *env, usec_t now, struct guest *guest, uint32_t flow, unsigned n, size_t size,
			    struct port_room *ret);
	/* Ends the loan and sends @k packets, which begin at the start of the first @k rooms. */
	void (*commit)(struct engine_env *env, usec_t now, const struct engine_packet *packets, unsigned k);
	/*
	 * Answers @cause, a packet from a guest, with the ICMP error @type/@code from the address @from (0: the gateway's).
	 * @info is the second word of the header (the MTU for fragmentation needed).  An IPv6 packet is answered with the ICMPv6 error
	 * that means the same (RFC 7915 §4.2), from the gateway's address.  The gateway decides whether the error may be
	 * sent, and applies the rate limit (RFC 1812 §4.3.2).
	 */
	void (*icmp_error)(struct engine_env *env, usec_t now, const struct packet *cause, uint8_t type, uint8_t code, uint32_t info,
			   ip4_t from);
	/*
	 * Whether an ICMP error that came from outside, about a packet of an earlier turn, may be sent to @guest.  Uses the rate limit
	 * of icmp_error(); false is counted as a drop.
	 */
	bool (*icmp_allowed)(struct engine_env *env, usec_t now, const struct guest *guest);
	/*
	 * The host's address on its default route, which engines use for the gateway's address as destination.
	 * -ENETUNREACH when the host has no route.
	 */
	int (*host_address)(struct engine_env *env, usec_t now, bool v6, struct ip_addr *ret);
	/*
	 * What the port of @guest can take now, for TCP, where the guest's MSS option allows large segments.  1500 bytes and no
	 * offloads when the port is not known.  Other packets follow guest_mtu().
	 */
	void (*guest_path)(struct engine_env *env, usec_t now, const struct guest *guest, struct engine_path *ret);
	/* The largest IP packet that @guest has shown to take, at least GUEST_MTU_MIN. */
	size_t (*guest_mtu)(struct engine_env *env, usec_t now, const struct guest *guest);
	/* Counts a drop; @p may be NULL. */
	void (*drop)(struct engine_env *env, enum drop_reason why, const struct packet *p);
};

struct engine_env {
	const struct engine_env_ops *ops;
	struct arena *arena; /* of this turn */
	unsigned opened;     /* enum closed_group: closed destinations that guests may reach now */
};

/* From which addresses outside a datagram to a guest's UDP mapping is accepted (RFC 4787 §5). */
enum engine_filtering {
	ENGINE_FILTER_ADDRESS,              /* addresses that the guest has sent to */
	ENGINE_FILTER_ENDPOINT_INDEPENDENT, /* all */
	ENGINE_FILTER_ADDRESS_AND_PORT,     /* endpoints that the guest has sent to */
};

struct engine_config {
	struct engine_env *env;
	struct poller *poller; /* for engines that own sockets */
	struct log *log;       /* may be NULL */
	struct hash_key hash_key;
	ip4_t gateway;
	struct prefix4 subnet;
	struct gateway_ip6 ip6; /* off: no IPv6 packets come */
	bool host_loopback;
	enum engine_filtering udp_filtering;
	bool keep_tcp_ports;  /* connect from a guest's own source port where that is free on the host */
	bool no_peek_off;     /* as on a kernel without SO_PEEK_OFF for TCP, for tests and benchmarks */
	bool no_udp_offload;  /* as on a kernel without UDP_SEGMENT and UDP_GRO */
	unsigned max_sockets; /* 0: as many as RLIMIT_NOFILE allows */
	unsigned max_ports;   /* UDP ports of the host for guests; 0: half of those that it gives to its own programs */
	/* A private directory (0700) for sockets of the engine; NULL when there is none. */
	const char *private_dir;
};

/*
 * Provides the host side of a flow to a guest after the guest has accepted the connection, so that a proxy can report the result
 * to its client first.  The engine calls one of the two functions once, in a later turn, unless engine_ops.cancel() was called
 * before.  Neither may call the engine.
 */
struct engine_opening {
	/*
	 * The guest has accepted.  Returns the host side, a stream descriptor which the engine owns from now on; or a negative errno, and
	 * the guest gets a RST.
	 */
	int (*opened)(struct engine_opening *o, usec_t now);
	/* The flow has ended.  @error: ECONNREFUSED, the guest sent RST; ETIMEDOUT, no answer; EHOSTUNREACH, the guest left the segment. */
	void (*failed)(struct engine_opening *o, usec_t now, int error);
	void *flow; /* private to the engine */
};

/* A flow from the host to a guest (port forwarding), see engine_ops.open. */
struct engine_open {
	struct guest *guest;       /* that has the address of @to, or of which was only HEARD */
	struct ip_endpoint to;     /* destination */
	struct ip_endpoint source; /* the peer that the guest sees; port 0: any free port of that address */
	/* The host side: a stream descriptor of any kind.  On success the engine owns it.  -1: @opening provides it. */
	int fd;
	struct engine_opening *opening; /* borrowed until it was called or cancelled; NULL: use @fd */
};

/*
 * A UDP port of the host whose datagrams go to guests (port forwarding), embedded in the object that owns it.  Each peer has a flow to a
 * guest.  The engine calls the functions in its own turns; they may not call the engine.
 */
struct engine_datagram_port {
	/*
	 * @peer, which has no flow, has sent a datagram.  Sets guest, to and source of @ret; source is used with another port when the
	 * guest sees it in a flow of another peer already.  Negative errno: the datagram is dropped, which the callee counts.
	 */
	int (*admit)(struct engine_datagram_port *p, usec_t now, const struct ip_endpoint *peer, struct engine_open *ret);
	/* After admit(): the flow was opened, or could not be.  @result: 0 or a negative errno. */
	void (*opened)(struct engine_datagram_port *p, usec_t now, int result);
	void *listener; /* private to the engine */
};

struct engine_counters {
	uint64_t flows_tcp, flows_udp, flows_icmp; /* now */
	uint64_t flows_opened;                     /* since the start */
	uint64_t flows_refused;                    /* at a limit */
	uint64_t flows_evicted;                    /* ended at a limit, so that another one could be opened */
	uint64_t host_ports, host_ports_max;       /* UDP ports and ICMP echo identifiers of the host now, and most for all guests */
};

/* A flow, for `lanlet flows`.  Members that an engine does not know are 0 or false. */
struct engine_flow {
	uint64_t id;       /* constant while the flow lives, and not reused for a long time after */
	uint8_t protocol;  /* IP protocol: TCP, UDP, ICMP */
	const char *state; /* static, lower case: "established", … */
	bool inbound;      /* opened by the host: engine_ops.open */
	struct ip_endpoint guest;
	const char *guest_name;        /* guest.name; borrowed like the flow */
	struct ip_endpoint remote;     /* as the guest sees it; with several peers, the one heard last */
	unsigned n_peers;              /* of a UDP or ICMP mapping; 1 for TCP */
	bool counts_bytes;             /* whether the engine knows the next two */
	uint64_t from_guest, to_guest; /* payload bytes that the receiving side has accepted */
	usec_t since;                  /* start */
	uint32_t rtt_us;               /* to the guest, smoothed; 0: not measured */
	uint32_t retransmits;          /* towards the guest */
};

/* Called by engine_ops.flows() for each flow.  @flow is borrowed until the call returns. */
typedef void (*engine_flow_seen_t)(void *opaque, const struct engine_flow *flow);

/* Whether the host has lost @addr, which was an address of its own. */
typedef bool (*engine_lost_t)(void *opaque, const struct ip_addr *addr);

/* The cursor behind the last flow. */
#define ENGINE_FLOWS_END UINT64_MAX

struct engine_ops {
	const char *name;    /* as in --engine */
	const char *summary; /* for --help */
	bool ipv6;           /* it translates IPv6, too */
	bool keep_tcp_ports; /* it knows these settings of struct engine_config; others ignore them */
	bool udp_filtering;
	bool isolated; /* there is no outside: guests get no default route, and no name is asked for there */
	/* Negative errno on failure.  @config is copied, what it points to is borrowed. */
	int (*new)(const struct engine_config *config, struct engine **ret);
	/*
	 * The network ends: resets what connections there are, also for guests, by the next flush(); free() follows.  NULL when the engine
	 * cannot do that.
	 */
	void (*stop)(struct engine *e, usec_t now);
	/* Ends all flows and closes their descriptors.  NULL is allowed. */
	void (*free)(struct engine *e);
	/* A packet from a guest, checked as described above.  Borrowed until flush() returns. */
	void (*input)(struct engine *e, usec_t now, const struct packet *p);
	/* End of a batch: the engine keeps nothing borrowed after this.  May output(). */
	void (*flush)(struct engine *e, usec_t now);
	/* When expire() wants to be called; USEC_INFINITY for never. */
	usec_t (*deadline)(const struct engine *e);
	void (*expire)(struct engine *e, usec_t now);
	/* The port of @guest has room again after it was congested. */
	void (*writable)(struct engine *e, usec_t now, struct guest *guest);
	/* Declares that @service (borrowed) serves TCP to the gateway's @port.  Before the first packet. */
	int (*local)(struct engine *e, uint16_t port, struct stream_service *service);
	/*
	 * Opens a flow of TCP to a guest.  -EOPNOTSUPP, -EADDRINUSE (the guest sees the same source in a flow of another peer), -ENOMEM, …;
	 * the caller then still owns the descriptor.  The caller cancels its openings before free().
	 */
	int (*open)(struct engine *e, usec_t now, const struct engine_open *how);
	/* Ends the flow of @o, which was not called yet and will not be called.  NULL when open() does not support openings. */
	void (*cancel)(struct engine *e, usec_t now, struct engine_opening *o);
	/*
	 * Receives datagrams for guests by @fd, a UDP socket bound to @at, which the engine owns on success.  @fd -1: by the socket at @at
	 * of a port that was closed and whose flows go on; -ENOTCONN when no socket is left there.  NULL when the engine cannot do that.
	 */
	int (*datagrams_open)(struct engine *e, struct engine_datagram_port *p, int fd, const struct ip_endpoint *at);
	/* Leaves datagrams in the socket, or receives them again. */
	void (*datagrams_suspend)(struct engine *e, struct engine_datagram_port *p, bool suspended);
	/* Admits no peers any more; flows go on.  The caller closes its ports before free(). */
	void (*datagrams_close)(struct engine *e, struct engine_datagram_port *p);
	/* @guest does not use @addr any more: flows with that address end as if the guest had reset them.  It may be freed after this. */
	void (*guest_gone)(struct engine *e, usec_t now, struct guest *guest, const struct ip_addr *addr);
	/* @to has the address @addr that @from had: flows with that address are now @to's. */
	void (*guest_moved)(struct engine *e, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to);
	/*
	 * @guest, whose port was @before's, is at another port or AWAY: what was charged to @before for it is charged to guest->payer,
	 * which may be the same.
	 */
	void (*guest_placed)(struct engine *e, usec_t now, struct guest *guest, struct payer *before);
	void (*counters)(const struct engine *e, struct engine_counters *ret);
	/*
	 * One step of a walk over all flows: looks at @max slots from *@cursor on (0: the first), calls @seen for each flow, and advances
	 * *@cursor, to ENGINE_FLOWS_END at the end.  A flow that lives during the whole walk is seen once.  @max bounds the time of a
	 * step.
	 */
	void (*flows)(const struct engine *e, uint64_t *cursor, unsigned max, engine_flow_seen_t seen, void *opaque);
	/*
	 * The host has lost addresses.  One step of a walk as by flows(): ends flows of TCP whose host socket is bound to one for which
	 * @lost() is true, as if the peer had reset them.  Those of UDP go on from another address.  Returns the number of ended flows.
	 */
	unsigned (*end_lost)(struct engine *e, usec_t now, uint64_t *cursor, unsigned max, engine_lost_t lost, void *opaque);
};
