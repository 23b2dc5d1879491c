/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port of the segment.  One connection of a guest is one port; the gateway is one too.  The struct is embedded in its implementor's
 * object.
 *
 * In:  the implementor calls segment_input() or segment_input_batch() any number of times, then segment_flush(); until that returns,
 *      the bytes of the frames stay as they are.
 * Out: the segment calls ops->send() any number of times, then ops->flush().
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/list.h"
#include "base/log.h"
#include "base/usec.h"
#include "lan/loop_guard.h"
#include "lan/rate.h"
#include "lan/snoop.h"
#include "lan/storm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct iovec;
struct payer;
struct port;
struct segment;
struct shaper;

#define PORT_NAME_SIZE 32

/* Work that a port takes over, so that it need not be done in software. */
enum port_offload {
	PORT_OFFLOAD_CHECKSUM = 1 << 0, /* FRAME_CHECKSUM_PARTIAL */
	PORT_OFFLOAD_TSO4 = 1 << 1,
	PORT_OFFLOAD_TSO6 = 1 << 2,
	PORT_OFFLOAD_USO = 1 << 3,
};

/* Whether a port's claims to MACs and addresses are checked. */
enum port_guard {
	PORT_GUARD_DEFAULT, /* as the segment has it; an uplink's never are */
	PORT_GUARD_ON,
	PORT_GUARD_OFF,
};

/* Limits of bandwidth, named from the guest's side. */
struct bandwidth {
	struct rate_limit in;  /* of what is sent to it */
	struct rate_limit out; /* of what it sends */
};

static inline bool bandwidth_equal(const struct bandwidth *a, const struct bandwidth *b)
{
	return rate_limit_equal(&a->in, &b->in) && rate_limit_equal(&a->out, &b->out);
}

/*
 * rx: frames that came from the port, as they came; tx: frames handed to the port, as they leave.  The two counters that one frame adds to
 * are not neighbours: the compiler would add to both as a vector, which takes twice the instructions.
 */
struct port_counters {
	uint64_t rx_frames, tx_frames, rx_bytes, tx_bytes;
	struct drop_counters drops; /* frames this port sent, or could not take */
};

/* Room lent by a port: one frame's worth of memory, in pieces. */
struct port_room {
	struct iovec *iov;
	unsigned n_iov;
	size_t size;
	size_t headroom; /* in front of the room, as in struct frame */
};

struct port_ops {
	const char *kind; /* name of the link, as "stream", for logs and lists */
	/*
	 * Takes @frame, which fits max_frame and the offloads.  The bytes are borrowed until this port's flush() has returned, the struct
	 * and its iovec array only until send() returns.  A port that cannot take it counts DROP_PORT_FULL.  Never frees the port.  Only
	 * the gateway's send() calls back into the segment, with its answers.  Every port but the gateway's gets frames of at least
	 * ETH_FRAME_MIN bytes.
	 */
	void (*send)(struct port *p, usec_t now, const struct frame *frame);
	/* Sends the frames that were taken and gives up all borrowed bytes; copies those that must wait. */
	void (*flush)(struct port *p, usec_t now);
	/*
	 * Optional.  Lends room for up to @n frames of @size bytes each, so that they need not be copied; returns how many.  @ret describes
	 * the rooms, which the port owns.  One loan at a time, until commit().  The first piece of each room holds a whole Ethernet
	 * header.  @flow is the frames' flow_hash(), 0 when it is not known.  A port that returns 0 and is not congested prefers send().
	 */
	unsigned (*reserve)(struct port *p, uint32_t flow, unsigned n, size_t size, struct port_room *ret);
	/*
	 * Ends a loan: sends the first @k rooms as @frames says, whose iovecs lie in the rooms.  @k may be 0.  Only the last frame may be
	 * shorter than was asked for.  The port pads frames of fewer than ETH_FRAME_MIN bytes, in the room, with zeros.
	 */
	void (*commit)(struct port *p, usec_t now, const struct frame *frames, unsigned k);
};

