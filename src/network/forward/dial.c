/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/dial.h"

#include "base/macros.h"
#include "network/forward/client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FIND_TIME (4 * USEC_PER_SEC) /* time for three ARP requests, or neighbour solicitations */
#define ANSWER_TIME (20 * USEC_PER_SEC)

void dials_init(struct dials *t, const struct forward_env *env)
{
	*t = (struct dials){ .env = env };
	list_init(&t->new);
	list_init(&t->waiting);
	list_init(&t->again);
}

static struct dial *of_opening(struct engine_opening *o)
{
	return container_of(o, struct dial, opening);
}

static void forget(struct dial *d)
{
	list_remove(&d->node);
	d->dials->n--;
	d->dials = NULL;
}

static int opened(struct engine_opening *o, usec_t now)
{
	struct dial *d = of_opening(o);
	d->dials->opened++;
	forget(d);
	return d->opened(d, now);
}

static void fail(struct dial *d, usec_t now, int error)
{
	d->dials->failed++;
	forget(d);
	d->failed(d, now, error);
}

/* The engine may not be called now. */
static void fail_or_try_again(struct dial *d, usec_t now, int error)
{
	if ((error != ECONNREFUSED && error != EHOSTUNREACH) || d->at + 1 >= d->n_addresses) {
		fail(d, now, error);
		return;
	}
	d->at++;
	d->has_flow = false;
	list_remove(&d->node);
	list_append(&d->dials->again, &d->node);
}

static void failed(struct engine_opening *o, usec_t now, int error)
{
	fail_or_try_again(of_opening(o), now, error);
}

static int find(const struct forward_env *env, usec_t now, const struct guest_ref *guest, struct dial *d)
{
	int r = env->find_guest(env->opaque, now, guest, d->addresses);
	if (r < 0)
		return r;
	d->n_addresses = (unsigned)r;
	d->at = 0;
	if (r > 1 && !env->guest_is_there(env->opaque, &d->addresses[0]) && env->guest_is_there(env->opaque, &d->addresses[1])) {
		struct ip_addr absent = d->addresses[0];
		d->addresses[0] = d->addresses[1];
		d->addresses[1] = absent;
	}
	return forward_is_guest_address(env, &d->addresses[0]) ? 0 : -ENETUNREACH;
}

static void wait_for_answer(struct dial *d, usec_t now)
{
	d->has_flow = true;
	d->since = now;
	list_remove(&d->node);
	list_append(&d->dials->new, &d->node);
}

/* For an engine that cannot report whether the guest accepted: the client is connected first. */
static int begin_unheard(struct dials *t, usec_t now, struct dial *d, struct engine_open *how)
{
	how->opening = NULL;
	how->fd = d->opened(d, now);
	if (how->fd < 0)
		return 0;
	if (forward_client_open(t->env, now, how) == 0) {
		t->opened++;
	} else {
		t->failed++;
		close(how->fd);
	}
	return 0;
}

static struct engine_open how_to_open(struct dials *t, usec_t now, struct dial *d)
{
	const struct ip_addr *to = &d->addresses[d->at];
	return (struct engine_open){
		.guest = t->env->expect_guest(t->env->opaque, now, to),
		.to = { *to, d->port },
		.source = forward_client_source(t->env, &d->client, to),
		.fd = -1,
		.opening = &d->opening,
	};
}

static int begin(struct dials *t, usec_t now, struct dial *d)
{
	struct engine_open how = how_to_open(t, now, d);
	if (!how.guest)
		return -ENOMEM;
	if (!t->env->engine_ops->cancel)
		return begin_unheard(t, now, d, &how);
	int r = forward_client_open(t->env, now, &how);
	if (r < 0)
		return r;
	d->dials = t;
	wait_for_answer(d, now);
	t->n++;
	return 0;
}

/* Tries the other address of the guest. */
static void begin_again(struct dial *d, usec_t now)
{
	struct dials *t = d->dials;
	struct engine_open how = how_to_open(t, now, d);
	int r = how.guest ? forward_client_open(t->env, now, &how) : -ENOMEM;
	if (r == 0)
		wait_for_answer(d, now);
	else
		fail(d, now, -r);
}

int dial_begin(struct dials *t, usec_t now, struct dial *d, const struct guest_ref *guest, uint16_t port, const struct ip_endpoint *client)
{
	list_init(&d->node);
	d->dials = NULL;
	d->opening = (struct engine_opening){ .opened = opened, .failed = failed };
	d->port = port;
	d->client = *client;
	int r = t->n < DIALS_MAX ? find(t->env, now, guest, d) : -EAGAIN;
	if (r == 0)
		r = begin(t, now, d);
	t->failed += r < 0;
	return r;
}

static void cancel_flow(struct dial *d, usec_t now)
{
	const struct forward_env *env = d->dials->env;
	env->engine_ops->cancel(env->engine, now, &d->opening);
}

void dial_cancel(struct dial *d, usec_t now)
{
	if (!d->dials)
		return;
	if (d->has_flow)
		cancel_flow(d, now);
	d->dials->failed++;
	forget(d);
}

static struct dial *first(const struct list *l)
{
	return list_empty(l) ? NULL : container_of(l->next, struct dial, node);
}

usec_t dials_deadline(const struct dials *t)
{
	const struct dial *new = first(&t->new), *waiting = first(&t->waiting);
	if (!list_empty(&t->again))
		return 0;
	return usec_min(new ? new->since + FIND_TIME : USEC_INFINITY, waiting ? waiting->since + ANSWER_TIME : USEC_INFINITY);
}

static void give_up(struct dial *d, usec_t now, int error)
{
	cancel_flow(d, now);
	fail_or_try_again(d, now, error);
}

void dials_expire(struct dials *t, usec_t now)
{
	struct dial *d;
	while ((d = first(&t->new)) && d->since + FIND_TIME <= now) {
		if (t->env->guest_is_there(t->env->opaque, &d->addresses[d->at])) {
			list_remove(&d->node);
			list_append(&t->waiting, &d->node);
		} else {
			give_up(d, now, EHOSTUNREACH);
		}
	}
	while ((d = first(&t->waiting)) && d->since + ANSWER_TIME <= now)
		give_up(d, now, ETIMEDOUT);
	while ((d = first(&t->again)))
		begin_again(d, now);
}

const char *dial_explain(int error)
{
	switch (error) {
	case ENOENT: return "there is no such guest, or it has no address yet";
	case ENETUNREACH: return "no guest can have this address";
	case ECONNREFUSED: return "the guest refused the connection";
	case ETIMEDOUT: return "the guest did not answer";
	case EHOSTUNREACH: return "no guest answers at this address";
	case EAGAIN:
	case EMFILE:
	case ENFILE: return "too many connections are open";
	case EOPNOTSUPP: return "this engine cannot open connections to guests";
	default: return strerror(error);
	}
}
