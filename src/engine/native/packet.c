/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes single packets for guests, and checks packets from guests. */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "engine/native/errqueue.h"
#include "engine/native/state.h"
#include "gateway/closed.h"
#include "gateway/icmp6_error.h"
#include "gateway/icmp_error.h"
#include "gateway/martian.h"
#include "gateway/nat64.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#include <errno.h>
#include <sys/uio.h>

#define TTL 64
#define NAT64_GROWTH (IPV6_HEADER_LEN - IPV4_HEADER_LEN)
/* As much of the original as fits 576 bytes (RFC 1812 §4.3.2.3). */
#define ERROR_BODY_MAX (576 - IPV4_HEADER_LEN - ICMP4_HEADER_LEN)

bool native_is_gateway(const struct engine *e, const struct ip_addr *a)
{
	return ip_is_v4(a) ? ip_to_ip4(a) == e->config.gateway : gateway_ip6_has(&e->config.ip6, a);
}

static bool is_martian(const struct engine *e, const struct ip_addr *dst)
{
	enum drop_reason why;
	return (ip_is_v4(dst) ? martian_check_destination(&e->config.subnet, e->config.gateway, ip_to_ip4(dst), &why)
			      : martian_check_destination6(&e->config.ip6, dst, &why)) < 0;
}

int native_dial_address(struct engine *e, usec_t now, const struct ip_addr *dst, struct ip_addr *ret)
{
	enum drop_reason why;
	bool v6 = !ip_is_v4(dst);
	ip4_t inside;
	if (v6 && e->config.ip6.nat64 && nat64_has(dst)) {
		if (!nat64_extract(dst, &inside))
			return -ENETUNREACH;
		struct ip_addr embedded = ip_from_ip4(inside);
		return native_dial_address(e, now, &embedded, ret);
	}
	if (!native_is_gateway(e, dst)) {
		/* The gateway checked this already; checked again, because a mistake there would open the host's loopback. */
		if (is_martian(e, dst))
			return -ENETUNREACH;
		if (closed_check(dst, e->config.env->opened, &why) < 0)
			return -EACCES;
		*ret = *dst;
		return 0;
	}
	if (e->config.host_loopback) {
		*ret = v6 ? IP6_LOOPBACK : ip_from_ip4(IP4(127, 0, 0, 1));
		return 0;
	}
	return e->config.env->ops->host_address(e->config.env, now, v6, ret);
}

bool native_checksum_is_right(struct engine *e, const struct packet *p, size_t len, enum drop_reason why)
{
	if (p->frame->checksum != FRAME_CHECKSUM_COMPLETE)
		return true;
	struct checksum c = { 0 };
	size_t skip = p->l4_offset, left = len;
	checksum_add_pseudo(&c, &p->src, &p->dst, p->protocol, len);
	for (unsigned i = 0; i < p->frame->n_iov && left > 0; i++) {
		const struct iovec *v = &p->frame->iov[i];
		if (skip >= v->iov_len) {
			skip -= v->iov_len;
			continue;
		}
		size_t n = MIN(v->iov_len - skip, left);
		checksum_add(&c, (const uint8_t *)v->iov_base + skip, n);
		left -= n;
		skip = 0;
	}
	if (checksum_is_right(&c))
		return true;
	e->config.env->ops->drop(e->config.env, why, p);
	return false;
}

void native_output_ip(struct engine *e, usec_t now, struct guest *guest, const struct ip_header *ip, void *payload, size_t len)
{
	struct engine_env *env = e->config.env;
	size_t size = ip_header_len(&ip->dst);
	uint8_t *room = arena_alloc(env->arena, FRAME_HEADROOM + size);
	if (!room) {
		env->ops->drop(env, DROP_NO_MEMORY, NULL);
		return;
	}
	uint8_t *header = room + FRAME_HEADROOM;
	struct bytes_writer w = bytes_writer(header, size);
	ip_emit(&w, ip, len);
	struct iovec iov[2] = { { .iov_base = header, .iov_len = size }, { .iov_base = payload, .iov_len = len } };
	env->ops->output(env, now, guest,
			 &(struct engine_packet){ .iov = iov, .n_iov = len > 0 ? 2 : 1, .len = size + len, .headroom = FRAME_HEADROOM });
}

