/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcp_link.h"

#include "base/macros.h"

#include <glib.h>
#include <string.h>

/* One end: a TCP machine and the state that its shell keeps.  Each byte of a stream is a function of its offset. */
struct end {
	struct tcp_flow flow;
	uint8_t outgoing, incoming; /* number of the stream */
	size_t to_send;             /* bytes of the host side's stream */
	size_t consumed;            /* of these, removed from the queue */
	uint8_t *store;             /* received bytes, by offset */
	size_t in_order, taken, expected;
	bool shut, over, released, wrong;
	usec_t done_at;
};

struct wire_packet {
	usec_t at;
	unsigned order;
	struct end *to;
	struct tcp_header header;
	uint32_t len;
	uint8_t payload[];
};

struct link {
	const struct tcp_link_config *config;
	GRand *rand;
	GSequence *under_way;
	usec_t now;
	unsigned packets;
	struct end guest, host;
};

static uint8_t stream_byte(uint8_t stream, size_t at)
{
	uint32_t v = (uint32_t)at * 2654435761u + stream * 40503u;
	return (uint8_t)(v >> 24 ^ v >> 13);
}

static gint by_time(gconstpointer a, gconstpointer b, gpointer unused)
{
	const struct wire_packet *p = a, *q = b;
	if (p->at != q->at)
		return p->at < q->at ? -1 : 1;
	return p->order < q->order ? -1 : 1;
}

static void put_on_wire(struct link *l, struct end *from, const struct tcp_header *h, size_t place, uint32_t len)
{
	struct end *to = from == &l->guest ? &l->host : &l->guest;
	unsigned copies = 1;
	l->packets++;
	if (g_rand_double(l->rand) < l->config->duplicates)
		copies = 2;
	if (g_rand_double(l->rand) < l->config->loss)
		copies = 0;
	for (unsigned c = 0; c < copies; c++) {
		struct wire_packet *p = g_malloc(sizeof(*p) + len);
		*p = (struct wire_packet){ .to = to, .header = *h, .len = len, .order = l->packets };
		p->at = l->now + l->config->delay;
		if (g_rand_double(l->rand) < l->config->late)
			p->at += l->config->delay / 2;
		for (uint32_t i = 0; i < len; i++)
			p->payload[i] = stream_byte(from->outgoing, place + i);
		g_sequence_insert_sorted(l->under_way, p, by_time, NULL);
	}
}

static void send_data(struct link *l, struct end *e, const struct tcp_action *a)
{
	size_t place = e->consumed + a->offset;
	size_t there = place < e->to_send ? e->to_send - place : 0;
	uint32_t n = (uint32_t)MIN((size_t)a->len, there);
	tcp_flow_data_found(&e->flow, a, n, place + n == e->to_send && n < a->len);
	uint32_t segment = tcp_flow_segment_size(&e->flow);
	for (uint32_t at = 0; at < n; at += segment) {
		struct tcp_header h;
		uint32_t len = MIN(segment, n - at);
		tcp_flow_data_header(&e->flow, l->now, a->seq + at, len, &h);
		put_on_wire(l, e, &h, place + at, len);
	}
}

static void host_takes(struct link *l, struct end *e, size_t most)
{
	size_t n = MIN(most, e->in_order - e->taken);
	for (size_t i = 0; i < n; i++)
		if (e->store[e->taken + i] != stream_byte(e->incoming, e->taken + i))
			e->wrong = true;
	e->taken += n;
	tcp_flow_host_took(&e->flow, (uint32_t)n);
	if (e->taken == e->expected && e->done_at == 0)
		e->done_at = l->now;
}

static void act(struct link *l, struct end *e)
{
	struct tcp_action a;
	while (!e->over && tcp_flow_next(&e->flow, l->now, &a)) {
		switch (a.type) {
		case TCP_ACTION_SEGMENT: put_on_wire(l, e, &a.header, 0, 0); break;
		case TCP_ACTION_DATA: send_data(l, e, &a); break;
		case TCP_ACTION_CONSUME: e->consumed += a.len; break;
		case TCP_ACTION_SHUTDOWN: e->shut = true; break;
		case TCP_ACTION_RELEASE: e->released = e->shut = true; break;
		case TCP_ACTION_END:
			e->over = true;
			e->shut = e->flow.fin_received; /* closing passes the FIN on */
			break;
		case TCP_ACTION_ABORT: e->wrong = true; break;
		default: break;
		}
	}
}

