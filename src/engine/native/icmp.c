/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP echo over ping sockets (net.ipv4.ping_group_range), one per identifier of a guest. The kernel replaces the identifier with
 * the socket's number, so the socket is bound to the guest's identifier if that is free. Sequence number and data are the guest's
 * own.
 */
#include "base/arena.h"
#include "base/log.h"
#include "base/macros.h"
#include "engine/native/datagram.h"
#include "host/socket_address.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

#include <errno.h>

#define MESSAGE_MAX (IPV4_PACKET_MAX - IPV4_HEADER_LEN)
#define TURN_MESSAGES 64

static void drop(struct engine *e, enum drop_reason why, const struct packet *p)
{
	e->config.env->ops->drop(e->config.env, why, p);
}

static enum drop_reason reason_of(int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE: return DROP_ENGINE_LIMIT;
	case EADDRNOTAVAIL: return DROP_HOST_PORTS;
	default: return DROP_ENGINE_ERROR;
	}
}

static void no_ping(struct engine *e, usec_t now, const struct packet *p, int error)
{
	drop(e, reason_of(error), p);
	if ((error == EACCES || error == EPERM) && !e->said_ping) {
		e->said_ping = true;
		log_warning(e->config.log, "guests cannot ping outside: this system does not allow ping sockets; "
					   "allow them with: sysctl -w net.ipv4.ping_group_range='0 2147483647'");
	}
	e->config.env->ops->icmp_error(e->config.env, now, p, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_ADMIN, 0, 0);
}

/* The sequence number of an echo request tells it from others of its flow (native_sent). */
static uint16_t sequence_of(const uint8_t *message)
{
	return (uint16_t)(message[ICMP4_ID_AT + 2] << 8 | message[ICMP4_ID_AT + 3]);
}

static struct native_drained drain_errors(struct native_datagram *d, usec_t now);

/* Sends @message, which is too large for the path, in fragments although it has DF; false when that failed. */
static bool send_in_fragments(struct native_datagram *d, const struct packet *p, const uint8_t *message, const union socket_address *to,
			      socklen_t to_len)
{
	native_datagram_like(d, &(struct native_fields){ .ttl = p->ip.ttl, .tos = p->ip.tos });
	return sendto(d->base.watch.fd, message, p->l4_len, MSG_DONTWAIT, &to->any, to_len) >= 0;
}

static void send_echo(struct native_datagram *d, usec_t now, const struct packet *p, const uint8_t *message, const struct ip_endpoint *to)
{
	union socket_address address;
	socklen_t address_len = socket_address_set(&address, to);
	native_datagram_like(d, &(struct native_fields){ .ttl = p->ip.ttl, .tos = p->ip.tos, .dont_fragment = p->ip.dont_fragment });
	for (int tries = 0; tries < 2; tries++) {
		if (sendto(d->base.watch.fd, message, p->l4_len, MSG_DONTWAIT, &address.any, address_len) >= 0)
			return;
		/* It may be the error of an earlier message. */
		int error = errno;
		uint8_t type, code;
		struct native_drained drained = drain_errors(d, now);
		uint32_t mtu = drained.mtu;
		if (tries == 0 && mtu == 0 && error != EPERM) /* see udp_send.c */
			continue;
		enum native_too_large how = NATIVE_TELL_AND_DROP;
		if (mtu > 0)
			how = native_datagram_too_large(d, now, &p->dst, ipv4_header_len(&p->ip) + p->l4_len);
		if (how == NATIVE_TELL_AND_DROP || !send_in_fragments(d, p, message, &address, address_len))
			drop(d->base.engine, mtu > 0 ? DROP_FRAG_NEEDED : DROP_ENGINE_ERROR, p);
		bool heard = error == EPERM && drained.n_of_icmp > 0;
		if (how != NATIVE_FRAGMENT && !heard && native_icmp_of_errno(error, false, &type, &code))
			d->base.engine->config.env->ops->icmp_error(d->base.engine->config.env, now, p, type, code, mtu, 0);
		return;
	}
}

void native_icmp_input(struct engine *e, usec_t now, const struct packet *p)
{
	const uint8_t *message = packet_l4(p);
	struct icmp4_header h;
	if (!message || icmp4_parse(message, p->l4_len, &h) < 0) {
		drop(e, DROP_ICMP_MALFORMED, p);
		return;
	}
	if (native_tcp_error(e, p, &h, message + ICMP4_HEADER_LEN, p->l4_len - ICMP4_HEADER_LEN))
		return;
	if (h.type != ICMP4_ECHO_REQUEST || h.code != 0) {
		drop(e, DROP_ICMP_TYPE, p); /* only a raw socket could send it */
		return;
	}
	struct ip_endpoint guest = { p->src, (uint16_t)(h.rest >> 16) }, claimed = { p->dst, 0 }, real = claimed;
	if (native_dial_address(e, now, &claimed.addr, &real.addr) < 0)
		return;
	struct native_datagram *d = native_datagram_find(e, NATIVE_ICMP, &guest);
	int r = d ? 0 : native_datagram_new(e, now, NATIVE_ICMP, p, &guest, IPPROTO_ICMP, guest.port, &d);
	if (r < 0) {
		no_ping(e, now, p, -r);
		return;
	}
	d->base.from_guest += p->l4_len;
	native_sent_add(&d->sent, sequence_of(message), p->ip.tos, p->ip.dont_fragment, p->ip.id);
	if (mapping_sent(&d->mapping, now, &claimed, &real) == 0)
		send_echo(d, now, p, message, &real);
	native_flow_wake(&d->base);
}

