/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The events of a network, in a ring.  A reader asks for the events after a number; it is not registered here.  A reader that is too late
 * misses the oldest events, and sees from the numbers how many.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "lan/port.h"
#include "service/guest_name.h"

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
	unsigned port_id;
	const char *detail; /* static: the kind of a port, the reason of a drop, a log level */
	char port[PORT_NAME_SIZE];
	struct mac mac;
	ip4_t ip;
	char name[GUEST_NAME_SIZE];
};

#define EVENTS_KEPT 1024u

struct events {
	struct event *ring; /* event n is at n % EVENTS_KEPT */
	uint64_t last;      /* 0: none yet */
	/* Called once, for the next event; then it is NULL until it is set again. */
	void (*wake)(void *opaque);
	void *wake_opaque;
};

/* -ENOMEM. */
int events_init(struct events *e);
void events_done(struct events *e);

/* Adds a copy of @event, and numbers it. */
void events_add(struct events *e, const struct event *event);
/* Copies up to @max events after number @after to @ret, oldest first; returns how many. */
unsigned events_read(const struct events *e, uint64_t after, struct event *ret, unsigned max);
