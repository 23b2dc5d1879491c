/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections to guests whose outcome a client waits for: of a proxy, or of the API.  A dial is embedded in the object that waits.  Each
 * network has a table of the dials under way, which limits their number and their time.
 *
 * A guest that does not answer ARP or neighbour solicitations is reported sooner than a port that does not answer.  A guest with addresses
 * of both families is tried at the other one, too, when it refuses or is not there.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "gateway/engine.h"
#include "network/forward/forward.h"

#include <stdint.h>

struct guest_ref;

#define DIALS_MAX 4096u

struct dials {
	const struct forward_env *env;
	struct list new, waiting; /* oldest first; new ones: whether the guest is there is not known yet */
	struct list again;        /* at the guest's other address, in the next turn */
	unsigned n;
	uint64_t opened, failed; /* since the start */
};

struct dial {
	/* As in struct engine_opening.  Both may free the dial. */
	int (*opened)(struct dial *d, usec_t now);
	/* ECONNREFUSED, ETIMEDOUT or EHOSTUNREACH. */
	void (*failed)(struct dial *d, usec_t now, int error);
	struct dials *dials; /* NULL: not under way */
	struct list node;
	struct engine_opening opening;
	struct ip_addr addresses[FORWARD_ADDRESSES_MAX]; /* of the guest, in the order in which they are tried */
	unsigned n_addresses, at;                        /* addresses[at] is being tried, or is next */
	bool has_flow;
	uint16_t port;
	struct ip_endpoint client;
	usec_t since;
};

/* @env outlives it. */
void dials_init(struct dials *t, const struct forward_env *env);

/*
 * Connects to @port of @guest for @client, as forwards do.  0: one of the functions of @d, which are set, is called once, unless
 * dial_cancel() is called before; with an engine that does not report answers, opened() is called at once.  Otherwise a negative errno:
 * -ENOENT: there is no such guest; -ENETUNREACH: no guest can have the address; -EAGAIN: too many are under way; …
 */
int dial_begin(struct dials *t, usec_t now, struct dial *d, const struct guest_ref *guest, uint16_t port, const struct ip_endpoint *client);
/* Harmless when it is not under way. */
void dial_cancel(struct dial *d, usec_t now);

/* Their cost does not depend on the number of dials while none is due. */
usec_t dials_deadline(const struct dials *t);
void dials_expire(struct dials *t, usec_t now);

/* A text for an error of dial_begin() or failed(), static. */
const char *dial_explain(int error);
