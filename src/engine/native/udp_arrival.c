/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/udp_arrival.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/frame.h"
#include "wire/checksum.h"
#include "wire/udp.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#define TTL 64

static void drop(struct engine *e, enum drop_reason why)
{
	e->config.env->ops->drop(e->config.env, why, NULL);
}

void udp_arrival_expect(struct msghdr *h, struct sockaddr_in *from, struct udp_control *control, struct iovec *iov, unsigned n)
{
	*h = (struct msghdr){ .msg_name = from, .msg_namelen = sizeof(*from), .msg_iov = iov, .msg_iovlen = n };
	h->msg_control = control->bytes;
	h->msg_controllen = sizeof(control->bytes);
}

static size_t segment_size(struct msghdr *h, size_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		int size;
		if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO)
			continue;
		memcpy(&size, CMSG_DATA(c), sizeof(size));
		return size > 0 ? (size_t)size : len;
	}
	return len;
}

struct udp_arrival udp_arrival_of(struct native_datagram *d, struct msghdr *h, size_t len)
{
	struct engine *e = d->base.engine;
	struct udp_arrival a = { .iov = h->msg_iov, .n_iov = (unsigned)h->msg_iovlen, .len = len, .segment = segment_size(h, len) };
	struct ip_endpoint source = native_endpoint(h->msg_name);
	if (d->peer.port != 0) {
		a.from = d->base.flow.key.remote;
		/* The kernel may have chosen the socket before it was connected. */
		a.admitted = !ip_is_v4(&d->peer.addr) || ip_endpoint_equal(&source, &d->peer);
	} else {
		a.admitted = mapping_admits(&d->mapping, (enum mapping_filter)e->config.udp_filtering, &source, &a.from);
	}
	if (a.admitted)
		d->base.to_guest += len;
	else
		drop(e, DROP_FILTERED);
	return a;
}

unsigned udp_arrival_datagrams(const struct udp_arrival *a)
{
	return a->len <= a->segment ? 1 : (unsigned)((a->len + a->segment - 1) / a->segment);
}

void udp_packet_headers(struct native_datagram *d, const struct ip_endpoint *from, size_t len, uint8_t ret[static UDP_ARRIVAL_HEADERS_LEN])
{
	const struct ip_endpoint *guest = &d->base.flow.key.guest;
	struct ipv4_header ip = {
		.total_len = (uint16_t)(UDP_ARRIVAL_HEADERS_LEN + len),
		.id = d->base.engine->packet_id++,
		.ttl = TTL,
		.protocol = IP_PROTOCOL_UDP,
		.src = ip_to_ip4(&from->addr),
		.dst = ip_to_ip4(&guest->addr),
	};
	struct udp_header udp = { .src_port = from->port, .dst_port = guest->port, .len = (uint16_t)(UDP_HEADER_LEN + len) };
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, ip.src, ip.dst, IP_PROTOCOL_UDP, udp.len);
	udp.checksum = checksum_fold(&c);
	struct bytes_writer w = bytes_writer(ret, UDP_ARRIVAL_HEADERS_LEN);
	ipv4_emit(&w, &ip);
	udp_emit(&w, &udp);
}

void udp_packet_checksum(uint8_t headers[static UDP_ARRIVAL_HEADERS_LEN], const struct engine_packet *p)
{
	struct frame view = { .iov = p->iov, .n_iov = p->n_iov, .len = p->len };
	struct checksum c = { 0 };
	checksum_add(&c, headers + IPV4_HEADER_LEN, UDP_HEADER_LEN);
	frame_checksum(&view, UDP_ARRIVAL_HEADERS_LEN, p->len - UDP_ARRIVAL_HEADERS_LEN, &c);
	uint16_t value = checksum_value(&c);
	struct bytes_writer w = bytes_writer(headers + IPV4_HEADER_LEN + UDP_CHECKSUM_AT, 2);
	bytes_put_be16(&w, value ? value : 0xffff); /* 0 means no checksum (RFC 768) */
}

struct engine_packet udp_packet_of(const struct iovec *iov, unsigned n, size_t len, bool partial)
{
	return (struct engine_packet){ .iov = iov,
				       .n_iov = n,
				       .len = len,
				       .checksum_partial = partial,
				       .csum_start = IPV4_HEADER_LEN,
				       .csum_offset = UDP_CHECKSUM_AT };
}

/* Adds a copy of @len bytes of @a, from @at on, as a packet. */
static void add_late(struct native_datagram *d, struct udp_late_list *list, const struct udp_arrival *a, size_t at, size_t len)
{
	struct engine *e = d->base.engine;
	struct frame view = { .iov = a->iov, .n_iov = a->n_iov, .len = a->len };
	struct udp_late *late = arena_alloc(e->config.env->arena, sizeof(*late));
	uint8_t *bytes = late ? arena_alloc(e->config.env->arena, UDP_ARRIVAL_HEADERS_LEN + len) : NULL;
	if (!bytes) {
		drop(e, DROP_NO_MEMORY);
		return;
	}
	frame_copy(&view, at, bytes + UDP_ARRIVAL_HEADERS_LEN, len);
	udp_packet_headers(d, &a->from, len, bytes);
	late->iov = (struct iovec){ bytes, UDP_ARRIVAL_HEADERS_LEN + len };
	late->packet = udp_packet_of(&late->iov, 1, UDP_ARRIVAL_HEADERS_LEN + len, false);
	late->next = NULL;
	udp_packet_checksum(bytes, &late->packet);
	*(list->first ? &list->last->next : &list->first) = late;
	list->last = late;
}

void udp_late_add(struct native_datagram *d, struct udp_late_list *list, const struct udp_arrival *a, size_t at)
{
	if (!a->admitted)
		return;
	do {
		size_t len = MIN(a->segment, a->len - at);
		add_late(d, list, a, at, len);
		at += len;
	} while (at < a->len);
}

void udp_late_output(struct native_datagram *d, usec_t now, const struct udp_late_list *list)
{
	struct engine_env *env = d->base.engine->config.env;
	for (const struct udp_late *late = list->first; late; late = late->next)
		env->ops->output(env, now, d->base.guest, &late->packet);
}