void native_output_tcp(struct engine *e, usec_t now, struct guest *guest, const struct flow_key *key, struct tcp_header *h)
{
	struct engine_env *env = e->config.env;
	size_t ip_len = ip_header_len(&key->guest.addr);
	uint8_t *room = arena_alloc(env->arena, FRAME_HEADROOM + IP_HEADER_ROOM + TCP_HEADER_MAX);
	if (!room) {
		env->ops->drop(env, DROP_NO_MEMORY, NULL);
		return;
	}
	uint8_t *bytes = room + FRAME_HEADROOM;
	struct ip_header ip = { key->remote.addr, key->guest.addr, IP_PROTOCOL_TCP, TTL, .dont_fragment = true };
	h->src_port = key->remote.port;
	h->dst_port = key->guest.port;
	h->checksum = 0;
	struct bytes_writer w = bytes_writer(bytes + ip_len, TCP_HEADER_MAX);
	tcp_emit(&w, h);
	struct checksum c = { 0 };
	checksum_add_pseudo(&c, &ip.src, &ip.dst, IP_PROTOCOL_TCP, w.len);
	checksum_add(&c, w.data, w.len);
	struct bytes_writer field = bytes_writer(w.data + TCP_CHECKSUM_AT, CHECKSUM_LEN);
	bytes_put_be16(&field, checksum_value(&c));
	struct bytes_writer front = bytes_writer(bytes, ip_len);
	ip_emit(&front, &ip, w.len);
	struct iovec iov = { .iov_base = bytes, .iov_len = ip_len + w.len };
	env->ops->output(env, now, guest,
			 &(struct engine_packet){ .iov = &iov, .n_iov = 1, .len = iov.iov_len, .headroom = FRAME_HEADROOM });
}

void native_refuse_at_limit(struct engine *e, usec_t now, const struct packet *p, int error)
{
	bool no_inet6 = error == EAFNOSUPPORT;
	enum drop_reason why = no_inet6 ? DROP_ENGINE_ERROR : error == EADDRNOTAVAIL ? DROP_HOST_PORTS : DROP_ENGINE_LIMIT;
	e->config.env->ops->drop(e->config.env, why, p);
	uint8_t code = no_inet6 ? ICMP4_UNREACHABLE_NET : ICMP4_UNREACHABLE_ADMIN;
	e->config.env->ops->icmp_error(e->config.env, now, p, ICMP4_UNREACHABLE, code, 0, 0);
}

bool native_is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS || error == EAGAIN || error == EADDRNOTAVAIL;
}

/* What an errno of connect() or send() means to the guest; ICMP's and ICMPv6's words for it. */
static const struct {
	int error;
	uint8_t type4, code4, type6, code6;
} errors[] = {
	{ ENETUNREACH, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_NET, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	{ ENETDOWN, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_NET, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	{ EADDRNOTAVAIL, 0, 0, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE }, /* IPv6: the host has no address to send from */
	{ EHOSTUNREACH, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_HOST, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADDRESS },
	{ EHOSTDOWN, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_HOST, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADDRESS },
	{ ETIMEDOUT, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_HOST, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADDRESS },
	{ EMSGSIZE, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_FRAG_NEEDED, ICMP6_PACKET_TOO_BIG, 0 },
	{ EACCES, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_ADMIN, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADMIN },
	{ EPERM, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_ADMIN, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADMIN },
	{ EAFNOSUPPORT, 0, 0, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE }, /* a kernel without IPv6 */
};

bool native_icmp_of_errno(int error, bool v6, uint8_t *ret_type, uint8_t *ret_code)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].error != error || (!v6 && errors[i].type4 == 0))
			continue;
		*ret_type = v6 ? errors[i].type6 : errors[i].type4;
		*ret_code = v6 ? errors[i].code6 : errors[i].code4;
		return true;
	}
	return false;
}

