/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch: ports of one layer 2 domain and a forwarding database.
 *
 * A turn: ports deliver frames with segment_input() or segment_input_batch(); the segment passes each to its destination ports, among them
 * the gateway, whose services and engine answer with more frames.  segment_flush() then ends the turn: the gateway finishes, every port
 * sends, no borrowed byte is used any more, and the arena is emptied.
 *
 * A frame that is too large for a port, or needs offload work that the port does not do, is made to fit (oversize.h), or it is dropped and
 * its sender is told.  So is an IP packet of more than 1500 bytes for a station that has not shown to take such packets (segment_mtu()).
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
#include "lan/shaper.h"
#include "lan/snoop.h"

struct log;
struct packet;

enum segment_change {
	SEGMENT_PORT_DETACHED,
	SEGMENT_PORT_BLOCKED, /* for a loop */
	SEGMENT_PORT_UNBLOCKED,
};

/* Callbacks for a record of events.  They come last; each may be NULL. */
struct segment_journal {
	/* A port other than the gateway's changed. */
	void (*changed)(void *opaque, usec_t now, const struct port *p, enum segment_change what);
	/* At the end of every flush. */
	void (*turn_ends)(void *opaque, usec_t now);
	void *opaque;
};

struct segment_config {
	struct hash_key hash_key;
	bool isolate;         /* every port but uplinks is isolated from the others */
	bool unguarded;       /* ports are not guarded unless their own guard says so */
	bool snooping;        /* send multicast only to ports that joined (snoop.h) */
	unsigned storm_limit; /* frames per second that a port may flood (storm.h); 0: no limit */
	struct log *log;      /* borrowed, may be NULL */
	struct segment_journal journal;
};

/*
 * The gateway of a segment.  The switch knows its MAC without learning it, and no other port may send from that MAC.  The callbacks are
 * what the switch asks it about the layers above Ethernet.
 */
struct segment_gateway {
	struct port *port;
	struct mac mac;
	ip4_t ip; /* the source of the switch's IGMP queries (snoop.h) */
	/* The gateway's turn ends: first in segment_flush(), before ports send. */
	void (*flush)(void *opaque, usec_t now);
	/* @p takes frames again after it had to queue or drop some. */
	void (*writable)(void *opaque, usec_t now, struct port *p);
	/*
	 * A packet for the gateway, borrowed for the call; one to the gateway's MAC has no other receiver and may be changed.  NULL: the
	 * port's send() takes the frame, as other ports do.
	 */
	void (*input)(void *opaque, usec_t now, struct packet *p);
	/* @p, from another port, was too large for its destination port: tell the sender to use @mtu.  May be NULL. */
	void (*too_big)(void *opaque, usec_t now, struct packet *p, size_t mtu);
	void *opaque;
};

/* Who has a use for a packet that is sent to all. */
enum segment_audience {
	SEGMENT_ALL,
	SEGMENT_ONE,          /* the port of the guest that it asks for */
	SEGMENT_DHCP_SERVERS, /* the gateway, uplinks, ports that may serve DHCP, and unguarded ones */
};

/*
 * Decides what guests may send.  It is asked about each packet of each port but the gateway's, before the switch learns from it.  It is
 * apart from the gateway, because a segment without a gateway has guests, too.
 */
struct segment_guard {
	/* Whether @p may pass; if not, *@ret_why says why it is dropped.  May set p->guest.  NULL: everything passes. */
	bool (*admits)(void *opaque, usec_t now, struct packet *p, enum drop_reason *ret_why);
	/* For whom the broadcast or multicast packet @p is.  *@ret is that port, with SEGMENT_ONE.  NULL: always for all. */
	enum segment_audience (*audience)(void *opaque, usec_t now, struct packet *p, struct port **ret);
	/* @p was detached; its guests may come back on another port.  May be NULL. */
	void (*detached)(void *opaque, usec_t now, struct port *p);
	void *opaque;
};

/* The latest drop for a reason, and the frame's first bytes. */
#define DROP_EXAMPLE_BYTES 96u

struct drop_example {
	usec_t when;
	char port[PORT_NAME_SIZE]; /* where the frame came from, or that could not take it */
	size_t len;                /* of the whole frame; 0: there was no whole frame */
	uint8_t head[DROP_EXAMPLE_BYTES];
};

struct segment {
	struct segment_config config;
	struct list ports;
	struct list dirty;
	struct list servers; /* port.server */
	struct list hiding;  /* port.hiding */
	struct fdb fdb;
	struct arena arena;
	unsigned last_port_id;
	unsigned n_ports;
	struct segment_gateway gateway; /* port NULL: none */
	struct segment_guard guard;
	struct shaping shaping;
	struct loop_guard loops;
	struct snoop snoop;
	struct gro gro;             /* frames of a batch for the gateway */
	struct drop_counters drops; /* of the frames of all ports */
	struct drop_example drop_examples[DROP_REASON_COUNT];
	bool has_first_drop;        /* frames were dropped for a reason for the first time; the reader clears it */
	usec_t now;                 /* of the last frame */
	struct observer *observers; /* usually NULL */
};

