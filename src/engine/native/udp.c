/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP: one unconnected socket per port of a guest (endpoint-independent mapping, RFC 4787 REQ-1), bound to the same port number if
 * it is free; its error queue and its turns.
 */
#include "engine/native/udp.h"

#include "base/macros.h"
#include "engine/native/udp_listener.h"
#include "engine/refuse.h"
#include "lan/frame.h"
#include "lan/gso.h"
#include "lan/packet.h"
#include "wire/udp.h"

#include <errno.h>

#define TURN_BATCHES 8
#define ITEMS_PER_BATCH 16 /* of poller_slice_is_over() */
#define PORT_RESERVED 1024

static void drop(struct engine *e, enum drop_reason why, const struct packet *p)
{
	e->config.env->ops->drop(e->config.env, why, p);
}

/* --- guest to host --- */

static int find_or_make(struct engine *e, usec_t now, const struct packet *p, const struct ip_endpoint *guest, struct native_datagram **ret)
{
	struct flow_key key = { .guest = *guest };
	if (e->no_inet6 && e->config.ip6.nat64)
		key.remote.addr = NATIVE_BY_IPV4;
	*ret = native_datagram_find(e, NATIVE_UDP, &key);
	if (*ret)
		return 0;
	int r = native_datagram_new(e, now, NATIVE_UDP, p, &key, guest->port >= PORT_RESERVED ? guest->port : 0, ret);
	if (r == 0)
		(*ret)->segment_max = e->udp_segment ? UINT16_MAX : 0;
	return r;
}

/* RFC 8200 §8.1 */
static bool lacks_checksum(const struct packet *p, const struct udp_header *h)
{
	return h->checksum == 0 && !packet_is_v4(p) && p->frame->checksum == FRAME_CHECKSUM_COMPLETE;
}

void native_udp_input(struct engine *e, usec_t now, const struct packet *p)
{
	const uint8_t *head = frame_linear(p->frame, p->l4_offset, MIN(p->l4_len, (size_t)UDP_HEADER_LEN), p->arena);
	struct bytes_reader r = bytes_reader(head, head ? MIN(p->l4_len, (size_t)UDP_HEADER_LEN) : 0);
	struct udp_header h;
	if (udp_parse(&r, &h) < 0 || h.len > p->l4_len || h.dst_port == 0 || lacks_checksum(p, &h)) {
		drop(e, DROP_UDP_MALFORMED, p);
		return;
	}
	size_t len = (size_t)h.len - UDP_HEADER_LEN;
	int each = gso_datagram_len(p->frame, len);
	if (each < 0) {
		drop(e, DROP_UDP_MALFORMED, p);
		return;
	}
	/* Bytes after the datagram in its packet are not part of it (RFC 9868 §5). */
	if (h.checksum != 0 && !native_checksum_is_right(e, p, h.len, DROP_UDP_MALFORMED))
		return;
	struct ip_endpoint guest = { p->src, h.src_port }, claimed = { p->dst, h.dst_port }, real = claimed;
	/* Opened flows know their peer: the gateway's address may stand for a client on a host that has no address outside. */
	struct native_datagram *d = native_datagram_find_opened(e, &(struct flow_key){ guest, claimed });
	if (!d && native_dial_address(e, now, &claimed.addr, &real.addr) < 0) {
		refuse_port(e->config.env, now, p);
		return;
	}
	int result = d ? 0 : find_or_make(e, now, p, &guest, &d);
	if (result == 0)
		native_flow_wake(&d->base);
	if (result == 0 && d->outside) {
		udp_peer_answered(d->outside);
		real = d->outside->path.peer;
	}
	if (result == 0)
		result = mapping_sent(&d->mapping, now, &claimed, &real);
	if (result == 0)
		result = native_udp_gather(d, p, &claimed, &real, (size_t)each, len);
	if (result < 0)
		native_refuse_at_limit(e, now, p, -result);
}

/* --- errors --- */

