/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/loop_guard.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "lan/port.h"
#include "wire/eth.h"
#include "wire/loop_probe.h"

#include <inttypes.h>
#include <stdio.h>

#define PROBE_INTERVAL USEC_PER_SEC
#define PROBES_AT_FIRST 3u
/* A probe that comes back later is ignored: a loop that slow does no harm. */
#define PROBE_LIFE (5 * USEC_PER_SEC)
#define OTHERS_LIFE (15 * USEC_PER_SEC)
/* How long to wait for each segment with a lower id. */
#define WAIT_FOR_OTHERS (3 * USEC_PER_SEC)
#define FORGIVE_AFTER (600 * USEC_PER_SEC)

void loop_guard_init(struct loop_guard *g, const struct hash_key *key, const struct list *ports, const struct loop_guard_ops *ops,
		     void *opaque)
{
	*g = (struct loop_guard){ .key = *key, .ports = ports, .ops = ops, .opaque = opaque, .deadline = USEC_INFINITY };
	g->id = hash_bytes(key, "loop guard", 10);
	list_init(&g->due);
}

static struct port *find_port(const struct loop_guard *g, unsigned id)
{
	list_for_each(node, g->ports) {
		struct port *p = container_of(node, struct port, node);
		if (p->id == id)
			return p;
	}
	return NULL;
}

/* @p waits until @when, among others. */
static void wait_until(struct loop_guard *g, struct port *p, usec_t when)
{
	if (list_empty(&p->loop.due))
		list_append(&g->due, &p->loop.due);
	g->deadline = MIN(g->deadline, when);
}

/* --- probes --- */

static uint64_t tag_of(const struct loop_guard *g, const struct loop_probe *p)
{
	uint64_t text[] = { p->segment, p->port, p->sequence };
	return hash_bytes(&g->key, text, sizeof(text));
}