uint32_t native_mtu_for_guest(const struct ip_addr *claimed, const struct ip_addr *real, uint32_t mtu)
{
	if (mtu == 0)
		return 0;
	mtu += (uint32_t)ip_header_len(claimed) - (uint32_t)ip_header_len(real);
	return ip_is_v4(claimed) ? mtu : MAX(mtu, (uint32_t)IPV6_MTU_MIN);
}

uint32_t native_error_info(const struct native_errqueue *q)
{
	if (q->error == EMSGSIZE)
		return q->info;
	if (q->is_v6)
		return q->type == ICMP6_PARAMETER_PROBLEM ? q->info : 0;
	return q->type == ICMP4_PARAMETER_PROBLEM ? q->info << 24 : 0;
}

static void translate_to_icmp4(struct native_errqueue *q)
{
	struct icmp_error error;
	q->is_icmp = icmp_error_of_icmp6(q->type, q->code, q->info, &error);
	q->type = error.type;
	q->code = error.code;
	q->info = error.info;
	q->is_v6 = false;
}

void native_error_translate(struct native_errqueue *q, bool v6)
{
	struct icmp6_error error;
	if (v6 == q->is_v6)
		return;
	if (!v6) {
		translate_to_icmp4(q);
		return;
	}
	bool too_big = q->type == ICMP4_UNREACHABLE && q->code == ICMP4_UNREACHABLE_FRAG_NEEDED;
	q->is_icmp = icmp6_error_of_icmp4(q->type, q->code, too_big ? q->info + NAT64_GROWTH : q->info, &error);
	q->is_v6 = true;
	q->type = error.type;
	q->code = error.code;
	q->info = error.info;
	if (ip_is_v4(&q->offender))
		q->offender = nat64_embed(ip_to_ip4(&q->offender));
}

/* The source of an error: @from, or the gateway when @from is of the other family, or link-local and so of another link than the guest's.
 */
static struct ip_addr error_source(const struct engine *e, const struct ip_addr *from, bool v6)
{
	if (!ip_is_unspecified(from) && ip_is_v4(from) == !v6 && !(v6 && ipv6_is_link_local(from)))
		return *from;
	return v6 ? e->config.ip6.address : ip_from_ip4(e->config.gateway);
}

void native_output_error(struct engine *e, usec_t now, const struct native_icmp_error *error)
{
	if (!e->config.env->ops->icmp_allowed(e->config.env, now, error->guest))
		return;
	bool v6 = !ip_is_v4(&error->ip.src);
	uint8_t body[ERROR_BODY_MAX];
	struct bytes_writer b = bytes_writer(body, sizeof(body));
	/* The guest's packet, as far as it is known: the guest matches addresses, ports and the first eight bytes. */
	ip_emit(&b, &error->ip, error->payload_len);
	bytes_put(&b, error->original, MIN(error->original_len, sizeof(body) - b.len));
	uint8_t *message = arena_alloc(e->config.env->arena, ICMP6_HEADER_LEN + b.len);
	if (!message) {
		e->config.env->ops->drop(e->config.env, DROP_NO_MEMORY, NULL);
		return;
	}
	struct ip_header ip = {
		.src = error_source(e, &error->from, v6),
		.dst = error->ip.src,
		.protocol = v6 ? IPV6_NEXT_ICMP : IP_PROTOCOL_ICMP,
		.hop_limit = TTL,
		.id = e->packet_id++,
	};
	struct bytes_writer w = bytes_writer(message, ICMP6_HEADER_LEN + b.len);
	if (v6)
		icmp6_emit(&w, &ip.src, &ip.dst, &(struct icmp6_header){ .type = error->type, .code = error->code, .rest = error->info },
			   body, b.len);
	else
		icmp4_emit(&w, &(struct icmp4_header){ .type = error->type, .code = error->code, .rest = error->info }, body, b.len);
	native_output_ip(e, now, error->guest, &ip, message, w.len);
}
