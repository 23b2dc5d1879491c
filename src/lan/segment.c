/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/segment.h"

#include "base/log.h"
#include "base/macros.h"
#include "lan/segment_internal.h"

/* Memory for headers and answers of one turn.  A batch of a port needs less. */
#define ARENA_BYTES_PER_TURN ((size_t)64 * 1024 * 1024)

void segment_done(struct segment *s)
{
	if (!s->ports.next)
		return;
	assert(list_empty(&s->ports));
	fdb_done(&s->fdb);
	arena_done(&s->arena);
}

void segment_observe(struct segment *s, struct observer *o)
{
	observers_add(&s->observers, o);
}

void segment_unobserve(struct segment *s, struct observer *o)
{
	observers_remove(&s->observers, o);
}

/* --- ports --- */

void segment_set_gateway(struct segment *s, const struct segment_gateway *gateway)
{
	s->gateway = *gateway;
	snoop_set_querier(&s->snoop, gateway->mac, gateway->ip);
	segment_attach(s, gateway->port);
}

void segment_settle_port(struct segment *s, struct port *p)
{
	switch (p->guard) {
	case PORT_GUARD_DEFAULT: p->guarded = !s->config.unguarded && !p->uplink; break;
	case PORT_GUARD_ON: p->guarded = true; break;
	case PORT_GUARD_OFF: p->guarded = false; break;
	}
	list_remove(&p->server);
	if (p->uplink || p->may_serve_dhcp || !p->guarded)
		list_append(&s->servers, &p->server);
	if (shaping_settle(&s->shaping, p) < 0)
		log_error(s->config.log, "port %s: no memory to limit its bandwidth", p->name);
}

void segment_heard(struct segment *s, struct port *p)
{
	if (!p->uplink && p->n_macs <= 1)
		list_remove(&p->hiding);
}

void segment_set_unguarded(struct segment *s, bool unguarded)
{
	s->config.unguarded = unguarded;
	list_for_each(node, &s->ports)
		segment_settle_port(s, container_of(node, struct port, node));
}

void segment_set_bandwidth(struct segment *s, const struct bandwidth *limit)
{
	s->shaping.limit = *limit;
	list_for_each(node, &s->ports)
		segment_settle_port(s, container_of(node, struct port, node));
}

void segment_set_guard(struct segment *s, const struct segment_guard *guard)
{
	s->guard = guard ? *guard : (struct segment_guard){ 0 };
}

void segment_attach(struct segment *s, struct port *p)
{
	p->segment = s;
	p->id = ++s->last_port_id;
	p->isolated |= s->config.isolate && !p->uplink;
	segment_settle_port(s, p);
	list_append(&s->ports, &p->node);
	if (p != s->gateway.port)
		list_append(&s->hiding, &p->hiding);
	s->n_ports++;
	snoop_attached(&s->snoop, p);
	if (p != s->gateway.port)
		loop_guard_attached(&s->loops, p);
}

static void record(struct segment *s, usec_t now, const struct port *p, enum segment_change what)
{
	const struct segment_journal *j = &s->config.journal;
	if (j->changed)
		j->changed(j->opaque, now, p, what);
}

void segment_detach(struct segment *s, usec_t now, struct port *p)
{
	assert(gro_is_empty(&s->gro));
	observers_port_gone(s->observers, p);
	log_limit_end(s->config.log, &p->log_limit);
	shaping_detach(p);
	fdb_forget(&s->fdb, p);
	snoop_detached(&s->snoop, p);
	list_remove(&p->node);
	list_remove(&p->dirty);
	list_remove(&p->server);
	list_remove(&p->hiding);
	p->segment = NULL;
	s->n_ports--;
	loop_guard_detached(&s->loops, now, p);
	if (p == s->gateway.port)
		return;
	if (s->guard.detached)
		s->guard.detached(s->guard.opaque, now, p);
	record(s, now, p, SEGMENT_PORT_DETACHED);
}

void segment_drop(struct segment *s, struct port *p, enum drop_reason why, const struct frame *frame)
{
	struct drop_example *example = &s->drop_examples[why];
	unsigned n = frame && frame->joined > 0 ? frame->joined : 1;
	if (s->drops.count[why] == 0)
		s->has_first_drop = true;
	s->drops.count[why] += n;
	if (p)
		p->counters.drops.count[why] += n;
	example->when = s->now;
	example->len = frame ? frame->len : 0;
	memcpy(example->port, p ? p->name : "", p ? sizeof(example->port) : 1);
	if (frame)
		frame_copy(frame, 0, example->head, sizeof(example->head));
	if (s->observers)
		observers_drop(s->observers, p, why, frame);
}

