/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/dial.h"

#include "base/macros.h"
#include "network/forward/client.h"
#include "network/forward/forward.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FIND_TIME (4 * USEC_PER_SEC) /* time for three ARP requests */
#define ANSWER_TIME (20 * USEC_PER_SEC)

void dials_init(struct dials *t, const struct forward_env *env)
{
	*t = (struct dials){ .env = env };
	list_init(&t->new);
	list_init(&t->waiting);
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

static void failed(struct engine_opening *o, usec_t now, int error)
{
	fail(of_opening(o), now, error);
}

static bool is_guest_address(const struct forward_env *env, ip4_t ip)
{
	return prefix4_contains(env->subnet, ip) && ip != env->gateway && ip != env->subnet.network && ip != prefix4_broadcast(env->subnet);
}

static int find(const struct forward_env *env, usec_t now, const struct guest_ref *guest, ip4_t *ret)
{
	int r = env->find_guest(env->opaque, now, guest, ret);
	if (r < 0)
		return r;
	return is_guest_address(env, *ret) ? 0 : -ENETUNREACH;
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

static int begin(struct dials *t, usec_t now, struct dial *d, uint16_t port, const struct ip_endpoint *client)
{
	struct engine_open how = {
		.guest = t->env->expect_guest(t->env->opaque, now, d->guest),
		.to = { ip_from_ip4(d->guest), port },
		.source = forward_client_source(t->env, client),
		.fd = -1,
		.opening = &d->opening,
	};
	if (!how.guest)
		return -ENOMEM;
	if (!t->env->engine_ops->cancel)
		return begin_unheard(t, now, d, &how);
	int r = forward_client_open(t->env, now, &how);
	if (r < 0)
		return r;
	d->dials = t;
	d->since = now;
	list_append(&t->new, &d->node);
	t->n++;
	return 0;
}

int dial_begin(struct dials *t, usec_t now, struct dial *d, const struct guest_ref *guest, uint16_t port, const struct ip_endpoint *client)
{
	list_init(&d->node);
	d->dials = NULL;
	d->opening = (struct engine_opening){ .opened = opened, .failed = failed };
	int r = t->n < DIALS_MAX ? find(t->env, now, guest, &d->guest) : -EAGAIN;
	if (r == 0)
		r = begin(t, now, d, port, client);
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
	return usec_min(new ? new->since + FIND_TIME : USEC_INFINITY, waiting ? waiting->since + ANSWER_TIME : USEC_INFINITY);
}

static void give_up(struct dial *d, usec_t now, int error)
{
	cancel_flow(d, now);
	fail(d, now, error);
}

void dials_expire(struct dials *t, usec_t now)
{
	struct dial *d;
	while ((d = first(&t->new)) && d->since + FIND_TIME <= now) {
		if (t->env->guest_is_there(t->env->opaque, d->guest)) {
			list_remove(&d->node);
			list_append(&t->waiting, &d->node);
		} else {
			give_up(d, now, EHOSTUNREACH);
		}
	}
	while ((d = first(&t->waiting)) && d->since + ANSWER_TIME <= now)
		give_up(d, now, ETIMEDOUT);
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
