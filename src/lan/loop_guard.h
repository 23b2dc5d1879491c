/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds loops: two ports that lead to one and the same other network, or one whose far side sends back what it gets.
 *
 * Evidence is a probe (wire/loop_probe.h) that was sent out of one port and came back by any.  Probes go out after the
 * first frame that came in by a port, now and then by uplinks, and on suspicion: a MAC that moves between ports, or the gateway's own MAC
 * as a source.  So a silent port gets none, and an idle network of guests sends none.  A guest cannot forge one: each carries a keyed hash
 * and is good for seconds.
 *
 *     forwarding ──(its probe came back, or one came in by it)──> blocked ──(its time is over,──> trying
 *         ^                                                          ^   or the other end is gone) │
 *         └───────(no probe came back for TRY_TIME)──────────────────┼─────────────────────────────┤
 *                                                                    └──(a probe came back)────────┘
 *
 * Of the two ports of a loop the one that was plugged in last is blocked, a guest's rather than an uplink.  Segments that see the same
 * loop must not both cut it: who hears probes of segments with lower numbers waits for them to act first.
 *
 * A probe that comes back by the port that it went out of shows a loop somewhere behind it, or somebody who sends back what he gets.
 * Segments that are part of that loop see it at two ports of theirs and cut it there: only if none of them does, this port is blocked.
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

#define LOOP_BLOCK_TIME (30 * USEC_PER_SEC) /* doubled with every failed try, */
#define LOOP_BLOCK_DOUBLINGS_MAX 4u         /* so often at most */
#define LOOP_TRY_TIME (4 * USEC_PER_SEC)
#define LOOP_UPLINK_INTERVAL (5 * USEC_PER_SEC)
#define LOOP_OTHERS_MAX 8u
#define LOOP_TEXT_SIZE 160

enum loop_phase {
	LOOP_FORWARDING,
	LOOP_BLOCKED,
	LOOP_TRYING, /* still blocked for all but probes */
};

struct loop_state {
	enum loop_phase phase;
	bool spoken;          /* a frame has come in by it */
	uint32_t sequence;    /* of the last probe sent */
	usec_t probed_at;     /* when that was; 0: never */
	usec_t next_probe;    /* USEC_INFINITY: none is wanted */
	unsigned probes_left; /* after which there is no next one, but for uplinks */
	usec_t noticed_at;    /* when a loop through it was first seen that others may cut; 0: none */
	usec_t until;         /* while blocked or trying */
	usec_t unblocked_at;
	unsigned failures; /* tries that failed in a row */
	unsigned peer;     /* id of the port at the loop's other end */
};

/* What the guard asks of the segment. */
struct loop_guard_ops {
	/* Sends @len bytes, copied or in the turn's arena, out of @p, blocked or not. */
	void (*send)(void *opaque, usec_t now, struct port *p, const void *bytes, size_t len);
	/* @p is blocked now (again, when @again), or no more. */
	void (*blocked)(void *opaque, usec_t now, struct port *p, bool again);
	void (*unblocked)(void *opaque, usec_t now, struct port *p);
};

struct loop_guard {
	struct hash_key key;
	uint64_t id;              /* of this segment, random */
	const struct list *ports; /* borrowed */
	const struct loop_guard_ops *ops;
	void *opaque;
	usec_t deadline;
	struct {
		uint64_t id;
		usec_t heard;
	} others[LOOP_OTHERS_MAX]; /* segments whose probes came in */
};

/* @key is secret and random. */
void loop_guard_init(struct loop_guard *g, const struct hash_key *key, const struct list *ports, const struct loop_guard_ops *ops,
		     void *opaque);

static inline bool loop_passes(const struct loop_state *s)
{
	return s->phase == LOOP_FORWARDING;
}

/* @p was plugged in. */
void loop_guard_attached(struct loop_guard *g, struct port *p);
/* @p was unplugged: what is blocked for a loop through it is tried again at once. */
void loop_guard_detached(struct loop_guard *g, usec_t now, const struct port *p);
/* The first frame came in by @p: there is somebody, or a way back to us. */
void loop_guard_spoken(struct loop_guard *g, usec_t now, struct port *p);
/* Something came in by @p that a loop would explain. */
void loop_guard_suspect(struct loop_guard *g, usec_t now, struct port *p);
/* A frame of the probes' ethertype came in by @p.  True when it was a probe of ours, and is done with. */
bool loop_guard_input(struct loop_guard *g, usec_t now, struct port *p, const struct frame *f);

usec_t loop_guard_deadline(const struct loop_guard *g);
/* Sends what probes are due; @src is their source MAC. */
void loop_guard_expire(struct loop_guard *g, usec_t now, struct mac src);

/* For people: why @p is blocked and for how long; "" when it is not. */
const char *loop_guard_describe(const struct loop_guard *g, usec_t now, const struct port *p, char buf[static LOOP_TEXT_SIZE]);
