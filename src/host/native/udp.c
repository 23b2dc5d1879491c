/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP: one unconnected socket for each port of a guest (endpoint-independent mapping, RFC 4787 REQ-1), bound to the same
 * port where it is free.  Datagrams of a turn go out by one sendmmsg() for each socket, straight from the frames;
 * what comes in is read many at a time, straight behind the headers it will be sent with.
 */
#include "base/arena.h"
#include "base/macros.h"
#include "host/native/datagram.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "nat/refuse.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define HEADERS_LEN (IPV4_HEADER_LEN + UDP_HEADER_LEN)
#define BATCH 64u
#define TURN_BATCHES 4
#define PIECES_MAX 16u
#define USUAL_BYTES 2048u /* a larger datagram spills over */
#define SPILL_BYTES (IPV4_PACKET_MAX - USUAL_BYTES)
#define TTL 64
#define PORT_RESERVED 1024

static uint32_t drain_errors(struct native_datagram *d, usec_t now);

/* A datagram of this turn on its way out. */
struct datagram_out {
	struct datagram_out *next;
	struct sockaddr_in to;
	struct ip_endpoint claimed; /* as the guest knows it */
	uint8_t ttl;
	bool dont_fragment;
	size_t len;
	unsigned n;
	struct iovec iov[PIECES_MAX];
};

static void drop(struct engine *e, enum drop_reason why, const struct packet *p)
{
	e->config.env->ops->drop(e->config.env, why, p);
}

/* --- guest to host --- */

/* Gives @len bytes of payload, from @at in the frame on, a place in this turn's batch. */
static int gather(struct native_datagram *d, const struct packet *p, const struct ip_endpoint *claimed, const struct ip_endpoint *to, size_t at,
		  size_t len)
{
	struct arena *arena = d->base.engine->config.env->arena;
	struct datagram_out *out = arena_alloc(arena, sizeof(*out));
	if (!out)
		return -ENOMEM;
	int n = frame_slice(p->frame, at, len, out->iov, PIECES_MAX);
	if (n < 0)
		return n;
	out->next = NULL;
	out->to = native_sockaddr(to);
	out->claimed = *claimed;
	out->ttl = p->ip.ttl;
	out->dont_fragment = p->ip.dont_fragment;
	out->len = len;
	out->n = (unsigned)n;
	*(d->out ? &d->out_last->next : &d->out) = out;
	d->out_last = out;
	d->n_out++;
	native_flow_wake(&d->base);
	return 0;
}

/* Tells the guest what became of a datagram of @len bytes of which the first @known are at @payload. */
static void tell_guest(struct native_datagram *d, usec_t now, struct native_icmp_error *error, const struct ip_endpoint *claimed,
		       const void *payload, size_t known, size_t len)
{
	const struct ip_endpoint *guest = &d->base.flow.key.guest;
	uint8_t original[UDP_HEADER_LEN + NATIVE_ERRQUEUE_PAYLOAD];
	struct bytes_writer w = bytes_writer(original, sizeof(original));
	if (known == len && len < NATIVE_ERRQUEUE_PAYLOAD) {
		udp_emit_ipv4(&w, ip_to_ip4(&guest->addr), ip_to_ip4(&claimed->addr), guest->port, claimed->port, payload, len);
	} else {
		/* The checksum of what is not known or not quoted cannot be made. */
		udp_emit(&w, &(struct udp_header){ .src_port = guest->port, .dst_port = claimed->port, .len = (uint16_t)(UDP_HEADER_LEN + len) });
		bytes_put(&w, payload, MIN(known, (size_t)NATIVE_ERRQUEUE_PAYLOAD));
	}
	error->guest = ip_to_ip4(&guest->addr);
	error->dst = ip_to_ip4(&claimed->addr);
	error->protocol = IP_PROTOCOL_UDP;
	error->original = original;
	error->original_len = w.len;
	error->payload_len = UDP_HEADER_LEN + len;
	native_output_error(d->base.engine, now, error);
}

static void send_error(struct native_datagram *d, usec_t now, const struct datagram_out *out, int error, uint32_t mtu)
{
	struct native_icmp_error answer = { .info = mtu, .ttl = out->ttl };
	struct iovec known = out->n > 0 ? out->iov[0] : (struct iovec){ 0 };
	drop(d->base.engine, mtu > 0 ? DROP_FRAG_NEEDED : DROP_ENGINE_ERROR, NULL);
	if (native_icmp_of_errno(error, &answer.type, &answer.code))
		tell_guest(d, now, &answer, &out->claimed, known.iov_base, known.iov_len, out->len);
}

/*
 * Sends @n messages.  An error of an earlier datagram, to whomever, is reported by the next send and takes that
 * datagram with it: the queue of errors is drained and the same one is tried once more.  An MTU that the host's own stack
 * puts there is about the datagram in hand.
 */