/* -ENOMEM. */
int segment_init(struct segment *s, const struct segment_config *config);
/* Ports must have been detached.  Harmless on a zeroed one. */
void segment_done(struct segment *s);

/* Attaches @gateway->port as the gateway.  @gateway is copied, what it points to is borrowed. */
void segment_set_gateway(struct segment *s, const struct segment_gateway *gateway);

/* @guard is copied; NULL: none. */
void segment_set_guard(struct segment *s, const struct segment_guard *guard);

/* Attaches @p, which is borrowed until segment_detach(). */
void segment_attach(struct segment *s, struct port *p);
/*
 * The machine behind @p has shown its address, or that it has none yet.  Machines that have not been heard are no longer expected there,
 * unless @p is an uplink or has more than one MAC.
 */
void segment_heard(struct segment *s, struct port *p);
/* Does what follows from @p's properties, after they have changed. */
void segment_settle_port(struct segment *s, struct port *p);
/* Changes what holds for ports that leave it open (PORT_GUARD_DEFAULT). */
void segment_set_unguarded(struct segment *s, bool unguarded);
/* Changes the limits of all guests together; zeroed: none. */
void segment_set_bandwidth(struct segment *s, const struct bandwidth *limit);
/* Detaches @p and forgets its MACs.  Not between a batch and its flush, nor from within @p's own ops. */
void segment_detach(struct segment *s, usec_t now, struct port *p);

/* A frame from @p.  Its bytes are borrowed until segment_flush() has returned. */
void segment_input(struct segment *s, usec_t now, struct port *p, const struct frame *frame);
/* A frame that came from @p earlier and was kept: it was counted then, and enters now. */
void segment_input_again(struct segment *s, usec_t now, struct port *p, const struct frame *frame);
/*
 * The next frame of a batch: @len bytes from @p, borrowed as above.  @more: another frame of the batch follows.  Counters and observers see
 * each frame.  TCP segments for the gateway are joined (gro.h), so a frame may wait until the next one comes or until segment_flush(),
 * which ends the batch.
 */
void segment_input_batch(struct segment *s, usec_t now, struct port *p, const void *bytes, size_t len, bool more);
/* A frame from the gateway for @to, behind which the guest with its destination MAC is.  Saves a look-up for each frame. */
void segment_output(struct segment *s, usec_t now, struct port *to, const struct frame *frame);
/* A frame of the switch's own for @p only, with a copy of @bytes. */
void segment_send(struct segment *s, usec_t now, struct port *p, const void *bytes, size_t len);
/* @from commits the first @k of the rooms that @p lent (port.h). */
void segment_commit(struct segment *s, usec_t now, struct port *from, struct port *p, const struct frame *frames, unsigned k);
void segment_flush(struct segment *s, usec_t now);

/* Adds observer @o, which is borrowed until segment_unobserve().  Not from within one of its calls. */
void segment_observe(struct segment *s, struct observer *o);
/* Harmless when @o is not an observer. */
void segment_unobserve(struct segment *s, struct observer *o);

/* When segment_expire() is wanted. */
usec_t segment_deadline(const struct segment *s);
/* Does what is due at @now.  May be called early or late; segment_flush() follows. */
void segment_expire(struct segment *s, usec_t now);

/* @p has room again after it was congested. */
void segment_port_writable(struct segment *s, usec_t now, struct port *p);

/* Whether @from may make one more frame go to all; takes it from what storm control lets the port flood. */
bool segment_may_flood(const struct segment *s, usec_t now, struct port *from);

/* Counts a drop at @p (NULL: no port in particular) and keeps the first bytes of @frame (may be NULL) as an example. */
void segment_drop(struct segment *s, struct port *p, enum drop_reason why, const struct frame *frame);

/* The port behind @mac; NULL when it is not known. */
struct port *segment_find(struct segment *s, usec_t now, struct mac mac);
/*
 * The largest IP packet in bytes, but for TCP, that is sent to @mac whole: what it has shown to take by packets that it sent and by its
 * MSS, or has agreed with its port (vhost-user with VIRTIO_NET_F_MTU); else ETH_MTU.
 */
size_t segment_mtu(struct segment *s, usec_t now, struct mac mac);
/* @mac starts again, perhaps with another network card: forgets what it has shown to take. */
void segment_forget_mtu(struct segment *s, struct mac mac);