static void send_probe(struct loop_guard *g, usec_t now, struct port *p, struct mac src)
{
	struct loop_probe probe = { .segment = g->id, .port = p->id, .sequence = ++p->loop.sequence };
	probe.tag = tag_of(g, &probe);
	uint8_t bytes[LOOP_PROBE_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	loop_probe_emit(&w, src, &probe);
	p->loop.probed_at = now;
	g->ops->send(g->opaque, now, p, bytes, sizeof(bytes));
}

static void want_probes(struct loop_guard *g, struct port *p, usec_t when, unsigned n)
{
	p->loop.next_probe = MIN(p->loop.next_probe, when);
	p->loop.probes_left = MAX(p->loop.probes_left, n);
	wait_until(g, p, p->loop.next_probe);
}

void loop_guard_attached(struct loop_guard *g, struct port *p)
{
	p->loop = (struct loop_state){ .next_probe = USEC_INFINITY };
	list_init(&p->loop.due);
	if (p->uplink)
		want_probes(g, p, 0, PROBES_AT_FIRST);
}

void loop_guard_detached(struct loop_guard *g, usec_t now, struct port *p)
{
	list_remove(&p->loop.due);
	list_for_each(node, &g->due) {
		struct loop_state *s = &container_of(node, struct port, loop.due)->loop;
		if (s->phase != LOOP_BLOCKED || s->peer != p->id)
			continue;
		s->until = now;
		g->deadline = MIN(g->deadline, now);
	}
}

void loop_guard_spoken(struct loop_guard *g, usec_t now, struct port *p)
{
	p->loop.spoken = true;
	want_probes(g, p, now, PROBES_AT_FIRST);
}

void loop_guard_suspect(struct loop_guard *g, usec_t now, struct port *p)
{
	if (loop_passes(&p->loop))
		want_probes(g, p, p->loop.probed_at == 0 ? now : MAX(now, p->loop.probed_at + PROBE_INTERVAL), 1);
}

/* --- which segment acts --- */

static void hear_other(struct loop_guard *g, usec_t now, uint64_t id)
{
	unsigned oldest = 0;
	for (unsigned i = 0; i < LOOP_OTHERS_MAX; i++) {
		if (g->others[i].id == id) {
			g->others[i].heard = now;
			return;
		}
		if (g->others[i].heard < g->others[oldest].heard)
			oldest = i;
	}
	g->others[oldest].id = id;
	g->others[oldest].heard = now;
}

static bool is_near(const struct loop_guard *g, usec_t now, unsigned i)
{
	return g->others[i].heard > 0 && now - g->others[i].heard < OTHERS_LIFE;
}

/* How many nearby segments have a lower id: they cut a loop before this one does. */
static unsigned rank(const struct loop_guard *g, usec_t now)
{
	unsigned n = 0;
	for (unsigned i = 0; i < LOOP_OTHERS_MAX; i++)
		n += is_near(g, now, i) && g->others[i].id < g->id;
	return n;
}

static bool has_neighbours(const struct loop_guard *g, usec_t now)
{
	for (unsigned i = 0; i < LOOP_OTHERS_MAX; i++)
		if (is_near(g, now, i))
			return true;
	return false;
}

/* How long to leave a loop between @from and @to to other segments.  A port learns of them in its first seconds. */
static usec_t patience(const struct loop_guard *g, usec_t now, const struct port *from, const struct port *to)
{
	if (from != to)
		return rank(g, now) * WAIT_FOR_OTHERS;
	return has_neighbours(g, now) ? LOOP_OTHERS_MAX * WAIT_FOR_OTHERS : WAIT_FOR_OTHERS;
}

/* Whether to leave a loop, which @p's probe has shown by coming in on @to, to other segments for now.  Sets when to look again. */
static bool is_left_to_others(struct loop_guard *g, usec_t now, struct port *p, const struct port *to)
{
	if (p->loop.noticed_at == 0 || now - p->loop.noticed_at > OTHERS_LIFE * 2)
		p->loop.noticed_at = now;
	if (now - p->loop.noticed_at >= patience(g, now, p, to))
		return false;
	want_probes(g, p, now + PROBE_INTERVAL, 1);
	return true;
}

static struct port *choose_victim(struct port *a, struct port *b)
{
	if (a->uplink != b->uplink)
		return a->uplink ? b : a;
	return a->id > b->id ? a : b;
}

/* --- blocking --- */

static void block(struct loop_guard *g, usec_t now, struct port *p, const struct port *peer)
{
	struct loop_state *s = &p->loop;
	bool again = s->phase != LOOP_FORWARDING;
	if (!again && now - s->unblocked_at > FORGIVE_AFTER)
		s->failures = 0;
	s->phase = LOOP_BLOCKED;
	s->peer = peer->id;
	s->until = now + (LOOP_BLOCK_TIME << MIN(s->failures, LOOP_BLOCK_DOUBLINGS_MAX));
	s->failures++;
	s->noticed_at = 0;
	s->next_probe = USEC_INFINITY;
	s->probes_left = 0;
	wait_until(g, p, s->until);
	g->ops->blocked(g->opaque, now, p, again);
}

static void begin_try(struct loop_guard *g, usec_t now, struct port *p)
{
	p->loop.phase = LOOP_TRYING;
	p->loop.until = now + LOOP_TRY_TIME;
	want_probes(g, p, now, PROBES_AT_FIRST);
}

static void end_try(struct loop_guard *g, usec_t now, struct port *p)
{
	p->loop.phase = LOOP_FORWARDING;
	p->loop.unblocked_at = now;
	if (p->uplink)
		want_probes(g, p, now + LOOP_UPLINK_INTERVAL, 0);
	g->ops->unblocked(g->opaque, now, p);
}

/* A probe sent out of @from has come in on @to. */
static void came_back(struct loop_guard *g, usec_t now, struct port *from, struct port *to)
{
	if (from->loop.phase == LOOP_BLOCKED || to->loop.phase == LOOP_BLOCKED)
		return; /* known and cut already */
	if (from->loop.phase == LOOP_TRYING)
		block(g, now, from, to);
	else if (to->loop.phase == LOOP_TRYING)
		block(g, now, to, from);
	else if (!is_left_to_others(g, now, from, to)) {
		struct port *victim = choose_victim(from, to);
		block(g, now, victim, victim == from ? to : from);
	}
}

static bool is_ours(const struct loop_guard *g, usec_t now, const struct loop_probe *probe, const struct port *from)
{
	return from && probe->tag == tag_of(g, probe) && probe->sequence == from->loop.sequence && from->loop.probed_at + PROBE_LIFE >= now;
}

bool loop_guard_input(struct loop_guard *g, usec_t now, struct port *p, const struct frame *f)
{
	uint8_t bytes[LOOP_PROBE_LEN - ETH_HEADER_LEN];
	struct bytes_reader r = bytes_reader(bytes, frame_copy(f, ETH_HEADER_LEN, bytes, sizeof(bytes)));
	struct loop_probe probe;
	if (loop_probe_parse(&r, &probe) < 0)
		return false;
	if (probe.segment != g->id) {
		hear_other(g, now, probe.segment);
		return false;
	}
	struct port *from = find_port(g, probe.port);
	if (is_ours(g, now, &probe, from))
		came_back(g, now, from, p);
	return true;
}

/* --- time --- */

static void probe_if_due(struct loop_guard *g, usec_t now, struct port *p, struct mac src)
{
	struct loop_state *s = &p->loop;
	if (s->next_probe > now)
		return;
	send_probe(g, now, p, src);
	s->probes_left -= s->probes_left > 0;
	if (s->probes_left > 0)
		s->next_probe = now + PROBE_INTERVAL;
	else
		s->next_probe = p->uplink && loop_passes(s) ? now + LOOP_UPLINK_INTERVAL : USEC_INFINITY;
}

static void expire_port(struct loop_guard *g, usec_t now, struct port *p, struct mac src)
{
	if (p->loop.phase == LOOP_BLOCKED && p->loop.until <= now)
		begin_try(g, now, p);
	else if (p->loop.phase == LOOP_TRYING && p->loop.until <= now)
		end_try(g, now, p);
	probe_if_due(g, now, p, src);
}

/* When @s is due next; USEC_INFINITY: never. */
static usec_t due_at(const struct loop_state *s)
{
	return loop_passes(s) ? s->next_probe : usec_min(s->next_probe, s->until);
}

/* Takes ports that are not due any more from the list, and returns when the first of the others is. */
static usec_t earliest(struct loop_guard *g)
{
	usec_t first = USEC_INFINITY;
	list_for_each(node, &g->due) {
		usec_t at = due_at(&container_of(node, struct port, loop.due)->loop);
		if (at == USEC_INFINITY)
			list_remove(node);
		first = usec_min(first, at);
	}
	return first;
}

usec_t loop_guard_deadline(const struct loop_guard *g)
{
	return g->deadline;
}

void loop_guard_expire(struct loop_guard *g, usec_t now, struct mac src)
{
	if (g->deadline > now)
		return;
	list_for_each(node, &g->due)
		expire_port(g, now, container_of(node, struct port, loop.due), src);
	g->deadline = earliest(g);
}

const char *loop_guard_describe(const struct loop_guard *g, usec_t now, const struct port *p, char buf[static LOOP_TEXT_SIZE])
{
	const struct loop_state *s = &p->loop;
	const struct port *peer = find_port(g, s->peer);
	if (loop_passes(s)) {
		buf[0] = '\0';
	} else {
		char where[PORT_NAME_SIZE + sizeof("to port  is")] = "to a port that is gone";
		if (peer)
			snprintf(where, sizeof(where), "to port %s", peer->name);
		usec_t left = s->phase == LOOP_BLOCKED && s->until > now ? s->until - now : 0;
		snprintf(buf, LOOP_TEXT_SIZE, "blocked: a loop, what is sent %s comes back here; tried again in %" PRIu64 " s", where,
			 left / USEC_PER_SEC);
	}
	return buf;
}
