/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP echo over ping sockets (net.ipv4.ping_group_range, for both families), one per identifier of a guest. The kernel replaces the
 * identifier with the socket's number, so the socket is bound to the guest's identifier if that is free. Sequence number and data are the
 * guest's own. Messages of both families differ in type and checksum only, so NAT64 (RFC 7915 §4.2, §5.2) changes the type; the kernel
 * makes the checksum of what it sends.
 */
#include "base/arena.h"
#include "base/log.h"
#include "base/macros.h"
#include "engine/native/datagram.h"
#include "host/socket_address.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

#include <errno.h>

#define ECHO_HEADER_LEN ICMP4_HEADER_LEN
#define MESSAGE_MAX UINT16_MAX
#define TURN_MESSAGES 64

static_assert(ICMP4_HEADER_LEN == ICMP6_HEADER_LEN, "echo messages have one header");

/* An echo message of a guest. */
struct echo {
	const struct packet *packet;
	const uint8_t *bytes;
	uint16_t id, sequence;
};

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
	uint8_t code = error == EAFNOSUPPORT ? ICMP4_UNREACHABLE_NET : ICMP4_UNREACHABLE_ADMIN;
	e->config.env->ops->icmp_error(e->config.env, now, p, ICMP4_UNREACHABLE, code, 0, 0);
}

/* The sequence number of an echo request tells it from others of its flow (native_sent). */
static uint16_t sequence_of(const uint8_t *message)
{
	return (uint16_t)(message[ICMP4_ID_AT + 2] << 8 | message[ICMP4_ID_AT + 3]);
}

static bool guest_is_v6(const struct native_datagram *d)
{
	return !ip_is_v4(&d->base.flow.key.guest.addr);
}

static uint8_t request_type(bool v6)
{
	return v6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO_REQUEST;
}

static uint8_t reply_type(bool v6)
{
	return v6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY;
}

/* --- guest to host --- */

static struct native_drained drain_errors(struct native_datagram *d, usec_t now);

/* 0 or a negative errno. */
static int send_message(struct native_datagram *d, const struct echo *echo, const struct native_fields *fields,
			const union socket_address *to, socklen_t to_len)
{
	size_t len = echo->packet->l4_len;
	uint8_t header[ECHO_HEADER_LEN];
	memcpy(header, echo->bytes, sizeof(header));
	header[0] = request_type(native_datagram_is_v6(d));
	struct iovec iov[2] = { { header, sizeof(header) }, { (uint8_t *)echo->bytes + sizeof(header), len - sizeof(header) } };
	struct msghdr m = { .msg_name = (void *)&to->any, .msg_namelen = to_len, .msg_iov = iov, .msg_iovlen = 2 };
	native_datagram_like(d, fields);
	return sendmsg(d->base.watch.fd, &m, MSG_DONTWAIT) >= 0 ? 0 : -errno;
}

/* Tells the guest that its message could not be sent to @to because of @error, if an ICMP error says so. */
static void answer(struct native_datagram *d, usec_t now, const struct packet *p, const struct ip_endpoint *to, int error, uint32_t mtu)
{
	struct engine_env *env = d->base.engine->config.env;
	uint8_t type, code;
	/* With IPv6, what no ICMP error of IPv4 says means that there is no route (native_icmp_of_errno()). */
	bool no_route6 = !packet_is_v4(p) && (error == EADDRNOTAVAIL || error == EAFNOSUPPORT);
	if (native_icmp_of_errno(no_route6 ? ENETUNREACH : error, false, &type, &code))
		env->ops->icmp_error(env, now, p, type, code, native_mtu_for_guest(&p->dst, &to->addr, mtu), 0);
}