/* --- a turn --- */

void segment_flush(struct segment *s, usec_t now)
{
	if (!gro_is_empty(&s->gro))
		gro_flush(&s->gro);
	if (s->gateway.port)
		s->gateway.flush(s->gateway.opaque, now);
	while (!list_empty(&s->dirty)) {
		struct port *p = container_of(s->dirty.next, struct port, dirty);
		list_remove(&p->dirty);
		p->ops->flush(p, now);
	}
	arena_reset(&s->arena);
	if (s->observers)
		observers_turn_ends(s->observers);
	if (s->config.journal.turn_ends)
		s->config.journal.turn_ends(s->config.journal.opaque, now);
}

void segment_port_writable(struct segment *s, usec_t now, struct port *p)
{
	if (s->gateway.port && !port_is_busy(p))
		s->gateway.writable(s->gateway.opaque, now, p);
}

/* --- loops --- */

static void port_blocked(void *opaque, usec_t now, struct port *p, bool again)
{
	struct segment *s = opaque;
	char why[LOOP_TEXT_SIZE];
	fdb_forget(&s->fdb, p);
	if (again)
		return;
	log_important(s->config.log, &p->log_limit, now, LOG_MATTER_LOOP, "port %s: %s", p->name,
		      loop_guard_describe(&s->loops, now, p, why));
	record(s, now, p, SEGMENT_PORT_BLOCKED);
}

static void port_unblocked(void *opaque, usec_t now, struct port *p)
{
	struct segment *s = opaque;
	log_limited(s->config.log, &p->log_limit, now, LOG_LEVEL_INFO, "port %s: the loop is gone, forwarding again", p->name);
	record(s, now, p, SEGMENT_PORT_UNBLOCKED);
}

/* --- frames that waited for a limit of bandwidth --- */

static void enter_late(void *opaque, usec_t now, struct port *p, const struct frame *frame)
{
	segment_input_again(opaque, now, p, frame);
}

static void drop_late(void *opaque, struct port *p, enum drop_reason why, const struct frame *frame)
{
	segment_drop(opaque, p, why, frame);
}

static void writable_again(void *opaque, usec_t now, struct port *p)
{
	segment_port_writable(opaque, now, p);
}

static void is_dirty(void *opaque, struct port *p)
{
	struct segment *s = opaque;
	if (list_empty(&p->dirty))
		list_append(&s->dirty, &p->dirty);
}

static const struct shaping_ops shaping_ops = {
	.enter = enter_late,
	.drop = drop_late,
	.writable = writable_again,
	.dirty = is_dirty,
};

static const struct snoop_ops snoop_ops = { .send = segment_send_own };

static const struct loop_guard_ops loop_ops = {
	.send = segment_send_own,
	.blocked = port_blocked,
	.unblocked = port_unblocked,
};

/* A segment without a gateway sends probes from a locally administered MAC (IEEE 802-2014 §8.4). */
static struct mac probe_mac(const struct segment *s)
{
	if (s->gateway.port)
		return s->gateway.mac;
	uint64_t id = s->loops.id;
	return (struct mac){ { 0x02, (uint8_t)(id >> 32), (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id } };
}

usec_t segment_deadline(const struct segment *s)
{
	return usec_min(shaping_deadline(&s->shaping), usec_min(loop_guard_deadline(&s->loops), snoop_deadline(&s->snoop)));
}

void segment_expire(struct segment *s, usec_t now)
{
	shaping_expire(&s->shaping, now);
	loop_guard_expire(&s->loops, now, probe_mac(s));
	snoop_expire(&s->snoop, now);
}

int segment_init(struct segment *s, const struct segment_config *config)
{
	struct segment fresh = { .config = *config };
	*s = fresh;
	fdb_init(&s->fdb, &config->hash_key);
	list_init(&s->ports);
	list_init(&s->dirty);
	list_init(&s->servers);
	list_init(&s->hiding);
	loop_guard_init(&s->loops, &config->hash_key, &s->ports, &loop_ops, s);
	snoop_init(&s->snoop, config->snooping, &s->ports, &snoop_ops, s);
	arena_init(&s->arena, ARENA_BYTES_PER_TURN);
	shaping_init(&s->shaping, &s->arena, &shaping_ops, s);
	gro_init(&s->gro, &s->gateway.mac, &s->arena, segment_enter_joined, s);
	return 0;
}
