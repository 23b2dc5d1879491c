/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One forward at work: its sockets, and what became of those who came to them.  Owned by the table (forwards.h).
 *
 * A client is handed to the NAT engine, which opens a flow to the guest and owns the client's descriptor from then on.  While
 * the guest has no address nobody is taken: clients wait in the backlog, datagrams in the socket.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "link/listener.h"
#include "network/forward/proxy.h"
#include "options/forward_spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dials;
struct engine;
struct engine_ops;
struct log;
struct poller;

/* What forwards ask of their network; outlives them. */
struct forward_env {
	struct poller *poller;
	struct log *log;
	struct dials *dials;
	const char *domain; /* that names may end with */
	const struct engine_ops *engine_ops;
	struct engine *engine;
	ip4_t gateway;         /* whom a guest sees for clients that have no address for it */
	struct prefix4 subnet; /* addresses outside that a guest would take for a neighbour's */
	/* The address of the guest that is meant.  -ENOENT while it has none. */
	int (*find_guest)(void *opaque, usec_t now, const struct guest_ref *guest, ip4_t *ret);
	/* Whether it is known who has @ip. */
	bool (*guest_is_there)(void *opaque, ip4_t ip);
	void *opaque;
};

/* What another configuration means for a forward, while that is being put in the place of the present one. */
enum forward_change {
	FORWARD_STAYS,
	FORWARD_ARRIVES,
	FORWARD_LEAVES,
};

struct forward {
	struct list node;
	unsigned id;
	bool kept; /* in the state directory; else it is the configuration's */
	struct forward_spec spec;
	const struct forward_env *env;
	struct listener listener;     /* TCP and unix sockets */
	struct list datagram_sockets; /* UDP */
	struct proxy proxy;
	bool is_open;
	bool waiting; /* for the guest's address */
	enum forward_change change;
	usec_t again;      /* when to open, if not open */
	usec_t *earliest;  /* the table's: no later than the deadline of any forward */
	uint64_t opened;   /* clients that a flow was opened for */
	uint64_t refused;  /* clients that got none */
	char failure[160]; /* why it is not open, or why a client was refused last; "": all is well */
};

/* Not open yet.  What makes its deadline nearer lowers *@earliest, which outlives it, as far.  NULL when memory is short. */
struct forward *forward_new(const struct forward_env *env, const struct forward_spec *spec, usec_t *earliest);
/* Closes its sockets; flows go on.  NULL is fine. */
void forward_free(struct forward *f);

/* Opens the sockets.  Negative errno with one line in failure, which says what to do. */
int forward_open(struct forward *f, usec_t now);
/* Closes them; flows go on.  Nothing but forward_open() opens them again. */
void forward_close(struct forward *f);
/* The guest's address may have come, gone or changed. */
void forward_guests_changed(struct forward *f, usec_t now);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t forward_deadline(const struct forward *f);
/* Opens what could not be opened, takes clients again. */
void forward_expire(struct forward *f, usec_t now);
