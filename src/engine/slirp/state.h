/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of this engine: the engine and its guests. slirp.c owns both. */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/usec.h"
#include "engine/slirp/socket.h"
#include "engine/slirp/stack.h"
#include "engine/slirp/translate.h"
#include "gateway/engine.h"
#include "gateway/guest.h"
#include "host/poller.h"

#define GUEST_BUCKETS 256u
#define LOCALS_MAX 8u

struct local;

/* An address of a guest with flows, which libslirp takes for a guest. Made by its first packet, freed with its last stack and local
 * connection. */
struct slirp_guest {
	struct list node; /* in its bucket */
	struct engine *engine;
	ip4_t ip;
	struct guest *guest; /* that has the address */
	struct stack *stacks[STACK_ROLES];
	struct list conns; /* struct local_conn */
	unsigned n_conns;
	struct list half_open; /* local.c: unfinished handshakes with services */
	unsigned n_half_open;
	struct list away; /* in engine->away while the guest is AWAY */
	bool held;        /* slirp_guest_release() is deferred */
};

struct engine {
	struct engine_config config;
	usec_t now; /* time of the current call, for libslirp */
	struct log_limit log_limit;
	struct socket_table sockets;
	size_t hand;         /* where the next search for idle flows begins, in sockets.by_fd */
	struct Slirp *clock; /* stack_expire() sets libslirp's clock with it; NULL until needed */
	struct list guests[GUEST_BUCKETS];
	unsigned n_guests;

	struct list dirty; /* stacks to be settled in flush() */
	struct list ready; /* stacks to be run by the deferred work */
	struct deferred deferred;
	struct list stacks; /* stacks with a deadline */
	usec_t deadline;    /* the earliest deadline of a stack */

	struct local *locals[LOCALS_MAX];
	unsigned n_locals;
	char *socket_dir;     /* the directory of our unix sockets; NULL until needed */
	bool socket_dir_ours; /* created by this engine, which removes it */

	struct list away;     /* slirp_guest.away: guests that are AWAY, the longest away first */
	unsigned sockets_max; /* most descriptors that libslirp may have, for all guests */
	unsigned ports_max;   /* UDP ports and ICMP identifiers of the host among them */
	bool echo_allowed;
	bool echo_told;
	unsigned n_sockets[SOCKET_KINDS];
	uint64_t flows_opened, flows_refused, flows_evicted;
	uint8_t frame[INWARD_FRAME_MAX];
};

/* The guest with that address, or NULL. */
struct slirp_guest *slirp_guest_find(struct engine *e, ip4_t ip);
/* The one of @guest with that address, made if new; NULL when memory or the table is full. */
struct slirp_guest *slirp_guest_get(struct engine *e, struct guest *guest, ip4_t ip);
/* Frees @g if it has no stack and no connection left. */
void slirp_guest_release(struct slirp_guest *g);
/* The guest's stack of @role, made if needed and ready for packets; NULL without memory. */
struct stack *slirp_guest_stack(struct slirp_guest *g, enum stack_role role);
/* Settles every stack that did something since the last call. */
void engine_settle(struct engine *e);
/*
 * Whether another descriptor of @kind may be opened for @s; counts the refusal.  May end flows of guests that are AWAY, which are never
 * @s's, and idle UDP flows, which may be.
 */
bool engine_may_open(struct engine *e, struct stack *s, enum socket_kind kind);
