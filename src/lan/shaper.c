/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/shaper.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A frame that waits, with its bytes. */
struct held {
	struct list node;
	struct frame meta; /* without its scatter list */
	bool passes_gateway;
	uint8_t bytes[];
};

/* Frames of one direction, oldest first. */
struct lane {
	struct rate_limit limit; /* of the port */
	struct rate_bucket bucket;
	struct list frames;
	size_t bytes;
	const struct rate_limit *all; /* of the network, with its bucket */
	struct rate_bucket *all_bucket;
};

struct shaper {
	struct port *port;
	struct shaping *shaping;
	const struct port_ops *below; /* the port's own */
	struct port_ops ops;          /* what the port has instead */
	struct lane in, out;
	struct list waiting; /* in shaping->waiting while a lane has frames */
	bool releasing;      /* the frame that enters has waited */
};

/* Headers that each segment of a super-frame repeats: Ethernet, IPv4 and TCP with time stamps, or IPv4 and UDP; without VLAN tags. */
#define TCP_HEADERS 66u
#define UDP_HEADERS 42u

/* Bytes of the frames that @f will be. */
static size_t wire_len(const struct frame *f)
{
	if (f->gso == FRAME_GSO_NONE || f->gso_size == 0 || f->len <= f->gso_size)
		return f->len;
	size_t headers = f->gso == FRAME_GSO_UDP ? UDP_HEADERS : TCP_HEADERS, payload = f->len - MIN(headers, f->len);
	size_t segments = (payload + f->gso_size - 1) / f->gso_size;
	return f->len + (MAX(segments, (size_t)1) - 1) * headers;
}

/* --- lanes --- */

static usec_t ready_at(const struct lane *l, bool passes_gateway)
{
	usec_t own = rate_ready_at(&l->bucket, &l->limit);
	return passes_gateway ? MAX(own, rate_ready_at(l->all_bucket, l->all)) : own;
}

static void take(struct lane *l, usec_t now, const struct frame *f, bool passes_gateway)
{
	size_t len = wire_len(f);
	rate_take(&l->bucket, &l->limit, now, len);
	if (passes_gateway)
		rate_take(l->all_bucket, l->all, now, len);
}

static struct held *first(const struct lane *l)
{
	return container_of(l->frames.next, struct held, node);
}

static bool is_idle(const struct lane *l)
{
	return list_empty(&l->frames);
}

/* Bytes that may wait in @l. */
static size_t patience(const struct lane *l)
{
	const struct rate_limit *narrow = &l->limit;
	if (narrow->average == 0 || (l->all->average > 0 && l->all->average < narrow->average))
		narrow = l->all;
	return rate_patience(narrow);
}

static bool hold(struct lane *l, const struct frame *f, bool passes_gateway)
{
	struct held *h = l->bytes + f->len <= patience(l) ? malloc(sizeof(*h) + f->len) : NULL;
	if (!h)
		return false;
	*h = (struct held){ .meta = *f, .passes_gateway = passes_gateway };
	h->meta.iov = NULL;
	h->meta.joined = 0;
	frame_copy(f, 0, h->bytes, f->len);
	list_append(&l->frames, &h->node);
	l->bytes += f->len;
	return true;
}

static void forget(struct lane *l, struct held *h)
{
	l->bytes -= h->meta.len;
	list_remove(&h->node);
	free(h);
}

static void clear(struct lane *l)
{
	while (!is_idle(l))
		forget(l, first(l));
}

/* Whether @f may pass now; its bytes are taken.  Otherwise it waits, or is dropped. */
static bool pass_or_hold(struct shaper *s, struct lane *l, usec_t now, const struct frame *f, bool passes_gateway)
{
	if (is_idle(l) && ready_at(l, passes_gateway) <= now) {
		take(l, now, f, passes_gateway);
		return true;
	}
	if (!hold(l, f, passes_gateway))
		s->shaping->ops->drop(s->shaping->opaque, s->port, DROP_BANDWIDTH, f);
	else if (list_empty(&s->waiting))
		list_append(&s->shaping->waiting, &s->waiting);
	return false;
}

/* --- to the guest --- */

/* The NAT engine waits while half of what may wait does, so that what else is sent to the guest finds the rest. */
size_t shaping_room(const struct port *p)
{
	const struct lane *l = &p->shaper->in;
	size_t room = patience(l) / 2;
	return l->bytes < room ? room - l->bytes : 0;
}

static void settle_throttle(struct shaper *s, usec_t now)
{
	bool is_throttled = shaping_room(s->port) == 0, was_throttled = s->port->throttled;
	s->port->throttled = is_throttled;
	if (was_throttled && !is_throttled)
		s->shaping->ops->writable(s->shaping->opaque, now, s->port);
}

static void shaper_send(struct port *p, usec_t now, const struct frame *f)
{
	struct shaper *s = p->shaper;
	if (pass_or_hold(s, &s->in, now, f, !f->ingress))
		s->below->send(p, now, f);
	else
		settle_throttle(s, now);
}

static void shaper_flush(struct port *p, usec_t now)
{
	p->shaper->below->flush(p, now);
}

/* --- shapers --- */