void native_udp_tell_guest(struct native_datagram *d, usec_t now, struct native_icmp_error *error, const struct ip_endpoint *claimed,
			   const void *payload, size_t known, size_t len)
{
	const struct ip_endpoint *guest = &d->base.flow.key.guest;
	uint8_t original[UDP_HEADER_LEN + NATIVE_ERRQUEUE_PAYLOAD];
	struct bytes_writer w = bytes_writer(original, sizeof(original));
	if (known == len && len < NATIVE_ERRQUEUE_PAYLOAD) {
		udp_emit_datagram(&w, &guest->addr, &claimed->addr, guest->port, claimed->port, payload, len);
	} else {
		/* No checksum: not all bytes are known. */
		udp_emit(&w, &(struct udp_header){
				     .src_port = guest->port, .dst_port = claimed->port, .len = (uint16_t)(UDP_HEADER_LEN + len) });
		bytes_put(&w, payload, MIN(known, (size_t)NATIVE_ERRQUEUE_PAYLOAD));
	}
	error->guest = d->base.guest;
	error->ip.src = guest->addr;
	error->ip.dst = claimed->addr;
	error->ip.protocol = IP_PROTOCOL_UDP;
	native_sent_find(&d->sent, native_udp_sent_key(claimed->port, len), &error->ip);
	error->original = original;
	error->original_len = w.len;
	error->payload_len = UDP_HEADER_LEN + len;
	native_output_error(d->base.engine, now, error);
	error->original = NULL; /* it was ours */
}

void native_udp_pass_on_error(struct native_datagram *d, usec_t now, struct native_errqueue *q)
{
	struct ip_endpoint claimed = q->dst;
	struct ip_addr offender = q->offender;
	mapping_admits(&d->mapping, MAPPING_FILTER_NONE, &q->dst, &claimed);
	native_error_translate(q, !ip_is_v4(&d->base.flow.key.guest.addr));
	if (!q->is_icmp)
		return;
	struct native_icmp_error error = {
		.type = q->type,
		.code = q->code,
		.info = native_error_info(q),
		/* A peer that the guest knows by another address must answer from that address. */
		.from = ip_equal(&offender, &q->dst.addr) ? claimed.addr : q->offender,
		.ip.hop_limit = 1,
	};
	native_udp_tell_guest(d, now, &error, &claimed, q->payload, q->payload_len, q->payload_len);
}

struct native_drained native_udp_drain_errors(struct native_datagram *d, usec_t now)
{
	if (d->outside)
		return udp_listener_drain_errors(d->outside->listener, now);
	struct native_drained drained = { 0 };
	struct native_errqueue q;
	while (native_errqueue_read(d->base.watch.fd, &q)) {
		drained.n_of_icmp += q.is_icmp;
		if (q.is_icmp)
			native_udp_pass_on_error(d, now, &q);
		else if (q.error == EMSGSIZE)
			drained.mtu = q.info;
	}
	d->errors = false;
	return drained;
}

/* --- turns --- */

/* Reads the socket of @d for a turn.  True: its datagrams wait for the guest's port. */
static bool receive(struct native_datagram *d, usec_t now)
{
	struct native_flow *f = &d->base;
	struct udp_reader reader = { .engine = f->engine, .fd = f->watch.fd, .habits = &d->habits, .flow = d };
	for (unsigned i = 0;
	     d->readable && i < TURN_BATCHES && (i == 0 || !poller_slice_is_over(f->engine->config.poller, ITEMS_PER_BATCH)); i++) {
		if (udp_read_should_wait(f->engine, now, f->guest))
			return true;
		d->readable = udp_read(&reader, now);
	}
	return false;
}

static void udp_run(struct native_flow *f, usec_t now)
{
	struct native_datagram *d = native_datagram_of(f);
	if (d->out)
		native_udp_send_gathered(d, now);
	native_datagram_ran(d);
	if (d->errors)
		native_udp_drain_errors(d, now);
	bool waits = d->outside ? udp_peer_ran(d->outside, now) : receive(d, now);
	if (d->readable && !waits) {
		native_flow_wake(f);
		return;
	}
	if (mapping_udp_deadline(&d->mapping) <= now) {
		native_datagram_free(d);
		return;
	}
	if (waits)
		native_flow_block(f);
	wheel_arm_by(&f->engine->wheel, &f->timer, mapping_udp_deadline(&d->mapping));
}

static void udp_timer_fired(struct native_flow *f, usec_t now)
{
}

static void udp_abandon(struct native_flow *f, usec_t now)
{
	native_datagram_free(native_datagram_of(f));
}

static void udp_describe(const struct native_flow *f, struct engine_flow *flow)
{
	flow->protocol = IP_PROTOCOL_UDP;
	native_datagram_describe(f, flow);
}

const struct native_kind_ops native_udp_ops = {
	.run = udp_run,
	.timer_fired = udp_timer_fired,
	.describe = udp_describe,
	.abandon = udp_abandon,
};