static struct native_fields received_fields(struct msghdr *m)
{
	struct native_fields fields = { .ttl = 64 };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int ttl;
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
			fields.ttl = (uint8_t)ttl;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			memcpy(&fields.tos, CMSG_DATA(c), sizeof(fields.tos));
		}
	}
	return fields;
}

/* Passes an answer to the guest under the guest's own identifier. */
static void pass_on(struct native_datagram *d, usec_t now, const uint8_t *message, size_t len, const struct native_fields *fields,
		    const struct ip_endpoint *from)
{
	struct engine *e = d->base.engine;
	struct bytes_reader r = bytes_reader(message, len);
	uint8_t type = bytes_get_u8(&r), code = bytes_get_u8(&r);
	bytes_skip(&r, 4);
	uint16_t sequence = bytes_get_be16(&r);
	struct ip_endpoint claimed;
	if (r.failed || type != ICMP4_ECHO_REPLY || code != 0 || !mapping_admits(&d->mapping, MAPPING_FILTER_ADDRESS, from, &claimed)) {
		drop(e, DROP_FILTERED, NULL);
		return;
	}
	uint8_t *out = arena_alloc(e->config.env->arena, len);
	if (!out) {
		drop(e, DROP_NO_MEMORY, NULL);
		return;
	}
	struct bytes_writer w = bytes_writer(out, len);
	icmp4_emit(&w, &(struct icmp4_header){ .type = type, .rest = (uint32_t)d->base.flow.key.guest.port << 16 | sequence }, r.at,
		   r.left);
	struct ip_header ip = {
		.src = claimed.addr,
		.dst = d->base.flow.key.guest.addr,
		.protocol = IP_PROTOCOL_ICMP,
		.hop_limit = (uint8_t)MAX(fields->ttl - 1, 1),
		.traffic_class = fields->tos,
		.id = e->packet_id++,
	};
	d->base.to_guest += len;
	native_output_ip(e, now, d->base.guest, &ip, out, len);
}

static bool receive(struct native_datagram *d, usec_t now)
{
	uint8_t message[MESSAGE_MAX];
	union socket_address from;
	struct iovec iov = { message, sizeof(message) };
	_Alignas(struct cmsghdr) char control[128];
	struct msghdr m = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(d->base.watch.fd, &m, MSG_DONTWAIT);
	if (n < 0)
		return false;
	struct ip_endpoint source = socket_address_get(&from);
	source.port = 0;
	struct native_fields fields = received_fields(&m);
	pass_on(d, now, message, (size_t)n, &fields, &source);
	return true;
}

static void tell_guest(struct native_datagram *d, usec_t now, struct native_errqueue *q)
{
	struct ip_endpoint claimed, real = { q->dst.addr, 0 };
	uint16_t id = d->base.flow.key.guest.port;
	if (q->payload_len < ICMP4_HEADER_LEN || !mapping_admits(&d->mapping, MAPPING_FILTER_ADDRESS, &real, &claimed))
		return;
	/* The quoted message has the socket's number, not the guest's identifier. */
	q->payload[ICMP4_ID_AT] = (uint8_t)(id >> 8);
	q->payload[ICMP4_ID_AT + 1] = (uint8_t)id;
	struct ip_header ip = {
		.src = d->base.flow.key.guest.addr,
		.dst = claimed.addr,
		.protocol = IP_PROTOCOL_ICMP,
		.hop_limit = 1,
	};
	native_sent_find(&d->sent, sequence_of(q->payload), &ip);
	native_output_error(d->base.engine, now,
			    &(struct native_icmp_error){
				    .type = q->type,
				    .code = q->code,
				    .info = q->error == EMSGSIZE ? q->info : 0,
				    .from = ip_equal(&q->offender, &real.addr) ? claimed.addr : q->offender,
				    .guest = d->base.guest,
				    .ip = ip,
				    .original = q->payload,
				    .original_len = q->payload_len,
				    .payload_len = q->payload_len,
			    });
}

/* Passes on the errors in the socket's error queue. */
static struct native_drained drain_errors(struct native_datagram *d, usec_t now)
{
	struct native_drained drained = { 0 };
	struct native_errqueue q;
	while (native_errqueue_read(d->base.watch.fd, &q)) {
		drained.n_of_icmp += q.is_icmp;
		if (q.is_icmp)
			tell_guest(d, now, &q);
		else if (q.error == EMSGSIZE)
			drained.mtu = q.info;
	}
	d->errors = false;
	return drained;
}

static void icmp_run(struct native_flow *f, usec_t now)
{
	struct native_datagram *d = native_datagram_of(f);
	native_datagram_ran(d);
	if (d->errors)
		drain_errors(d, now);
	for (unsigned i = 0; d->readable && i < TURN_MESSAGES; i++)
		d->readable = receive(d, now);
	if (d->readable)
		native_flow_wake(f);
	else if (mapping_echo_deadline(&d->mapping) <= now)
		native_datagram_free(d);
	else
		wheel_arm_by(&f->engine->wheel, &f->timer, mapping_echo_deadline(&d->mapping));
}

static void icmp_timer_fired(struct native_flow *f, usec_t now)
{
}

static void icmp_abandon(struct native_flow *f, usec_t now)
{
	native_datagram_free(native_datagram_of(f));
}

static void icmp_describe(const struct native_flow *f, struct engine_flow *flow)
{
	flow->protocol = IP_PROTOCOL_ICMP;
	native_datagram_describe(f, flow);
}

const struct native_kind_ops native_icmp_ops = {
	.run = icmp_run,
	.timer_fired = icmp_timer_fired,
	.describe = icmp_describe,
	.abandon = icmp_abandon,
};