static struct shaper *shaper_new(struct shaping *shaping, struct port *p)
{
	struct shaper *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct shaper){
		.port = p,
		.shaping = shaping,
		.below = p->ops,
		.ops = { .kind = p->ops->kind, .send = shaper_send, .flush = shaper_flush },
		.in = { .all = &shaping->limit.in, .all_bucket = &shaping->in },
		.out = { .all = &shaping->limit.out, .all_bucket = &shaping->out },
	};
	list_init(&s->in.frames);
	list_init(&s->out.frames);
	list_init(&s->waiting);
	p->shaper = s;
	p->ops = &s->ops;
	return s;
}

static bool holds_nothing(const struct shaper *s)
{
	return is_idle(&s->in) && is_idle(&s->out);
}

void shaping_detach(struct port *p)
{
	struct shaper *s = p->shaper;
	if (!s)
		return;
	clear(&s->in);
	clear(&s->out);
	list_remove(&s->waiting);
	p->ops = s->below;
	p->shaper = NULL;
	p->throttled = false;
	free(s);
}

static bool is_limited(const struct bandwidth *b)
{
	return b->in.average > 0 || b->out.average > 0;
}

static bool needs_shaper(const struct shaping *s, const struct port *p)
{
	return is_limited(&p->bandwidth) || (!p->uplink && is_limited(&s->limit));
}

int shaping_settle(struct shaping *s, struct port *p)
{
	if (!p->shaper && !needs_shaper(s, p))
		return 0;
	if (!p->shaper && !shaper_new(s, p))
		return -ENOMEM;
	p->shaper->in.limit = p->bandwidth.in;
	p->shaper->out.limit = p->bandwidth.out;
	p->is_plain = false;
	if (!needs_shaper(s, p) && holds_nothing(p->shaper))
		shaping_detach(p);
	return 0;
}

bool shaping_admits(struct shaping *s, usec_t now, struct port *p, const struct frame *frame, bool passes_gateway)
{
	return p->shaper->releasing || pass_or_hold(p->shaper, &p->shaper->out, now, frame, passes_gateway);
}

/* --- time --- */

void shaping_init(struct shaping *s, struct arena *arena, const struct shaping_ops *ops, void *opaque)
{
	*s = (struct shaping){ .arena = arena, .ops = ops, .opaque = opaque };
	list_init(&s->waiting);
}

static usec_t lane_deadline(const struct lane *l)
{
	return is_idle(l) ? USEC_INFINITY : ready_at(l, first(l)->passes_gateway);
}

usec_t shaping_deadline(const struct shaping *s)
{
	usec_t deadline = USEC_INFINITY;
	list_for_each(node, &s->waiting) {
		const struct shaper *shaper = container_of(node, struct shaper, waiting);
		deadline = usec_min(deadline, usec_min(lane_deadline(&shaper->in), lane_deadline(&shaper->out)));
	}
	return deadline;
}

/* Takes the first frame out of @l, copied for the rest of the turn.  False without memory: it is dropped. */
static bool take_first(struct shaper *s, struct lane *l, usec_t now, struct iovec *iov, struct frame *ret)
{
	struct held *h = first(l);
	const void *copy = arena_copy(s->shaping->arena, h->bytes, h->meta.len);
	*ret = h->meta;
	*iov = (struct iovec){ .iov_base = (void *)(uintptr_t)copy, .iov_len = h->meta.len };
	ret->iov = iov;
	ret->n_iov = 1;
	ret->headroom = 0;
	ret->ingress = NULL;
	take(l, now, ret, h->passes_gateway);
	forget(l, h);
	if (!copy)
		s->shaping->ops->drop(s->shaping->opaque, s->port, DROP_NO_MEMORY, NULL);
	return copy;
}

/* Sends the guest the first frame, if its time has come; else returns false. */
static bool release_in(struct shaper *s, usec_t now)
{
	struct iovec iov;
	struct frame f;
	if (lane_deadline(&s->in) > now)
		return false;
	if (take_first(s, &s->in, now, &iov, &f)) {
		s->shaping->ops->dirty(s->shaping->opaque, s->port);
		s->below->send(s->port, now, &f);
	}
	return true;
}

/* Lets the first frame from the guest enter, if its time has come; else returns false. */
static bool release_out(struct shaper *s, usec_t now)
{
	struct iovec iov;
	struct frame f;
	if (lane_deadline(&s->out) > now)
		return false;
	if (take_first(s, &s->out, now, &iov, &f)) {
		f.ingress = s->port;
		s->releasing = true;
		s->shaping->ops->enter(s->shaping->opaque, now, s->port, &f);
		s->releasing = false;
	}
	return true;
}

/* One frame of each port in turn, so that ports share what the network's limit leaves. */
void shaping_expire(struct shaping *s, usec_t now)
{
	struct list again;
	list_init(&again);
	while (!list_empty(&s->waiting)) {
		struct shaper *shaper = container_of(s->waiting.next, struct shaper, waiting);
		bool any = release_in(shaper, now) | release_out(shaper, now);
		list_remove(&shaper->waiting);
		if (!holds_nothing(shaper))
			list_append(any ? &s->waiting : &again, &shaper->waiting);
		settle_throttle(shaper, now);
		if (!needs_shaper(s, shaper->port) && holds_nothing(shaper))
			shaping_detach(shaper->port);
	}
	while (!list_empty(&again)) {
		struct list *node = again.next;
		list_remove(node);
		list_append(&s->waiting, node);
	}
}
