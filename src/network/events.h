/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The latest events of a network.  A reader asks for the events after a number; it is not registered here.  A reader that is too late
 * misses events, and sees from the gaps in their numbers how many.
 *
 * Each event has a source: the port that caused it, or the network.  When there is no room, the source with the most events loses its
 * oldest one, so a guest that causes many events pushes out its own.  What a port has caused is kept when it is detached, but all
 * detached ports are one source then: a guest that connects again and again gets no new share each time.
 */
#pragma once

#include "base/addr.h"
#include "base/list.h"
#include "base/usec.h"
#include "lan/port.h"
#include "service/guest_name.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* enum suffix, name */
#define EVENT_TYPES(X) \
	X(PORT_ATTACHED, "port-attached")   /* a guest, or another switch, was connected */ \
	X(PORT_DETACHED, "port-detached")   /* a port was disconnected */ \
	X(PORT_BLOCKED, "port-blocked")     /* a loop goes through a port: it forwards nothing for now */ \
	X(PORT_UNBLOCKED, "port-unblocked") /* the loop through a port is gone */ \
	X(GUEST_SEEN, "guest-seen")         /* a MAC uses an address that it was not known to use */ \
	X(LEASE_GIVEN, "lease-given")       /* a guest was given an address by DHCP */ \
	X(LEASE_RENEWED, "lease-renewed")   /* a guest renewed its lease */ \
	X(LEASE_RELEASED, "lease-released") /* a guest released its lease */ \
	X(LEASE_DECLINED, "lease-declined") /* a guest found the address that it was given in use */ \
	X(LEASE_EXPIRED, "lease-expired")   /* a lease ended without being renewed */ \
	X(DROP, "drop")                     /* a frame was dropped, the first one for this reason */ \
	X(CONFLICT, "conflict")             /* two ports use one MAC or address; what the port did was refused */ \
	X(RESERVATIONS, "reservations")     /* a reservation was added or removed */ \
	X(NAMES, "names")                   /* a name was added or removed */ \
	X(RELOADED, "reloaded")             /* the configuration was reloaded */ \
	X(LOG_LEVEL, "log-level")           /* the log level was changed */

enum event_type {
#define X(id, name) EVENT_##id,
	EVENT_TYPES(X)
#undef X
		EVENT_TYPE_COUNT
};

const char *event_name(enum event_type type);

/* Members that the type does not use are zero. */
struct event {
	uint64_t number; /* the first is 1 */
	usec_t when;
	enum event_type type;
	unsigned port_id;   /* of the port that caused it; 0: the network, or its user */
	const char *detail; /* static: the kind of a port, the reason of a drop, a log level */
	char port[PORT_NAME_SIZE];
	struct mac mac;
	ip4_t ip;
	struct ip_addr ip6;         /* "::": the event is about an IPv4 address, or about none */
	char name[GUEST_NAME_SIZE]; /* of a guest; EVENT_CONFLICT: of the other port, "" when it is gone */
};

#define EVENTS_KEPT 1024u
/* The source of events that no attached port causes and that can be many: expiry, and all of detached ports. */
#define EVENT_PORT_GONE UINT_MAX
#define EVENT_SOURCE_BUCKETS 64u

struct event_place;
struct event_source;

struct events {
	struct event_place *places;   /* EVENTS_KEPT; the first n_places have been used */
	struct event_source *sources; /* as many, one for each place at most; likewise n_sources */
	unsigned n_places, n_sources;
	struct list order;                         /* places by number */
	struct list unused;                        /* sources without an event */
	struct list buckets[EVENT_SOURCE_BUCKETS]; /* sources by port */
	struct list by_count[EVENTS_KEPT + 1]; /* sources by their number of events; the one that has had as many for longest is first */
	unsigned most;                         /* events of the source that has the most */
	uint64_t last;                         /* 0: none yet */
	/* Called once, for the next event; then it is NULL until it is set again. */
	void (*wake)(void *opaque);
	void *wake_opaque;
};

/* -ENOMEM. */
int events_init(struct events *e);
void events_done(struct events *e);

/* Adds a copy of @event, and numbers it. */
void events_add(struct events *e, const struct event *event);
/* @port_id was detached: what it has caused counts for EVENT_PORT_GONE from now on. */
void events_port_gone(struct events *e, unsigned port_id);
/* Copies up to @max events after number @after to @ret, oldest first; returns how many. */
unsigned events_read(const struct events *e, uint64_t after, struct event *ret, unsigned max);