static void send_echo(struct native_datagram *d, usec_t now, const struct echo *echo, const struct ip_endpoint *to)
{
	const struct packet *p = echo->packet;
	union socket_address address;
	socklen_t address_len = socket_address_set(&address, to);
	struct native_fields fields = native_fields_of(p);
	for (int tries = 0; tries < 2; tries++) {
		int error = -send_message(d, echo, &fields, &address, address_len);
		if (error == 0)
			return;
		/* It may be the error of an earlier message. */
		struct native_drained drained = drain_errors(d, now);
		uint32_t mtu = drained.mtu;
		if (tries == 0 && mtu == 0 && error != EPERM) /* see udp_send.c */
			continue;
		enum native_too_large how = NATIVE_TELL_AND_DROP;
		if (mtu > 0)
			how = native_datagram_too_large(d, now, &p->dst, packet_end(p) - p->l3_offset);
		fields.dont_fragment = false;
		if (how == NATIVE_TELL_AND_DROP || send_message(d, echo, &fields, &address, address_len) < 0)
			drop(d->base.engine, mtu > 0 ? DROP_FRAG_NEEDED : DROP_ENGINE_ERROR, p);
		bool heard = error == EPERM && drained.n_of_icmp > 0;
		if (how != NATIVE_FRAGMENT && !heard)
			answer(d, now, p, to, error, mtu);
		return;
	}
}

static void pass_out(struct engine *e, usec_t now, const struct echo *echo)
{
	const struct packet *p = echo->packet;
	struct ip_endpoint claimed = { p->dst, 0 }, real = claimed;
	struct flow_key key = { .guest = { p->src, echo->id } };
	if (native_dial_address(e, now, &claimed.addr, &real.addr) < 0)
		return;
	if (!packet_is_v4(p) && ip_is_v4(&real.addr))
		key.remote.addr = NATIVE_BY_IPV4;
	struct native_datagram *d = native_datagram_find(e, NATIVE_ICMP, &key);
	int r = d ? 0 : native_datagram_new(e, now, NATIVE_ICMP, p, &key, echo->id, &d);
	if (r < 0) {
		no_ping(e, now, p, -r);
		return;
	}
	d->base.from_guest += p->l4_len;
	native_sent_add(&d->sent, echo->sequence, packet_traffic_class(p), packet_has_df(p), packet_is_v4(p) ? p->ip.id : 0);
	if (mapping_sent(&d->mapping, now, &claimed, &real) == 0)
		send_echo(d, now, echo, &real);
	native_flow_wake(&d->base);
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
	if (h.type == ICMP4_ECHO_REQUEST && h.code == 0)
		pass_out(e, now, &(struct echo){ p, message, (uint16_t)(h.rest >> 16), (uint16_t)h.rest });
	else
		drop(e, DROP_ICMP_TYPE, p); /* only a raw socket could send it */
}

void native_icmp6_input(struct engine *e, usec_t now, const struct packet *p)
{
	const uint8_t *message = packet_l4(p);
	struct icmp6_header h;
	if (!message || icmp6_parse(message, p->l4_len, &p->src, &p->dst, &h) < 0) {
		drop(e, DROP_ICMP_MALFORMED, p);
		return;
	}
	if (native_tcp_error6(e, p, &h, message + ICMP6_HEADER_LEN, p->l4_len - ICMP6_HEADER_LEN))
		return;
	if (h.type == ICMP6_ECHO_REQUEST && h.code == 0)
		pass_out(e, now, &(struct echo){ p, message, (uint16_t)(h.rest >> 16), (uint16_t)h.rest });
	else
		drop(e, DROP_ICMP_TYPE, p);
}

/* --- host to guest --- */

static struct native_fields received_fields(struct msghdr *m)
{
	struct native_fields fields = { .ttl = 64 };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		bool v4 = c->cmsg_level == IPPROTO_IP, v6 = c->cmsg_level == IPPROTO_IPV6;
		int value = 0;
		if (v4 && c->cmsg_type == IP_TOS) {
			memcpy(&fields.tos, CMSG_DATA(c), sizeof(fields.tos));
		} else if ((v4 && c->cmsg_type == IP_TTL) || (v6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			fields.ttl = (uint8_t)value;
		} else if (v6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			fields.tos = (uint8_t)value;
		}
	}
	return fields;
}