struct port {
	const struct port_ops *ops;
	struct segment *segment; /* NULL while not attached */
	struct list node;        /* in segment->ports */
	struct list dirty;       /* in segment->dirty while flush() is due */
	struct list server;      /* in segment->servers when a DHCP server may be behind it */
	struct list hiding;      /* in segment->hiding while machines may be behind it whose address was not heard */
	unsigned id;             /* unique in its segment, from 1 on, never used again */
	char name[PORT_NAME_SIZE];
	size_t max_frame;  /* largest frame in bytes it can take, Ethernet header included; of a super-frame: each segment */
	size_t mtu;        /* largest IP packet that the whole path to the guest is known to carry */
	size_t agreed_mtu; /* largest IP packet that the guest has agreed with the port to take; else ETH_MTU */
	size_t shown_mtu;  /* largest IP packet that a station behind the port has sent, at least ETH_MTU */
	unsigned offloads; /* enum port_offload */
	/* Of the first station seen behind it: of the network card itself, unless a bridge hides it; zero: none yet. */
	struct mac first_mac;
	struct mac pinned;     /* the only MAC that may send here (pinning.h); zero: any */
	bool uplink;           /* leads to the gateway or to another switch, not to a guest; set before segment_attach() */
	enum port_guard guard; /* what the user asked for */
	bool guarded;          /* what follows from that, the segment's default and uplink: its claims to MACs and addresses are checked */
	bool may_serve_dhcp;   /* may answer other guests' DHCP requests */
	bool may_route;        /* may send router advertisements to other guests */
	bool isolated;         /* exchanges no frames with other isolated ports; segment_attach() may set it */
	bool congested;        /* set by the implementor while frames wait in its queue; segment_port_writable() when it clears */
	bool throttled;        /* likewise, by the shaper: frames wait for a limit of bandwidth */
	bool is_plain;         /* a frame has come in on it, and it has no shaper */
	bool crowded;          /* likewise, while more than half of its queue is taken: frames that are flooded are not sent to it */
	uint64_t n_spared;     /* frames that were flooded and not sent to it because it was crowded; also in DROP_PORT_FULL */
	struct loop_state loop;
	struct storm_bucket storm;
	struct bandwidth bandwidth; /* what the user asked for; zeroed: no limit of its own */
	struct shaper *shaper;      /* NULL: nothing limits its bandwidth (shaper.h) */
	struct snoop_port snoop;
	struct list macs;           /* fdb_entry.of_port */
	unsigned n_macs;            /* in that list */
	struct payer *payer;        /* private to the gateway (gateway/payer.h) */
	struct log_limit log_limit; /* for lines about what the port sends */
	struct port_counters counters;
};

/* What the user allows the guest behind a port. */
struct port_properties {
	enum port_guard guard;
	bool may_serve_dhcp, may_route;
	struct bandwidth bandwidth;
};

static inline bool port_properties_equal(const struct port_properties *a, const struct port_properties *b)
{
	return a->guard == b->guard && a->may_serve_dhcp == b->may_serve_dhcp && a->may_route == b->may_route &&
	       bandwidth_equal(&a->bandwidth, &b->bandwidth);
}

/* What the user says about the guest behind a port. */
struct port_identity {
	char name[PORT_NAME_SIZE]; /* "": the kind of port and its number */
	struct mac pinned;         /* zero: any */
	struct port_properties properties;
};

/* Whether what the gateway has for the guest should wait: segment_gateway.writable says when it need not. */
static inline bool port_is_busy(const struct port *p)
{
	return p->congested || p->throttled;
}

/* Everything but ops zeroed; the implementor fills in the rest. */
void port_init(struct port *p, const struct port_ops *ops, const char *name, size_t max_frame, size_t mtu);
/* Names @p, which is attached, pins it and sets its properties.  @identity may be NULL: the user said nothing. */
void port_identify(struct port *p, const char *kind, const struct port_identity *identity);
