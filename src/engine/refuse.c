/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/refuse.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "gateway/engine.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#define RESET_TTL 64

static bool tcp_checksum_is_right(const struct packet *p, const uint8_t *segment)
{
	if (p->frame->checksum != FRAME_CHECKSUM_COMPLETE)
		return true;
	struct checksum c = { 0 };
	packet_add_pseudo(p, p->l4_len, &c);
	checksum_add(&c, segment, p->l4_len);
	return checksum_is_right(&c);
}

/* The RST for a segment that belongs to no connection (RFC 9293 §3.10.7.1). */
static struct tcp_header reset_for(const struct tcp_header *h, size_t segment_len)
{
	struct tcp_header reset = { .src_port = h->dst_port, .dst_port = h->src_port, .flags = TCP_RST };
	if (h->flags & TCP_ACK) {
		reset.seq = h->ack;
		return reset;
	}
	uint32_t occupied = (uint32_t)(segment_len - h->header_len);
	occupied += (h->flags & TCP_SYN ? 1 : 0) + (h->flags & TCP_FIN ? 1 : 0);
	reset.flags |= TCP_ACK;
	reset.ack = h->seq + occupied;
	return reset;
}

static void send_reset(struct engine_env *env, usec_t now, const struct packet *p, struct tcp_header *reset)
{
	size_t ip_len = ip_header_len(&p->dst), len = ip_len + TCP_HEADER_LEN;
	uint8_t *bytes = arena_alloc(env->arena, len);
	if (!bytes) {
		env->ops->drop(env, DROP_NO_MEMORY, p);
		return;
	}
	struct ip_header ip = { .dont_fragment = true, .hop_limit = RESET_TTL, .protocol = IP_PROTOCOL_TCP, .src = p->dst, .dst = p->src };
	struct bytes_writer w = bytes_writer(bytes, len);
	ip_emit(&w, &ip, TCP_HEADER_LEN);
	struct bytes_writer l4 = w;
	tcp_emit(&l4, reset);
	struct checksum c = { 0 };
	checksum_add_pseudo(&c, &ip.src, &ip.dst, IP_PROTOCOL_TCP, TCP_HEADER_LEN);
	checksum_add(&c, bytes + ip_len, TCP_HEADER_LEN);
	reset->checksum = checksum_value(&c);
	tcp_emit(&w, reset);

	struct iovec iov = { .iov_base = bytes, .iov_len = len };
	env->ops->output(env, now, p->guest, &(struct engine_packet){ .iov = &iov, .n_iov = 1, .len = len });
}

static void refuse_tcp(struct engine_env *env, usec_t now, const struct packet *p)
{
	const uint8_t *segment = packet_l4(p);
	if (!segment) {
		env->ops->drop(env, DROP_NO_MEMORY, p);
		return;
	}
	struct bytes_reader r = bytes_reader(segment, p->l4_len);
	struct tcp_header h;
	if (tcp_parse(&r, &h) < 0 || !tcp_checksum_is_right(p, segment)) {
		env->ops->drop(env, DROP_TCP_MALFORMED, p);
		return;
	}
	if (h.flags & TCP_RST)
		return;
	struct tcp_header reset = reset_for(&h, p->l4_len);
	send_reset(env, now, p, &reset);
}

void refuse_port(struct engine_env *env, usec_t now, const struct packet *p)
{
	switch (p->protocol) {
	case IP_PROTOCOL_TCP: refuse_tcp(env, now, p); return;
	case IP_PROTOCOL_ICMP: env->ops->icmp_error(env, now, p, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_HOST, 0, 0); return;
	default: env->ops->icmp_error(env, now, p, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PORT, 0, 0);
	}
}
