/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/udp_arrival.h"

#include "base/arena.h"
#include "base/macros.h"
#include "engine/native/udp_listener.h"
#include "lan/frame.h"
#include "wire/checksum.h"
#include "wire/udp.h"

#include <netinet/udp.h>

#define TTL 64

static void drop(struct engine *e, enum drop_reason why)
{
	e->config.env->ops->drop(e->config.env, why, NULL);
}

void udp_arrival_expect(struct msghdr *h, struct udp_origin *origin, struct iovec *iov, unsigned n)
{
	*h = (struct msghdr){ .msg_name = &origin->from, .msg_namelen = sizeof(origin->from), .msg_iov = iov, .msg_iovlen = n };
	h->msg_control = origin->control;
	h->msg_controllen = sizeof(origin->control);
}

static void read_control(struct msghdr *h, struct udp_arrival *a, struct udp_path *path)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			int size;
			memcpy(&size, CMSG_DATA(c), sizeof(size));
			a->segment = size > 0 ? (size_t)size : a->len;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			memcpy(&a->tos, CMSG_DATA(c), sizeof(a->tos));
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			int class;
			memcpy(&class, CMSG_DATA(c), sizeof(class));
			a->tos = (uint8_t) class;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			path->local = ip_from_ip4(ntohl(info.ipi_spec_dst.s_addr)); /* the host's own, if it was sent to a group */
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			if (info.ipi6_addr.s6_addr[0] != 0xff) /* not a group's */
				memcpy(path->local.b, &info.ipi6_addr, sizeof(path->local.b));
			path->interface = ipv6_is_link_local(&path->peer.addr) ? info.ipi6_ifindex : 0;
		}
	}
}

struct udp_arrival udp_arrival_of(const struct udp_reader *r, usec_t now, struct msghdr *h, size_t len)
{
	struct udp_arrival a = { .iov = h->msg_iov, .n_iov = (unsigned)h->msg_iovlen, .len = len, .segment = len };
	struct udp_path path = { .peer = socket_address_get(h->msg_name) };
	read_control(h, &a, &path);
	if (r->listener) {
		a.flow = udp_listener_flow(r->listener, now, &path);
		if (a.flow)
			a.from = a.flow->base.flow.key.remote;
	} else if (mapping_admits(&r->flow->mapping, (enum mapping_filter)r->engine->config.udp_filtering, &path.peer, &a.from)) {
		a.flow = r->flow;
	} else {
		drop(r->engine, DROP_FILTERED);
	}
	if (a.flow)
		a.flow->base.to_guest += len;
	return a;
}

unsigned udp_arrival_datagrams(const struct udp_arrival *a)
{
	return a->len <= a->segment ? 1 : (unsigned)((a->len + a->segment - 1) / a->segment);
}

void udp_packet_headers(const struct udp_arrival *a, size_t len, uint8_t *ret)
{
	const struct ip_endpoint *guest = &a->flow->base.flow.key.guest, *from = &a->from;
	struct ip_header ip = {
		.traffic_class = a->tos,
		.id = a->flow->base.engine->packet_id++,
		.hop_limit = TTL,
		.protocol = IP_PROTOCOL_UDP,
		.src = from->addr,
		.dst = guest->addr,
	};
	struct udp_header udp = { .src_port = from->port, .dst_port = guest->port, .len = (uint16_t)(UDP_HEADER_LEN + len) };
	struct checksum c = { 0 };
	checksum_add_pseudo(&c, &ip.src, &ip.dst, IP_PROTOCOL_UDP, udp.len);
	udp.checksum = checksum_fold(&c);
	struct bytes_writer w = bytes_writer(ret, udp_headers_len(a->flow));
	ip_emit(&w, &ip, udp.len);
	udp_emit(&w, &udp);
}

void udp_packet_checksum(uint8_t *headers, const struct engine_packet *p)
{
	struct frame view = { .iov = p->iov, .n_iov = p->n_iov, .len = p->len };
	struct checksum c = { 0 };
	uint8_t *udp = headers + p->csum_start;
	size_t headers_len = p->csum_start + (size_t)UDP_HEADER_LEN;
	checksum_add(&c, udp, UDP_HEADER_LEN);
	frame_checksum(&view, headers_len, p->len - headers_len, &c);
	uint16_t value = checksum_value(&c);
	struct bytes_writer w = bytes_writer(udp + UDP_CHECKSUM_AT, 2);
	bytes_put_be16(&w, value ? value : 0xffff); /* 0 means no checksum (RFC 768) */
}

struct engine_packet udp_packet_of(const struct iovec *iov, unsigned n, size_t len, size_t headers_len, bool partial)
{
	return (struct engine_packet){ .iov = iov,
				       .n_iov = n,
				       .len = len,
				       .checksum_partial = partial,
				       .csum_start = (uint16_t)(headers_len - UDP_HEADER_LEN),
				       .csum_offset = UDP_CHECKSUM_AT };
}

/* Adds a copy of @len bytes of @a, from @at on, as a packet. */
static void add_late(struct engine *e, struct udp_late_list *list, const struct udp_arrival *a, size_t at, size_t len)
{
	struct frame view = { .iov = a->iov, .n_iov = a->n_iov, .len = a->len };
	size_t headers_len = udp_headers_len(a->flow);
	struct udp_late *late = arena_alloc(e->config.env->arena, sizeof(*late));
	uint8_t *bytes = late ? arena_alloc(e->config.env->arena, headers_len + len) : NULL;
	if (!bytes) {
		drop(e, DROP_NO_MEMORY);
		return;
	}
	frame_copy(&view, at, bytes + headers_len, len);
	udp_packet_headers(a, len, bytes);
	late->iov = (struct iovec){ bytes, headers_len + len };
	late->packet = udp_packet_of(&late->iov, 1, headers_len + len, headers_len, false);
	late->guest = a->flow->base.guest;
	late->next = NULL;
	udp_packet_checksum(bytes, &late->packet);
	*(list->first ? &list->last->next : &list->first) = late;
	list->last = late;
}

void udp_late_add(struct engine *e, struct udp_late_list *list, const struct udp_arrival *a, size_t at)
{
	if (!a->flow)
		return;
	do {
		size_t len = MIN(a->segment, a->len - at);
		add_late(e, list, a, at, len);
		at += len;
	} while (at < a->len);
}

void udp_late_output(struct engine *e, usec_t now, const struct udp_late_list *list)
{
	struct engine_env *env = e->config.env;
	for (const struct udp_late *late = list->first; late; late = late->next)
		env->ops->output(env, now, late->guest, &late->packet);
}
