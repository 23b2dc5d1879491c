/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch: ports of one layer 2 domain and a forwarding database.
 *
 * A turn: ports deliver frames with segment_input(); the segment passes each to the ports it
 * belongs to, among them the gateway, whose services and engine answer with more frames; then
 * segment_flush() lets the gateway finish, every port send out, and ends the turn:
 * no borrowed byte is looked at any more and the turn's arena is empty again.
 *
 * A frame that is too large for a port, or carries offload work that it does not take, is made
 * to fit (oversize.h) or answered and counted.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/drop.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/usec.h"
#include "lan/fdb.h"
#include "lan/frame.h"
#include "lan/gro.h"
#include "lan/loop_guard.h"
#include "lan/observer.h"
#include "lan/port.h"
#include "lan/snoop.h"

struct log;

enum segment_change {
	SEGMENT_PORT_DETACHED,
	SEGMENT_PORT_BLOCKED, /* for a loop */
	SEGMENT_PORT_UNBLOCKED,
};

/* Who keeps a record of what happens, with a gateway or without.  Told last; each may be NULL. */
struct segment_journal {
	/* Of guests' ports and uplinks. */
	void (*changed)(void *opaque, usec_t now, const struct port *p, enum segment_change what);
	/* At the end of every flush. */
	void (*turn_ends)(void *opaque, usec_t now);
	void *opaque;
};

struct segment_config {
	struct hash_key hash_key;
	bool isolate;         /* guests from one another: every port but uplinks is isolated */
	bool snooping;        /* multicast goes to those who joined (snoop.h) */
	unsigned storm_limit; /* frames per second that a port may send to everybody (storm.h); 0: any */
	struct log *log;      /* borrowed, may be NULL */
	struct segment_journal journal;
};

/*
 * The gateway of a segment.  Its port is reached by its MAC without being learned, and no other
 * port may send from that MAC.  What lies above Ethernet is the gateway's affair: the switch asks it.
 */
struct segment_gateway {
	struct port *port;
	struct mac mac;
	ip4_t ip; /* the source of the switch's IGMP queries (snoop.h) */
	/* First thing in every flush, before ports send out: the gateway's turn ends. */
	void (*flush)(void *opaque, usec_t now);
	/* A port can take frames again after it had to drop or hold some. */
	void (*writable)(void *opaque, usec_t now, struct port *p);
	/* Whether a guest may send @arp, an ARP frame.  false: it claims the gateway's address.  NULL: any. */
	bool (*admits_arp)(void *opaque, usec_t now, const struct frame *arp);
	/* @frame did not fit into its destination port; tell its sender that IP packets up to @mtu bytes do.  May be NULL. */
	void (*too_big)(void *opaque, usec_t now, const struct frame *frame, size_t mtu);
	/* @p left; whoever was behind it may come back on another port. */
	void (*detached)(void *opaque, usec_t now, const struct port *p);
	void *opaque;
};

/* The last frame that was dropped for a reason, and the bytes that it began with. */
#define DROP_EXAMPLE_BYTES 96u

struct drop_example {
	usec_t when;
	char port[PORT_NAME_SIZE]; /* that it came from, or that could not take it */
	size_t len;                /* of the whole frame; 0: there was none, or not all of it */
	uint8_t head[DROP_EXAMPLE_BYTES];
};

struct segment {
	struct segment_config config;
	struct list ports;
	struct list dirty;
	struct fdb fdb;
	struct arena arena;
	unsigned last_port_id;
	unsigned n_ports;
	struct segment_gateway gateway; /* port NULL: none */
	struct loop_guard loops;
	struct snoop snoop;
	struct gro gro;             /* frames of a batch for the gateway */
	struct drop_counters drops; /* of the frames of all ports */
	struct drop_example drop_examples[DROP_REASON_COUNT];
	uint64_t first_drops;       /* bits of reasons whose first drop nobody was told of yet: whoever tells takes them */
	usec_t now;                 /* of the last frame */
	struct observer *observers; /* NULL nearly always */
};

/* -ENOMEM. */
int segment_init(struct segment *s, const struct segment_config *config);
/* Ports must have been detached.  Harmless on a zeroed one. */
void segment_done(struct segment *s);

/* Attaches @gateway->port as the segment's gateway; what @gateway points to is borrowed. */
void segment_set_gateway(struct segment *s, const struct segment_gateway *gateway);

/* Joins @p, borrowed until segment_detach(). */
void segment_attach(struct segment *s, struct port *p);
/* Takes @p out, forgets its MACs.  Not from within @p's own ops. */
void segment_detach(struct segment *s, usec_t now, struct port *p);

/* A frame from @p.  Borrowed until segment_flush() has returned. */
void segment_input(struct segment *s, usec_t now, struct port *p, const struct frame *frame);
/*
 * The next frame of a batch from @p, @len bytes that are borrowed like a frame's; @more: another one of the batch follows.  Counters and
 * observers see each frame.  TCP segments for the gateway are joined (gro.h), so a frame may go on only when the next one comes or with
 * segment_flush(), which ends the batch.
 */
void segment_input_batch(struct segment *s, usec_t now, struct port *p, const void *bytes, size_t len, bool more);
/* A frame from the gateway for @to, where segment_find() says that its destination is: who sends it many looks that up once. */
void segment_output(struct segment *s, usec_t now, struct port *to, const struct frame *frame);
/* @p commits @k of the rooms that it lent to @from. */
void segment_commit(struct segment *s, usec_t now, struct port *from, struct port *p, const struct frame *frames, unsigned k);
void segment_flush(struct segment *s, usec_t now);

/* Begins to show @o, borrowed until segment_unobserve(), what passes; not from within one of its calls. */
void segment_observe(struct segment *s, struct observer *o);
/* Harmless when @o does not observe. */
void segment_unobserve(struct segment *s, struct observer *o);

/* When segment_expire() is wanted. */
usec_t segment_deadline(const struct segment *s);
/* Does what is due at @now.  May be called early or late; segment_flush() follows. */
void segment_expire(struct segment *s, usec_t now);

/* @p, whose queue was full, has room again. */
void segment_port_writable(struct segment *s, usec_t now, struct port *p);

/* Counts a drop at @p (NULL: nobody's in particular) and remembers @frame (NULL: none) as its example. */
void segment_drop(struct segment *s, struct port *p, enum drop_reason why, const struct frame *frame);

/* Looks for the port behind @mac; NULL when it is not known. */
struct port *segment_find(struct segment *s, usec_t now, struct mac mac);