static void arrive(struct link *l, struct wire_packet *p)
{
	struct end *e = p->to;
	struct tcp_take take;
	if (e->over)
		return;
	if (tcp_flow_segment(&e->flow, l->now, &p->header, p->len, &take) == TCP_VERDICT_RESET)
		e->wrong = true;
	if (take.len > 0) {
		size_t place = e->in_order + take.offset;
		g_assert_cmpuint(take.skip + take.len, <=, p->len);
		/* Bytes that the machine accepts must fit the room that the shell has promised. */
		g_assert_cmpuint(place + take.len - e->taken, <=, TCP_FLOW_WINDOW);
		g_assert_cmpuint(place + take.len, <=, e->expected);
		memcpy(e->store + place, p->payload + take.skip, take.len);
	}
	e->in_order += take.advance;
	if (l->config->host_takes == 0)
		host_takes(l, e, SIZE_MAX);
	if (e == &l->host && e->flow.state == TCP_STATE_CONNECTING)
		tcp_flow_host_connected(&e->flow, l->now);
}

static usec_t next_event(struct link *l, usec_t next_take)
{
	usec_t at = usec_min(l->guest.over ? USEC_INFINITY : tcp_flow_deadline(&l->guest.flow),
			     l->host.over ? USEC_INFINITY : tcp_flow_deadline(&l->host.flow));
	GSequenceIter *first = g_sequence_get_begin_iter(l->under_way);
	if (!g_sequence_iter_is_end(first))
		at = usec_min(at, ((struct wire_packet *)g_sequence_get(first))->at);
	return usec_min(at, next_take);
}

static bool finished(const struct end *e)
{
	return (e->over || e->released) && e->shut && e->taken == e->expected;
}

static void begin_at_host(struct link *l)
{
	struct end *g = &l->guest;
	struct tcp_action a;
	/* The first SYN has a function of its own in the other machine. */
	tcp_flow_connect(&g->flow, l->now, &(struct tcp_open){ .iss = g_rand_int(l->rand), .mss = l->config->mss });
	g_assert_true(tcp_flow_next(&g->flow, l->now, &a));
	tcp_flow_accept(&l->host.flow, l->now, &(struct tcp_open){ .iss = g_rand_int(l->rand), .mss = l->config->mss }, &a.header);
	tcp_flow_host_connected(&l->host.flow, l->now);
	tcp_flow_host_readable(&l->host.flow);
	tcp_flow_host_readable(&g->flow);
}

static void run(struct link *l)
{
	usec_t next_take = l->config->host_takes > 0 ? l->now + USEC_PER_MSEC : USEC_INFINITY;
	begin_at_host(l);
	act(l, &l->host);
	while (l->now < l->config->limit && !(finished(&l->guest) && finished(&l->host))) {
		l->now = next_event(l, next_take);
		if (l->now >= next_take) {
			host_takes(l, &l->guest, l->config->host_takes);
			host_takes(l, &l->host, l->config->host_takes);
			next_take = l->now + USEC_PER_MSEC;
		}
		GSequenceIter *first = g_sequence_get_begin_iter(l->under_way);
		while (!g_sequence_iter_is_end(first) && ((struct wire_packet *)g_sequence_get(first))->at <= l->now) {
			arrive(l, g_sequence_get(first));
			g_sequence_remove(first);
			first = g_sequence_get_begin_iter(l->under_way);
		}
		struct end *ends[] = { &l->guest, &l->host };
		for (unsigned i = 0; i < 2; i++) {
			if (!ends[i]->over)
				tcp_flow_expire(&ends[i]->flow, l->now);
			act(l, ends[i]);
		}
	}
}

struct tcp_link_result tcp_link_run(const struct tcp_link_config *config)
{
	struct link l = {
		.config = config,
		.rand = g_rand_new_with_seed(config->seed),
		.under_way = g_sequence_new(g_free),
		.now = 1000 * USEC_PER_SEC,
		.guest = { .outgoing = 1, .incoming = 2, .to_send = config->to_host, .expected = config->to_guest },
		.host = { .outgoing = 2, .incoming = 1, .to_send = config->to_guest, .expected = config->to_host },
	};
	struct tcp_link_config shifted = *config;
	shifted.limit += l.now;
	l.config = &shifted;
	usec_t start = l.now;
	l.guest.store = g_malloc(config->to_guest + 1);
	l.host.store = g_malloc(config->to_host + 1);
	run(&l);
	struct tcp_link_result r = {
		.complete = finished(&l.guest) && finished(&l.host),
		.intact = !l.guest.wrong && !l.host.wrong,
		.took = MAX(l.guest.done_at, l.host.done_at) - start,
		.packets = l.packets,
	};
	g_free(l.guest.store);
	g_free(l.host.store);
	g_sequence_free(l.under_way);
	g_rand_free(l.rand);
	return r;
}
