/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes single packets for guests, and checks packets from guests. */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "engine/native/state.h"
#include "gateway/closed.h"
#include "gateway/martian.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#include <errno.h>
#include <sys/uio.h>

#define TTL 64
/* As much of the original as fits 576 bytes (RFC 1812 §4.3.2.3). */
#define ERROR_BODY_MAX (576 - IPV4_HEADER_LEN - ICMP4_HEADER_LEN)

int native_dial_address(struct engine *e, usec_t now, const struct ip_addr *dst, struct ip_addr *ret)
{
	if (!ip_is_v4(dst) || ip_to_ip4(dst) != e->config.gateway) {
		/* The gateway checked this already; checked again, because a mistake there would open the host's loopback. */
		enum drop_reason why;
		if (ip_is_v4(dst) && martian_check_destination(&e->config.subnet, e->config.gateway, ip_to_ip4(dst), &why) < 0)
			return -ENETUNREACH;
		if (closed_check(dst, e->config.env->opened, &why) < 0)
			return -EACCES;
		*ret = *dst;
		return 0;
	}
	if (e->config.host_loopback) {
		*ret = ip_from_ip4(IP4(127, 0, 0, 1));
		return 0;
	}
	return e->config.env->ops->host_address(e->config.env, now, false, ret);
}

bool native_checksum_is_right(struct engine *e, const struct packet *p, size_t len, enum drop_reason why)
{
	if (p->frame->checksum != FRAME_CHECKSUM_COMPLETE)
		return true;
	struct checksum c = { 0 };
	size_t skip = p->l4_offset, left = len;
	checksum_add_pseudo4(&c, p->ip.src, p->ip.dst, p->ip.protocol, (uint16_t)len);
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
	uint8_t *room = arena_alloc(env->arena, FRAME_HEADROOM + IPV4_HEADER_LEN + TCP_HEADER_MAX);
	if (!room) {
		env->ops->drop(env, DROP_NO_MEMORY, NULL);
		return;
	}
	uint8_t *bytes = room + FRAME_HEADROOM;
	struct ipv4_header ip = { .ttl = TTL, .protocol = IP_PROTOCOL_TCP, .dont_fragment = true };
	ip.src = ip_to_ip4(&key->remote.addr);
	ip.dst = ip_to_ip4(&key->guest.addr);
	h->src_port = key->remote.port;
	h->dst_port = key->guest.port;
	h->checksum = 0;
	struct bytes_writer w = bytes_writer(bytes + IPV4_HEADER_LEN, TCP_HEADER_MAX);
	tcp_emit(&w, h);
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, ip.src, ip.dst, IP_PROTOCOL_TCP, (uint16_t)w.len);
	checksum_add(&c, w.data, w.len);
	uint16_t sum = checksum_value(&c);
	w.data[16] = (uint8_t)(sum >> 8);
	w.data[17] = (uint8_t)sum;
	ip.total_len = (uint16_t)(IPV4_HEADER_LEN + w.len);
	struct bytes_writer front = bytes_writer(bytes, IPV4_HEADER_LEN);
	ipv4_emit(&front, &ip);
	struct iovec iov = { .iov_base = bytes, .iov_len = ip.total_len };
	env->ops->output(env, now, guest,
			 &(struct engine_packet){ .iov = &iov, .n_iov = 1, .len = ip.total_len, .headroom = FRAME_HEADROOM });
}

void native_refuse_at_limit(struct engine *e, usec_t now, const struct packet *p, int error)
{
	e->config.env->ops->drop(e->config.env, error == EADDRNOTAVAIL ? DROP_HOST_PORTS : DROP_ENGINE_LIMIT, p);
	e->config.env->ops->icmp_error(e->config.env, now, p, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_ADMIN, 0, 0);
}

bool native_is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS || error == EAGAIN || error == EADDRNOTAVAIL;
}

bool native_icmp_of_errno(int error, uint8_t *ret_type, uint8_t *ret_code)
{
	*ret_type = ICMP4_UNREACHABLE;
	switch (error) {
	case ENETUNREACH:
	case ENETDOWN: *ret_code = ICMP4_UNREACHABLE_NET; return true;
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ETIMEDOUT: *ret_code = ICMP4_UNREACHABLE_HOST; return true;
	case EMSGSIZE: *ret_code = ICMP4_UNREACHABLE_FRAG_NEEDED; return true;
	case EACCES:
	case EPERM: *ret_code = ICMP4_UNREACHABLE_ADMIN; return true;
	default: return false;
	}
}

void native_output_error(struct engine *e, usec_t now, const struct native_icmp_error *error)
{
	if (!e->config.env->ops->icmp_allowed(e->config.env, now, error->guest))
		return;
	uint8_t body[ERROR_BODY_MAX];
	struct bytes_writer b = bytes_writer(body, sizeof(body));
	/* The guest's packet, as far as it is known: the guest matches addresses, ports and the first eight bytes. */
	ip_emit(&b, &error->ip, error->payload_len);
	bytes_put(&b, error->original, MIN(error->original_len, sizeof(body) - b.len));
	uint8_t *message = arena_alloc(e->config.env->arena, ICMP4_HEADER_LEN + b.len);
	if (!message) {
		e->config.env->ops->drop(e->config.env, DROP_NO_MEMORY, NULL);
		return;
	}
	struct bytes_writer w = bytes_writer(message, ICMP4_HEADER_LEN + b.len);
	icmp4_emit(&w, &(struct icmp4_header){ .type = error->type, .code = error->code, .rest = error->info }, body, b.len);
	struct ip_header ip = {
		.src = ip_is_v4(&error->from) ? error->from : ip_from_ip4(e->config.gateway),
		.dst = error->ip.src,
		.protocol = IP_PROTOCOL_ICMP,
		.hop_limit = TTL,
		.id = e->packet_id++,
	};
	native_output_ip(e, now, error->guest, &ip, message, w.len);
}