static void send_batch(struct native_datagram *d, usec_t now, struct mmsghdr *m, struct datagram_out *const *out, unsigned n)
{
	bool again = false;
	for (unsigned at = 0; at < n;) {
		int sent = sendmmsg(d->base.watch.fd, m + at, n - at, MSG_DONTWAIT);
		if (sent > 0) {
			at += (unsigned)sent;
			again = false;
			continue;
		}
		int error = errno;
		uint32_t mtu = drain_errors(d, now);
		bool final = again || error == EAGAIN || mtu > 0;
		if (final) {
			send_error(d, now, out[at], error, mtu);
			at++;
		}
		again = !final;
	}
}

static bool looks_alike(const struct datagram_out *a, const struct datagram_out *b)
{
	return a->ttl == b->ttl && a->dont_fragment == b->dont_fragment;
}

static void send_gathered(struct native_datagram *d, usec_t now)
{
	struct mmsghdr m[BATCH];
	struct datagram_out *out[BATCH];
	struct datagram_out *next = d->out;
	d->out = d->out_last = NULL;
	d->n_out = 0;
	while (next) {
		unsigned n = 0;
		const struct datagram_out *first = next;
		for (; next && n < BATCH && looks_alike(first, next); next = next->next, n++) {
			out[n] = next;
			m[n] = (struct mmsghdr){ .msg_hdr = { .msg_name = &next->to, .msg_namelen = sizeof(next->to), .msg_iov = next->iov, .msg_iovlen = next->n } };
		}
		native_datagram_like(d, first->ttl, first->dont_fragment);
		send_batch(d, now, m, out, n);
	}
}

/* A super-frame is many datagrams of equal size, the last one perhaps smaller (virtio 1.3 §5.1.6.2). */
static int gather_all(struct native_datagram *d, const struct packet *p, const struct ip_endpoint *claimed, const struct ip_endpoint *to, size_t len)
{
	bool super = p->frame->gso == FRAME_GSO_UDP && p->frame->gso_size > 0;
	size_t each = super ? p->frame->gso_size : len, at = p->l4_offset + UDP_HEADER_LEN;
	int r = 0;
	do {
		size_t n = MIN(each, len);
		r = gather(d, p, claimed, to, at, n);
		at += n;
		len -= n;
	} while (len > 0 && r == 0);
	return r;
}

static int find_or_make(struct engine *e, usec_t now, const struct ip_endpoint *guest, struct native_datagram **ret)
{
	*ret = native_datagram_find(e, NATIVE_UDP, guest);
	if (*ret)
		return 0;
	return native_datagram_new(e, now, NATIVE_UDP, guest, 0, guest->port >= PORT_RESERVED ? guest->port : 0, ret);
}

void native_udp_input(struct engine *e, usec_t now, const struct packet *p)
{
	const uint8_t *head = frame_linear(p->frame, p->l4_offset, MIN(p->l4_len, (size_t)UDP_HEADER_LEN), p->arena);
	struct bytes_reader r = bytes_reader(head, head ? MIN(p->l4_len, (size_t)UDP_HEADER_LEN) : 0);
	struct udp_header h;
	if (udp_parse(&r, &h) < 0 || h.len > p->l4_len || h.dst_port == 0) {
		drop(e, DROP_UDP_MALFORMED, p);
		return;
	}
	if (h.checksum != 0 && !native_checksum_is_right(e, p, IP_PROTOCOL_UDP, DROP_UDP_MALFORMED))
		return;
	struct ip_endpoint guest = { p->src, h.src_port }, claimed = { p->dst, h.dst_port }, real = claimed;
	if (native_dial_address(e, now, &claimed.addr, &real.addr) < 0) {
		refuse_port(e->config.env, now, p);
		return;
	}
	struct native_datagram *d;
	int result = find_or_make(e, now, &guest, &d);
	if (result == 0)
		result = mapping_sent(&d->mapping, now, &claimed, &real);
	if (result == 0)
		result = gather_all(d, p, &claimed, &real, (size_t)h.len - UDP_HEADER_LEN);
	if (result < 0)
		native_refuse_at_limit(e, now, p);
}

/* --- host to guest --- */

/* Sends the datagram that begins behind HEADERS_LEN bytes at @bytes and goes on at @spill. */
static void pass_on(struct native_datagram *d, usec_t now, uint8_t *bytes, size_t len, const uint8_t *spill, const struct ip_endpoint *from)
{
	struct engine *e = d->base.engine;
	const struct ip_endpoint *guest = &d->base.flow.key.guest;
	size_t here = MIN(len, USUAL_BYTES);
	struct iovec iov[2] = { { bytes, HEADERS_LEN + here }, { NULL, len - here } };
	if (len > here && !(iov[1].iov_base = arena_copy(e->config.env->arena, spill, len - here))) {
		drop(e, DROP_NO_MEMORY, NULL);
		return;
	}
	struct ipv4_header ip = {
		.total_len = (uint16_t)(HEADERS_LEN + len),
		.id = e->packet_id++,
		.ttl = TTL,
		.protocol = IP_PROTOCOL_UDP,
		.src = ip_to_ip4(&from->addr),
		.dst = ip_to_ip4(&guest->addr),
	};
	struct udp_header udp = { .src_port = from->port, .dst_port = guest->port, .len = (uint16_t)(UDP_HEADER_LEN + len) };
	struct bytes_writer w = bytes_writer(bytes, HEADERS_LEN);
	ipv4_emit(&w, &ip);
	struct bytes_writer l4 = w;
	udp_emit(&w, &udp);
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, ip.src, ip.dst, IP_PROTOCOL_UDP, udp.len);
	checksum_add(&c, bytes + IPV4_HEADER_LEN, UDP_HEADER_LEN + here);
	checksum_add(&c, iov[1].iov_base, len - here);
	udp.checksum = checksum_value(&c);
	if (udp.checksum == 0)
		udp.checksum = 0xffff; /* 0 would mean: none (RFC 768) */
	udp_emit(&l4, &udp);
	e->config.env->ops->output(e->config.env, now, &(struct engine_packet){ .iov = iov, .n_iov = len > here ? 2 : 1, .len = HEADERS_LEN + len });
}

