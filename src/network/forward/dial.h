/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections to guests that somebody waits for, to hear what became of them: clients of a proxy, or of the API.  A dial is embedded in
 * whoever waits; the table of those under way, one for each network, bounds how many and how long.
 *
 * Nobody who answers ARP at the guest's address is found out sooner than silence of its port.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "gateway/engine.h"

#include <stdint.h>

struct forward_env;
struct guest_ref;

#define DIALS_MAX 4096u

struct dials {
	const struct forward_env *env;
	struct list new, waiting; /* oldest first; of new ones it is not known whether anybody has the address */
	unsigned n;
	uint64_t opened, failed; /* ever */
};

struct dial {
	/* As in struct engine_opening.  The dial may be freed there. */
	int (*opened)(struct dial *d, usec_t now);
	/* ECONNREFUSED, ETIMEDOUT or EHOSTUNREACH. */
	void (*failed)(struct dial *d, usec_t now, int error);
	struct dials *dials; /* NULL: not under way */
	struct list node;
	struct engine_opening opening;
	ip4_t guest;
	usec_t since;
};

/* @env outlives it. */
void dials_init(struct dials *t, const struct forward_env *env);

/*
 * Connects to @port of @guest on behalf of @client, as forwards do.  0: one of @d's functions, which are set, is called once, unless
 * dial_cancel() comes before; with an engine that does not hear of answers it is opened(), at once.  Else a negative errno:
 * -ENOENT while there is no such guest, -ENETUNREACH when the address is none of a guest, -EAGAIN when too many are under way, …
 */
int dial_begin(struct dials *t, usec_t now, struct dial *d, const struct guest_ref *guest, uint16_t port, const struct ip_endpoint *client);
/* Harmless when it is not under way. */
void dial_cancel(struct dial *d, usec_t now);

/* Either does not depend on how many there are, while none is due. */
usec_t dials_deadline(const struct dials *t);
void dials_expire(struct dials *t, usec_t now);

/* What is wrong, for people, of the errors of either; static. */
const char *dial_explain(int error);
