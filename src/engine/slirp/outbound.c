/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/outbound.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "engine/slirp/state.h"
#include "gateway/engine.h"
#include "wire/ipv4.h"

#include <errno.h>
#include <sys/uio.h>

static void drop(struct engine *e, enum drop_reason why)
{
	e->config.env->ops->drop(e->config.env, why, NULL);
}

/* Notes handshake events of connections that need action here. */
static void look_at_tcp(struct stack *s, const struct ipv4_header *ip, struct bytes_reader r)
{
	struct tcp_header h;
	if (tcp_parse(&r, &h) < 0 || !(h.flags & TCP_SYN))
		return;
	if (!(h.flags & TCP_ACK)) {
		if (s->opened && s->opened->flow.kind == SOCKET_FORWARD)
			s->opened->flow.port = h.src_port;
		return;
	}
	struct slirp_socket *x = stack_find(s, SOCKET_TCP, h.dst_port, ip->src, h.src_port);
	if (x && x->flow.mss != 0)
		x->mss_due = s->mss_due = true;
}

/* RFC 4787 REQ-8: whether a datagram is unsolicited. The first fragment decides for all of a datagram. */
static bool is_unsolicited(struct stack *s, const struct ipv4_header *ip, struct bytes_reader r)
{
	if (ip->fragment_offset > 0)
		return s->dropping;
	struct udp_header h = { .src_port = bytes_get_be16(&r), .dst_port = bytes_get_be16(&r) };
	s->dropping = r.failed || !peers_expects(&s->peers, s->guest->engine->now, h.dst_port, ip->src);
	return s->dropping;
}

/* ICMP errors, libslirp's own and those from outside, obey the gateway's rate limit. */
static bool is_allowed_icmp(struct stack *s, const struct ipv4_header *ip, struct bytes_reader r)
{
	struct engine *e = s->guest->engine;
	uint8_t type = bytes_get_u8(&r);
	bool is_error = ip->fragment_offset == 0 && !r.failed && icmp4_is_error(type);
	return !is_error || e->config.env->ops->icmp_allowed(e->config.env, e->now, s->guest->guest);
}

static bool is_wanted(struct stack *s, const struct ipv4_header *ip, struct bytes_reader r)
{
	switch (ip->protocol) {
	case IP_PROTOCOL_TCP: look_at_tcp(s, ip, r); return true;
	case IP_PROTOCOL_UDP:
		if (!is_unsolicited(s, ip, r))
			return true;
		drop(s->guest->engine, DROP_FILTERED);
		return false;
	default: return !s->muted && (ip->protocol != IP_PROTOCOL_ICMP || is_allowed_icmp(s, ip, r));
	}
}

void outbound_frame(struct stack *s, const uint8_t *frame, size_t len)
{
	struct engine *e = s->guest->engine;
	struct outward out;
	int r = outward_parse(frame, len, &out);
	/* ARP: libslirp was told the guest's MAC before it could ask. */
	if (r == -EPROTONOSUPPORT)
		return;
	if (r < 0) {
		drop(e, DROP_ENGINE_ERROR);
		return;
	}
	if (!is_wanted(s, &out.ip, out.l4))
		return;
	uint8_t *copy = arena_copy(e->config.env->arena, out.packet, out.len);
	if (!copy) {
		drop(e, DROP_NO_MEMORY);
		return;
	}
	const struct outward_rewrite how = {
		.private_network = STACK_NETWORK,
		.gateway = e->config.gateway,
		.from_gateway = s->role == STACK_GATEWAY,
	};
	if (outward_translate(copy, out.len, &how) < 0) {
		drop(e, DROP_ENGINE_ERROR);
		return;
	}
	struct iovec iov = { .iov_base = copy, .iov_len = out.len };
	e->config.env->ops->output(e->config.env, e->now, s->guest->guest,
				   &(struct engine_packet){ .iov = &iov, .n_iov = 1, .len = out.len });
}