static uint8_t *spill_area(struct engine *e)
{
	/* Pages nobody spills to are never touched and cost nothing. */
	if (!e->spill)
		e->spill = malloc((size_t)BATCH * SPILL_BYTES);
	return e->spill;
}

/* Reads and passes on one batch; false when there was less than a batch. */
static bool receive_batch(struct native_datagram *d, usec_t now)
{
	struct engine *e = d->base.engine;
	struct mmsghdr m[BATCH];
	struct sockaddr_in from[BATCH];
	struct iovec iov[BATCH][2];
	uint8_t *bytes[BATCH], *spill = spill_area(e);
	unsigned n = 0;
	for (; spill && n < BATCH && (bytes[n] = arena_alloc(e->config.env->arena, HEADERS_LEN + USUAL_BYTES)); n++) {
		iov[n][0] = (struct iovec){ bytes[n] + HEADERS_LEN, USUAL_BYTES };
		iov[n][1] = (struct iovec){ spill + (size_t)n * SPILL_BYTES, SPILL_BYTES };
		m[n] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[n], .msg_namelen = sizeof(from[n]), .msg_iov = iov[n], .msg_iovlen = 2 } };
	}
	int got = n > 0 ? recvmmsg(d->base.watch.fd, m, n, MSG_DONTWAIT, NULL) : 0;
	if (got < 0 && errno != EAGAIN) {
		drain_errors(d, now);
		return true;
	}
	for (int i = 0; i < got; i++) {
		struct ip_endpoint source = native_endpoint(&from[i]), claimed;
		if (mapping_admits(&d->mapping, (enum mapping_filter)e->config.udp_filtering, &source, &claimed))
			pass_on(d, now, bytes[i], m[i].msg_len, iov[i][1].iov_base, &claimed);
		else
			drop(e, DROP_FILTERED, NULL);
	}
	return got == (int)BATCH;
}

/* --- errors --- */

static void pass_on_error(struct native_datagram *d, usec_t now, const struct native_errqueue *q)
{
	struct ip_endpoint claimed = q->dst;
	mapping_admits(&d->mapping, MAPPING_FILTER_NONE, &q->dst, &claimed);
	struct native_icmp_error error = {
		.type = q->type,
		.code = q->code,
		.info = q->error == EMSGSIZE ? q->info : 0,
		/* Whom the guest asked under another address answers under that. */
		.from = ip_equal(&q->offender, &q->dst.addr) ? claimed.addr : q->offender,
		.ttl = 1,
	};
	tell_guest(d, now, &error, &claimed, q->payload, q->payload_len, q->payload_len);
}

/* Returns the MTU when the host's own stack found a datagram too large, else 0. */
static uint32_t drain_errors(struct native_datagram *d, usec_t now)
{
	uint32_t mtu = 0;
	struct native_errqueue q;
	while (native_errqueue_read(d->base.watch.fd, &q)) {
		if (q.is_icmp)
			pass_on_error(d, now, &q);
		else if (q.error == EMSGSIZE)
			mtu = q.info;
	}
	d->errors = false;
	return mtu;
}

/* --- turns --- */

static void udp_run(struct native_flow *f, usec_t now)
{
	struct native_datagram *d = native_datagram_of(f);
	if (d->out)
		send_gathered(d, now);
	if (d->errors)
		drain_errors(d, now);
	for (unsigned i = 0; d->readable && i < TURN_BATCHES; i++)
		d->readable = receive_batch(d, now);
	if (d->readable)
		native_flow_wake(f);
	else if (mapping_udp_deadline(&d->mapping) <= now)
		native_datagram_free(d);
	else
		wheel_arm_by(&f->engine->wheel, &f->timer, mapping_udp_deadline(&d->mapping));
}

static void udp_timer_fired(struct native_flow *f, usec_t now)
{
}

static void udp_abandon(struct native_flow *f, usec_t now)
{
	native_datagram_free(native_datagram_of(f));
}

const struct native_kind_ops native_udp_ops = {
	.run = udp_run,
	.timer_fired = udp_timer_fired,
	.abandon = udp_abandon,
};
