/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened on a network, newest last: a ring that whoever looks reads from a number on.  It has no readers of
 * its own: one that comes too late finds the oldest overwritten, and by the gap in the numbers how many.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "lan/port.h"
#include "service/guest_name.h"

#include <stdbool.h>
#include <stdint.h>

/* enum suffix, name, explanation */
#define EVENT_TYPES(X) \
	X(PORT_ATTACHED, "port-attached", "somebody plugged in") \
	X(PORT_DETACHED, "port-detached", "a port was unplugged") \
	X(PORT_BLOCKED, "port-blocked", "a loop goes through a port: it passes nothing for now") \
	X(PORT_UNBLOCKED, "port-unblocked", "the loop through a port is gone") \
	X(GUEST_SEEN, "guest-seen", "an address is used by a MAC that was not known to") \
	X(LEASE_GIVEN, "lease-given", "a guest was given an address") \
	X(LEASE_RENEWED, "lease-renewed", "a guest goes on using its address") \
	X(LEASE_RELEASED, "lease-released", "a guest gave its address back") \
	X(LEASE_DECLINED, "lease-declined", "a guest found that somebody uses the address that it was given") \
	X(LEASE_EXPIRED, "lease-expired", "a lease ended without being renewed") \
	X(DROP, "drop", "something was dropped for a reason seen for the first time") \
	X(RESERVATIONS, "reservations", "the reservations are not what they were") \
	X(NAMES, "names", "the names are not what they were") \
	X(RELOADED, "reloaded", "the configuration was read again") \
	X(LOG_LEVEL, "log-level", "the log level is another one")

enum event_type {
#define X(id, name, text) EVENT_##id,
	EVENT_TYPES(X)
#undef X
		EVENT_TYPE_COUNT
};

const char *event_name(enum event_type type);
const char *event_explanation(enum event_type type);

/* What a type has no use for is zero. */
struct event {
	uint64_t number; /* from 1 on */
	usec_t when;
	enum event_type type;
	unsigned port_id;
	const char *detail; /* static: a port's kind, a drop's reason, a log level */
	char port[PORT_NAME_SIZE];
	struct mac mac;
	ip4_t ip;
	char name[GUEST_NAME_SIZE];
};

#define EVENTS_KEPT 1024u

struct events {
	struct event *ring; /* event number n is at n % EVENTS_KEPT */
	uint64_t last;      /* 0: none yet */
	/* Told once of the next event, and then no more until it asks again by setting this. */
	void (*wake)(void *opaque);
	void *wake_opaque;
};

/* -ENOMEM. */
int events_init(struct events *e);
void events_done(struct events *e);

/* Keeps a copy of @event, whose number is set. */
void events_add(struct events *e, const struct event *event);
/* Copies up to @max events behind number @after into @ret, oldest first; returns how many. */
unsigned events_read(const struct events *e, uint64_t after, struct event *ret, unsigned max);
