/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port of the segment: whatever frames enter and leave by.  One accepted connection
 * is one port; the gateway is one too.  The struct is embedded in its implementor's object.
 *
 * In:  the implementor calls segment_input() any number of times, then segment_flush(); until
 *      that returns, the bytes it passed in stay as they are.
 * Out: the segment calls ops->send() any number of times, then ops->flush().
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/list.h"
#include "base/usec.h"
#include "lan/loop_guard.h"
#include "lan/snoop.h"
#include "lan/storm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct iovec;
struct port;
struct segment;

#define PORT_NAME_SIZE 32

/* What a port can take from us without our doing it in software first. */
enum port_offload {
	PORT_OFFLOAD_CHECKSUM = 1 << 0, /* FRAME_CHECKSUM_PARTIAL */
	PORT_OFFLOAD_TSO4 = 1 << 1,
	PORT_OFFLOAD_TSO6 = 1 << 2,
	PORT_OFFLOAD_USO = 1 << 3,
};

/*
 * rx: from the port into the segment; tx: from the segment out of the port.  Those that one frame adds to do not stand beside each other:
 * they would be added to as a vector, which takes twice the instructions.
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
	size_t headroom; /* of a packet that begins at the room's start, as in struct frame */
};

struct port_ops {
	const char *kind; /* "stream": what people call this way to plug in */
	/*
	 * Takes @frame, which fits max_frame and the offloads.  The bytes are borrowed until
	 * this port's flush() has returned, the struct and its iovec array only until send() returns.
	 * A port that cannot take it counts the drop under DROP_PORT_FULL.  Never frees the port; only
	 * the gateway's calls back into the segment, with its answers.
	 */
	void (*send)(struct port *p, usec_t now, const struct frame *frame);
	/* Sends out what was taken and gives up every borrowed byte (copies what must wait). */
	void (*flush)(struct port *p, usec_t now);
	/*
	 * Optional.  Lends room for up to @n frames of @size bytes each; returns how many it lends,
	 * described in @ret, memory and pieces owned by the port until commit().  One loan at a time.  The first piece of each
	 * room holds a whole Ethernet header.  @flow is the frames' flow_hash(), 0 when it is not known.  0 and not congested: it would
	 * rather be sent copies.
	 */
	unsigned (*reserve)(struct port *p, uint32_t flow, unsigned n, size_t size, struct port_room *ret);
	/*
	 * Sends the first @k rooms as @frames says (their iovecs lie in the rooms), takes back the rest.  Only the last of them may be
	 * shorter than was asked for.  To be called after each loan, if with 0.
	 */
	void (*commit)(struct port *p, usec_t now, const struct frame *frames, unsigned k);
};

struct port {
	const struct port_ops *ops;
	struct segment *segment; /* NULL while not attached */
	struct list node;        /* in segment->ports */
	struct list dirty;       /* in segment->dirty while it has something to flush */
	unsigned id;             /* unique in its segment, from 1 on, never used again */
	char name[PORT_NAME_SIZE];
	size_t max_frame;  /* largest frame in bytes it can take, Ethernet header included; of a super-frame: each segment */
	size_t mtu;        /* largest IP packet that its whole path is known to carry */
	unsigned offloads; /* enum port_offload */
	struct mac pinned; /* the only MAC that may speak here (pinning.h); zero: any */
	bool uplink;       /* leads to the gateway or to another switch, not to a guest; set before segment_attach() */
	bool isolated;     /* exchanges no frames with other isolated ports; segment_attach() may set it */
	bool congested;    /* set by the implementor while frames wait in its queue; segment_port_writable() when it clears */
	bool crowded;      /* likewise, while more than half of its queue is taken: frames that are flooded are not sent to it */
	struct loop_state loop;
	struct storm_bucket storm;
	struct snoop_port snoop;
	unsigned n_macs; /* entries in the segment's forwarding database */
	struct port_counters counters;
};

/* What a user says of the guest behind a port. */
struct port_identity {
	char name[PORT_NAME_SIZE]; /* "": made from the kind of port and its number */
	struct mac pinned;         /* zero: any */
};

/* Everything but ops zeroed; the implementor fills in the rest. */
void port_init(struct port *p, const struct port_ops *ops, const char *name, size_t max_frame, size_t mtu);
/* Gives @p, which is attached, its name and the MAC that it is pinned to.  @identity may be NULL: nothing was said. */
void port_identify(struct port *p, const char *kind, const struct port_identity *identity);
