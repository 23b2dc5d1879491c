/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds loops: two ports that lead to the same other network, or a port that gets its own frames back.
 *
 * The evidence is a probe (wire/loop_probe.h) that comes back.  The segment probes a port after the first frame that came in on it, uplinks
 * from time to time, and on suspicion: when a MAC moves between ports, or when the gateway's own MAC is a source.  A silent port gets no
 * probes, nor does an idle network of guests.  A guest cannot forge a probe of this segment: it carries a keyed hash and expires in
 * seconds.
 *
 *     forwarding ──(its probe came back, or one came in by it)──> blocked ──(its time is over,──> trying
 *         ^                                                          ^   or the other end is gone) │
 *         └───────(no probe came back for TRY_TIME)──────────────────┼─────────────────────────────┤
 *                                                                    └──(a probe came back)────────┘
 *
 * Of the two ports of a loop, the newer one is blocked, and a guest's port rather than an uplink.  Two segments must not both cut the same
 * loop: a segment that hears probes of segments with lower ids waits for them to act first.
 *
 * A probe that comes back on the port that it was sent out of shows a loop behind that port, or a peer that echoes frames.  Segments that
 * are part of that loop see it on two of their ports and cut it there; this port is blocked only if none of them does.
 *
 * Part of struct segment.  Ports keep their own state in struct loop_state.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct port;

#define LOOP_BLOCK_TIME (30 * USEC_PER_SEC) /* doubled after every failed try, */
#define LOOP_BLOCK_DOUBLINGS_MAX 4u         /* at most this many times */
#define LOOP_TRY_TIME (4 * USEC_PER_SEC)
#define LOOP_UPLINK_INTERVAL (5 * USEC_PER_SEC)
#define LOOP_OTHERS_MAX 8u
#define LOOP_TEXT_SIZE 160

enum loop_phase {
	LOOP_FORWARDING,
	LOOP_BLOCKED,
	LOOP_TRYING, /* blocked for all frames but probes */
};

struct loop_state {
	struct list due; /* in the guard's list while a probe is due, blocked or trying; else on no list */
	enum loop_phase phase;
	bool spoken;          /* a frame has come in on it */
	uint32_t sequence;    /* of the last probe sent */
	usec_t probed_at;     /* when that was; 0: never */
	usec_t next_probe;    /* USEC_INFINITY: no probe is due */
	unsigned probes_left; /* for uplinks unlimited */
	usec_t noticed_at;    /* when a loop that other segments may cut was first seen here; 0: none */
	usec_t until;         /* while blocked or trying */
	usec_t unblocked_at;
	unsigned failures; /* tries that failed in a row */
	unsigned peer;     /* id of the port at the loop's other end */
};

/* What the segment does for the guard. */
struct loop_guard_ops {
	/* Sends @len bytes, copied or in the turn's arena, out of @p, blocked or not. */
	void (*send)(void *opaque, usec_t now, struct port *p, const void *bytes, size_t len);
	/* @p is blocked now, or @p is unblocked.  @again: it was being tried. */
	void (*blocked)(void *opaque, usec_t now, struct port *p, bool again);
	void (*unblocked)(void *opaque, usec_t now, struct port *p);
};

struct loop_guard {
	struct hash_key key;
	uint64_t id;              /* of this segment, random */
	const struct list *ports; /* borrowed */
	struct list due;          /* the ports that wait for a time: few of thousands */
	const struct loop_guard_ops *ops;
	void *opaque;
	usec_t deadline;
	struct {
		uint64_t id;
		usec_t heard;
	} others[LOOP_OTHERS_MAX]; /* other segments, by their probes */
};

/* @key is secret and random. */
void loop_guard_init(struct loop_guard *g, const struct hash_key *key, const struct list *ports, const struct loop_guard_ops *ops,
		     void *opaque);

static inline bool loop_passes(const struct loop_state *s)
{
	return s->phase == LOOP_FORWARDING;
}

/* @p was attached. */
void loop_guard_attached(struct loop_guard *g, struct port *p);
/* @p was detached: ports that are blocked for a loop through it are tried at once. */
void loop_guard_detached(struct loop_guard *g, usec_t now, struct port *p);
/* The first frame came in on @p: a guest is there, or a loop. */
void loop_guard_spoken(struct loop_guard *g, usec_t now, struct port *p);
/* A frame came in on @p that may be due to a loop. */
void loop_guard_suspect(struct loop_guard *g, usec_t now, struct port *p);
/* A frame with the ethertype of probes came in on @p.  True when it was a probe of this segment, which goes no further. */
bool loop_guard_input(struct loop_guard *g, usec_t now, struct port *p, const struct frame *f);

usec_t loop_guard_deadline(const struct loop_guard *g);
/* Sends the probes that are due, with source MAC @src. */
void loop_guard_expire(struct loop_guard *g, usec_t now, struct mac src);

/* For logs: why @p is blocked and for how long; "" when it is not. */
const char *loop_guard_describe(const struct loop_guard *g, usec_t now, const struct port *p, char buf[static LOOP_TEXT_SIZE]);