/* Writes an echo message of the guest's identifier from @remote, or to it, as the guest's family has it. */
static void emit_message(const struct native_datagram *d, struct bytes_writer *w, bool reply, const struct ip_addr *remote,
			 uint16_t sequence, const void *data, size_t len)
{
	const struct ip_endpoint *guest = &d->base.flow.key.guest;
	uint32_t rest = (uint32_t)guest->port << 16 | sequence;
	bool v6 = guest_is_v6(d);
	uint8_t type = reply ? reply_type(v6) : request_type(v6);
	if (v6) /* the checksum is that of both directions */
		icmp6_emit(w, remote, &guest->addr, &(struct icmp6_header){ .type = type, .rest = rest }, data, len);
	else
		icmp4_emit(w, &(struct icmp4_header){ .type = type, .rest = rest }, data, len);
}

/* Passes an answer to the guest under the guest's own identifier. */
static void pass_on(struct native_datagram *d, usec_t now, const uint8_t *message, size_t len, const struct native_fields *fields,
		    const struct ip_endpoint *from)
{
	struct engine *e = d->base.engine;
	struct ip_endpoint claimed;
	if (len < ECHO_HEADER_LEN || message[0] != reply_type(native_datagram_is_v6(d)) || message[1] != 0 ||
	    !mapping_admits(&d->mapping, MAPPING_FILTER_ADDRESS, from, &claimed)) {
		drop(e, DROP_FILTERED, NULL);
		return;
	}
	uint8_t *out = arena_alloc(e->config.env->arena, len);
	if (!out) {
		drop(e, DROP_NO_MEMORY, NULL);
		return;
	}
	struct bytes_writer w = bytes_writer(out, len);
	emit_message(d, &w, true, &claimed.addr, sequence_of(message), message + ECHO_HEADER_LEN, len - ECHO_HEADER_LEN);
	struct ip_header ip = {
		.src = claimed.addr,
		.dst = d->base.flow.key.guest.addr,
		.protocol = guest_is_v6(d) ? IPV6_NEXT_ICMP : IP_PROTOCOL_ICMP,
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

/* --- errors --- */

static void tell_guest(struct native_datagram *d, usec_t now, struct native_errqueue *q)
{
	struct ip_endpoint claimed, real = { q->dst.addr, 0 };
	struct ip_addr offender = q->offender;
	if (q->payload_len < ECHO_HEADER_LEN || !mapping_admits(&d->mapping, MAPPING_FILTER_ADDRESS, &real, &claimed))
		return;
	native_error_translate(q, guest_is_v6(d));
	if (!q->is_icmp)
		return;
	/* The quoted message has the socket's number, not the guest's identifier.  The checksum is the guest's if all of it is quoted. */
	uint8_t original[NATIVE_ERRQUEUE_PAYLOAD];
	struct bytes_writer w = bytes_writer(original, sizeof(original));
	uint16_t sequence = sequence_of(q->payload);
	emit_message(d, &w, false, &claimed.addr, sequence, q->payload + ECHO_HEADER_LEN, q->payload_len - ECHO_HEADER_LEN);
	struct ip_header ip = {
		.src = d->base.flow.key.guest.addr,
		.dst = claimed.addr,
		.protocol = guest_is_v6(d) ? IPV6_NEXT_ICMP : IP_PROTOCOL_ICMP,
		.hop_limit = 1,
	};
	native_sent_find(&d->sent, sequence, &ip);
	native_output_error(d->base.engine, now,
			    &(struct native_icmp_error){
				    .type = q->type,
				    .code = q->code,
				    .info = native_error_info(q),
				    .from = ip_equal(&offender, &real.addr) ? claimed.addr : q->offender,
				    .guest = d->base.guest,
				    .ip = ip,
				    .original = original,
				    .original_len = w.len,
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

/* --- turns --- */

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
