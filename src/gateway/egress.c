/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/egress.h"

#include "base/macros.h"
#include "gateway/engine.h"
#include "gateway/guest.h"
#include "gateway/ip6.h"
#include "lan/frame.h"
#include "lan/oversize.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"
#include "wire/tcp.h"

#define GATEWAY_TTL 64
#define LENDERS_OFFLOADS (PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4) /* see engine_env_ops.guest_path */

static void drop(struct egress *e, enum drop_reason why, const struct frame *f)
{
	segment_drop(e->segment, e->port, why, f);
}

/* A gateway that is absent from the segment sends nothing there. */
static void enter_segment(struct egress *e, usec_t now, const struct frame *f)
{
	if (e->port->segment)
		segment_input(e->segment, now, e->port, f);
}

/* Sends a frame of the gateway's own, whose bytes are in the arena. */
static void input(struct egress *e, usec_t now, const void *bytes, size_t len)
{
	struct iovec iov;
	struct frame f = frame_of(&iov, bytes, len);
	f.checksum = FRAME_CHECKSUM_VERIFIED;
	enter_segment(e, now, &f);
}

void egress_frame(struct egress *e, usec_t now, const void *bytes, size_t len)
{
	const void *copy = arena_copy(&e->segment->arena, bytes, len);
	if (copy)
		input(e, now, copy, len);
	else
		drop(e, DROP_NO_MEMORY, NULL);
}

static size_t make_arp(const struct egress *e, const struct arp_message *m, uint8_t buf[static ETH_HEADER_LEN + ARP_LEN])
{
	struct bytes_writer w = bytes_writer(buf, ETH_HEADER_LEN + ARP_LEN);
	eth_emit(&w, &(struct eth_header){ .dst = MAC_BROADCAST, .src = e->mac, .ethertype = ETH_TYPE_ARP });
	arp_emit(&w, m);
	return w.len;
}

static void emit_arp(struct egress *e, usec_t now, const struct arp_message *m)
{
	uint8_t bytes[ETH_HEADER_LEN + ARP_LEN];
	egress_frame(e, now, bytes, make_arp(e, m, bytes));
}

static void emit_solicitation(struct egress *e, usec_t now, const struct ip_addr *target)
{
	uint8_t bytes[ETH_HEADER_LEN + IPV6_HEADER_LEN + ND_NEIGHBOUR_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct ip_addr group = ipv6_solicited_node(target);
	eth_emit(&w, &(struct eth_header){ .dst = ipv6_group_mac(&group), .src = e->mac, .ethertype = ETH_TYPE_IPV6 });
	nd_emit_solicitation(&w, e->mac, &e->ip6->link_local, &group, target);
	egress_frame(e, now, bytes, w.len);
}

void egress_ask(struct egress *e, usec_t now, const struct ip_addr *addr)
{
	struct arp_message arp = { .operation = ARP_REQUEST, .sender_mac = e->mac, .sender_ip = e->ip, .target_ip = ip_to_ip4(addr) };
	if (ip_is_v4(addr))
		emit_arp(e, now, &arp);
	else if (e->ip6->on)
		emit_solicitation(e, now, addr);
}

void egress_probe(struct egress *e, usec_t now, ip4_t ip, struct port *to)
{
	uint8_t bytes[ETH_HEADER_LEN + ARP_LEN];
	size_t len = make_arp(e, &(struct arp_message){ .operation = ARP_REQUEST, .sender_mac = e->mac, .target_ip = ip }, bytes);
	if (e->port->segment)
		segment_send(e->segment, now, to, bytes, len);
}

void egress_announce(struct egress *e, usec_t now)
{
	emit_arp(e, now, &(struct arp_message){ .operation = ARP_REQUEST, .sender_mac = e->mac, .sender_ip = e->ip, .target_ip = e->ip });
}

void egress_announce6(struct egress *e, usec_t now, const struct ip_addr *addr)
{
	uint8_t bytes[ETH_HEADER_LEN + IPV6_HEADER_LEN + ND_NEIGHBOUR_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct ip_addr all = IPV6_ALL_NODES;
	eth_emit(&w, &(struct eth_header){ .dst = ipv6_group_mac(&all), .src = e->mac, .ethertype = ETH_TYPE_IPV6 });
	nd_emit_router_advertises_itself(&w, e->mac, addr, &all);
	egress_frame(e, now, bytes, w.len);
}

struct passage {
	struct egress *egress;
	usec_t now;
	struct port *to; /* NULL: it is not known, and the segment finds out */
};

static void input_fitting(void *opaque, const struct frame *f)
{
	struct passage *p = opaque;
	if (p->to && p->egress->port->segment)
		segment_output(p->egress->segment, p->now, p->to, f);
	else
		enter_segment(p->egress, p->now, f);
}

size_t egress_mtu(const struct egress *e, usec_t now, const struct guest *to)
{
	return to->port && e->port->segment ? segment_mtu(e->segment, now, to->mac) : GUEST_MTU_MIN;
}

/*
 * Fragments @f to the MTU that @to has shown, unless DF is set or it is IPv6.  TCP is sent as it is: the guest's MSS option limits its
 * segments.
 */
static void input_to_guest(struct egress *e, usec_t now, const struct guest *to, const struct frame *f)
{
	struct passage passage = { e, now, to->port };
	if (f->len <= ETH_HEADER_LEN + GUEST_MTU_MIN) {
		input_fitting(&passage, f);
		return;
	}
	struct oversize_limits limits = { .max_frame = ETH_HEADER_LEN + egress_mtu(e, now, to), .offloads = e->port->offloads };
	struct packet p;
	enum drop_reason why;
	if (f->len <= limits.max_frame || packet_parse(f, NULL, &e->segment->arena, &p, &why) < 0 || !packet_is_v4(&p) ||
	    p.ip.dont_fragment || p.ip.protocol == IP_PROTOCOL_TCP) {
		input_fitting(&passage, f);
		return;
	}
	struct oversize_result r = oversize_pass(&p, &limits, input_fitting, &passage);
	if (r.verdict != OVERSIZE_EMITTED)
		drop(e, r.why, f);
}

struct waiting {
	struct egress *egress;
	usec_t now;
	struct guest_address *address;
};

static void wait_fitting(void *opaque, const struct frame *f)
{
	struct waiting *w = opaque;
	if (!guest_wait(w->egress->guests, w->now, w->address, f))
		drop(w->egress, DROP_NEIGHBOUR_FULL, f);
}

/* Keeps @f until @to, of which was only HEARD, answers.  The queue stores bytes only, so offloads are completed first. */
static void wait_for_guest(struct egress *e, usec_t now, const struct guest *to, const struct frame *f)
{
	struct waiting waiting = { e, now, container_of(to->addresses.next, struct guest_address, of_guest) };
	struct oversize_limits plain = { .max_frame = e->port->max_frame };
	if (f->gso != FRAME_GSO_NONE)
		plain.max_frame = ETH_HEADER_LEN + IPV4_HEADER_MAX + TCP_HEADER_MAX + (size_t)f->gso_size;
	struct oversize_result r = oversize_pass_frame(f, &plain, &e->segment->arena, wait_fitting, &waiting);
	if (r.verdict != OVERSIZE_EMITTED)
		drop(e, r.why, f);
}

/* Sends @f after writing the destination MAC to its @eth_header, or keeps it until the guest is known. */
static void address_and_input(struct egress *e, usec_t now, struct guest *to, uint8_t *eth_header, const struct frame *f)
{
	if (to->state == GUEST_HEARD) {
		wait_for_guest(e, now, to, f);
		return;
	}
	memcpy(eth_header, to->mac.b, sizeof(to->mac.b));
	guest_received(to, f->len);
	input_to_guest(e, now, to, f);
}

/* Makes room for an Ethernet header in front of the packet @f: in its headroom, else in iov[0], which is in front of f->iov. */
static uint8_t *eth_header_room(struct egress *e, struct iovec *iov, struct frame *f)
{
	if (f->headroom >= ETH_HEADER_LEN) {
		f->headroom -= ETH_HEADER_LEN;
		f->iov = ++iov;
		iov->iov_base = (uint8_t *)iov->iov_base - ETH_HEADER_LEN;
		iov->iov_len += ETH_HEADER_LEN;
		return iov->iov_base;
	}
	uint8_t *room = arena_alloc(&e->segment->arena, FRAME_HEADROOM);
	if (!room)
		return NULL;
	f->headroom = FRAME_HEADROOM - ETH_HEADER_LEN;
	*iov = (struct iovec){ .iov_base = room + f->headroom, .iov_len = ETH_HEADER_LEN };
	f->iov = iov;
	f->n_iov++;
	return iov->iov_base;
}

/* Of the packet that begins with @packet. */
static uint16_t ethertype_of(const void *packet)
{
	return *(const uint8_t *)packet >> 4 == 6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4;
}

/*
 * Makes the frame to @mac of the packet in iov[1 … 1 + n).  @meta has the members of the frame but for length and iovecs.  Returns
 * the frame's Ethernet header; NULL when the packet was dropped.
 */
static uint8_t *frame_behind_header(struct egress *e, struct mac mac, struct iovec *iov, unsigned n, size_t packet_len,
				    const struct frame *meta, struct frame *ret)
{
	uint16_t ethertype = ethertype_of(iov[1].iov_base);
	*ret = *meta;
	ret->n_iov = n;
	ret->len = ETH_HEADER_LEN + packet_len;
	uint8_t *eth_header = eth_header_room(e, iov, ret);
	if (!eth_header) {
		drop(e, DROP_NO_MEMORY, NULL);
		return NULL;
	}
	struct bytes_writer w = bytes_writer(eth_header, ETH_HEADER_LEN);
	eth_emit(&w, &(struct eth_header){ .dst = mac, .src = e->mac, .ethertype = ethertype });
	return eth_header;
}

/* Sends the packet in iov[1 … 1 + n) to @to. */
static void send_behind_header(struct egress *e, usec_t now, struct guest *to, struct iovec *iov, unsigned n, size_t packet_len,
			       const struct frame *meta)
{
	struct frame f;
	uint8_t *eth_header = frame_behind_header(e, to->mac, iov, n, packet_len, meta, &f);
	if (eth_header)
		address_and_input(e, now, to, eth_header, &f);
}

static enum frame_gso gso_of(const struct engine_packet *p)
{
	if (p->gso_size == 0)
		return FRAME_GSO_NONE;
	struct frame view = { .iov = p->iov, .n_iov = p->n_iov, .len = p->len };
	bool v6 = ethertype_of(p->iov[0].iov_base) == ETH_TYPE_IPV6;
	uint8_t protocol = 0;
	frame_copy(&view, v6 ? IPV6_NEXT_HEADER_AT : IPV4_PROTOCOL_AT, &protocol, 1);
	return protocol == IP_PROTOCOL_UDP ? FRAME_GSO_UDP : v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4;
}

/* The offload metadata of @p as members of a frame; length and iovecs are not set. */
static struct frame frame_meta(const struct engine_packet *p)
{
	return (struct frame){
		.checksum = p->checksum_partial ? FRAME_CHECKSUM_PARTIAL : FRAME_CHECKSUM_VERIFIED,
		.csum_start = (uint16_t)(p->csum_start + ETH_HEADER_LEN),
		.csum_offset = p->csum_offset,
		.gso = gso_of(p),
		.gso_size = p->gso_size,
		.headroom = p->headroom,
	};
}

/* A packet that only its source may fragment: towards the guest, that is the gateway.  TCP follows the guest's MSS. */
static bool needs_fragments6(const struct egress *e, usec_t now, const struct guest *to, const struct engine_packet *p)
{
	const uint8_t *header = p->iov[0].iov_base;
	return p->len > GUEST_MTU_MIN && p->gso_size == 0 && !p->checksum_partial && ethertype_of(header) == ETH_TYPE_IPV6 &&
	       header[IPV6_NEXT_HEADER_AT] != IP_PROTOCOL_TCP && p->len > egress_mtu(e, now, to);
}

static void send_in_fragments6(struct egress *e, usec_t now, const struct guest *to, const struct engine_packet *p)
{
	struct frame view = { .iov = p->iov, .n_iov = p->n_iov, .len = p->len };
	const uint8_t *bytes = frame_linear(&view, 0, p->len, &e->segment->arena);
	struct bytes_reader r = bytes_reader(bytes, bytes ? p->len : 0);
	struct ipv6_header ip;
	if (ipv6_parse(&r, &ip) < 0) {
		drop(e, DROP_NO_MEMORY, NULL);
		return;
	}
	egress_ipv6(e, now, &ip.src, &ip.dst, to->state == GUEST_HEARD ? NULL : &to->mac, ip.next_header, r.at, r.left);
}

void egress_packet(struct egress *e, usec_t now, struct guest *to, const struct engine_packet *p)
{
	struct iovec iov[ENGINE_IOV_MAX + 1];
	if (p->n_iov > ENGINE_IOV_MAX) {
		drop(e, DROP_NO_MEMORY, NULL);
		return;
	}
	if (needs_fragments6(e, now, to, p)) {
		send_in_fragments6(e, now, to, p);
		return;
	}
	memcpy(&iov[1], p->iov, p->n_iov * sizeof(*p->iov));
	struct frame meta = frame_meta(p);
	send_behind_header(e, now, to, iov, p->n_iov, p->len, &meta);
}

/* Sends a packet that is not longer than the guest's MTU: it needs only an Ethernet header. */
static void send_straight(struct egress *e, usec_t now, struct guest *to, const struct engine_packet *p)
{
	struct iovec iov[ENGINE_IOV_MAX + 1];
	struct frame meta = frame_meta(p), f;
	memcpy(&iov[1], p->iov, p->n_iov * sizeof(*p->iov));
	if (!frame_behind_header(e, to->mac, iov, p->n_iov, p->len, &meta, &f))
		return;
	guest_received(to, f.len);
	segment_output(e->segment, now, to->port, &f);
}

void egress_packets(struct egress *e, usec_t now, const struct engine_packet *packets, unsigned k)
{
	struct guest *to = e->lent;
	size_t longest = to->port && e->port->segment ? GUEST_MTU_MIN : 0;
	for (unsigned i = 0; i < k; i++) {
		if (packets[i].len > longest && longest > 0)
			longest = egress_mtu(e, now, to); /* not before it is needed */
		if (packets[i].len <= longest && packets[i].n_iov <= ENGINE_IOV_MAX)
			send_straight(e, now, to, &packets[i]);
		else
			egress_packet(e, now, to, &packets[i]);
	}
}

unsigned egress_reserve(struct egress *e, usec_t now, struct guest *to, uint32_t flow, unsigned n, size_t size, struct port_room *ret)
{
	e->lent = to;
	struct port *p = e->port->segment ? to->port : NULL;
	/* A loan bypasses the segment, which would complete the offloads that the port lacks. */
	if (!p || !p->ops->reserve || p->congested || !loop_passes(&p->loop) || e->lender ||
	    (p->offloads & LENDERS_OFFLOADS) != LENDERS_OFFLOADS)
		return 0;
	uint8_t **heads = arena_alloc(&e->segment->arena, n * sizeof(*heads));
	unsigned lent = heads ? p->ops->reserve(p, flow, n, ETH_HEADER_LEN + size, ret) : 0;
	if (lent == 0)
		return 0;
	e->lender = p;
	e->lent_heads = heads;
	for (unsigned i = 0; i < lent; i++) {
		struct iovec *first = ret[i].iov;
		heads[i] = first->iov_base;
		first->iov_base = heads[i] + ETH_HEADER_LEN;
		first->iov_len -= ETH_HEADER_LEN;
		ret[i].size -= ETH_HEADER_LEN;
	}
	return lent;
}

/* Makes the frame of @p with its Ethernet header at @head. */
static bool frame_around(struct egress *e, const struct engine_packet *p, uint8_t *head, struct frame *ret)
{
	struct iovec *iov = arena_alloc(&e->segment->arena, (p->n_iov + 1) * sizeof(*iov));
	if (!iov)
		return false;
	struct bytes_writer w = bytes_writer(head, ETH_HEADER_LEN);
	eth_emit(&w, &(struct eth_header){ .dst = e->lent->mac, .src = e->mac, .ethertype = ethertype_of(p->iov[0].iov_base) });
	iov[0] = (struct iovec){ .iov_base = head, .iov_len = ETH_HEADER_LEN };
	memcpy(&iov[1], p->iov, p->n_iov * sizeof(*iov));
	*ret = frame_meta(p);
	ret->headroom = 0;
	ret->iov = iov;
	ret->n_iov = p->n_iov + 1;
	ret->len = ETH_HEADER_LEN + p->len;
	return true;
}

bool egress_commit(struct egress *e, usec_t now, const struct engine_packet *packets, unsigned k)
{
	if (!e->lender)
		return false;
	struct frame *frames = arena_alloc(&e->segment->arena, (k + 1) * sizeof(*frames));
	unsigned n = 0;
	while (frames && n < k && frame_around(e, &packets[n], e->lent_heads[n], &frames[n]))
		n++;
	if (n < k)
		drop(e, DROP_NO_MEMORY, NULL);
	for (unsigned i = 0; i < n; i++)
		guest_received(e->lent, frames[i].len);
	segment_commit(e->segment, now, e->port, e->lender, frames, n);
	e->lender = NULL;
	return true;
}

void egress_forward(struct egress *e, usec_t now, struct guest *to, const struct packet *p)
{
	struct iovec iov[ENGINE_IOV_MAX + 1];
	/* IPv6 extension headers stay as they are. */
	size_t at = packet_is_v4(p) ? p->l4_offset : p->l3_offset + IPV6_HEADER_LEN, len = packet_end(p) - at;
	uint8_t *header = arena_alloc(&e->segment->arena, IPV4_HEADER_MAX);
	int n = frame_slice(p->frame, at, len, iov + 2, ENGINE_IOV_MAX - 1);
	if (!header || n < 0) {
		drop(e, DROP_NO_MEMORY, NULL);
		return;
	}
	struct bytes_writer w = bytes_writer(header, IPV4_HEADER_MAX);
	if (packet_is_v4(p))
		ipv4_emit(&w, &p->ip);
	else
		ipv6_emit(&w, &p->ip6);
	iov[1] = (struct iovec){ .iov_base = header, .iov_len = w.len };
	struct frame meta = *p->frame;
	meta.ingress = NULL; /* the gateway sends it now */
	meta.joined = 0;
	meta.headroom = 0;
	meta.csum_start = (uint16_t)(meta.csum_start - at + ETH_HEADER_LEN + w.len);
	send_behind_header(e, now, to, iov, (unsigned)n + 1, w.len + len, &meta);
}

/* Sends the frame @bytes of the gateway's own to @mac, or when that is zero, to the guest with @dst, which is on the link. */
static void send_own(struct egress *e, usec_t now, const struct ip_addr *dst, struct mac mac, uint8_t *bytes, size_t size)
{
	struct iovec iov;
	struct frame f = frame_of(&iov, bytes, size);
	f.checksum = FRAME_CHECKSUM_VERIFIED;
	if (!mac_is_zero(mac)) {
		enter_segment(e, now, &f);
		return;
	}
	/* Outside the subnet ARP would not be answered. */
	bool on_link = ip_is_v4(dst) ? prefix4_contains(e->subnet, ip_to_ip4(dst)) : gateway_ip6_is_guest(e->ip6, dst);
	struct guest_address *a = on_link ? guest_expect(e->guests, now, dst, e->guests->host) : NULL;
	if (a)
		address_and_input(e, now, a->guest, bytes, &f);
	else
		drop(e, DROP_NEIGHBOUR_UNKNOWN, &f);
}

void egress_ipv4(struct egress *e, usec_t now, ip4_t src, ip4_t dst, const struct mac *dst_mac, uint8_t protocol, const void *payload,
		 size_t len)
{
	size_t size = ETH_HEADER_LEN + IPV4_HEADER_LEN + len;
	uint8_t *bytes = len <= IPV4_PACKET_MAX - IPV4_HEADER_LEN ? arena_alloc(&e->segment->arena, size) : NULL;
	if (!bytes) {
		drop(e, DROP_NO_MEMORY, NULL);
		return;
	}
	struct mac mac = dst_mac ? *dst_mac : dst == IP4_BROADCAST ? MAC_BROADCAST : (struct mac){ { 0 } };
	struct bytes_writer w = bytes_writer(bytes, size);
	eth_emit(&w, &(struct eth_header){ .dst = mac, .src = e->mac, .ethertype = ETH_TYPE_IPV4 });
	ipv4_emit(&w, &(struct ipv4_header){ .total_len = (uint16_t)(IPV4_HEADER_LEN + len),
					     .id = e->next_id++,
					     .ttl = GATEWAY_TTL,
					     .protocol = protocol,
					     .src = src,
					     .dst = dst });
	bytes_put(&w, payload, len);
	struct ip_addr addr = ip_from_ip4(dst);
	send_own(e, now, &addr, mac, bytes, size);
}

/* A packet of the gateway's own, or a fragment of it. */
struct own6 {
	struct ipv6_header ip;
	uint8_t protocol;
	struct mac mac; /* zero: of the guest with ip.dst */
	uint32_t id;
	bool is_fragment, more;
	uint16_t offset;
};

static void send_own6(struct egress *e, usec_t now, const struct own6 *o, const uint8_t *payload, size_t len)
{
	struct ipv6_header ip = o->ip;
	size_t above = len + (o->is_fragment ? IPV6_FRAGMENT_HEADER_LEN : 0), size = ETH_HEADER_LEN + IPV6_HEADER_LEN + above;
	uint8_t *bytes = arena_alloc(&e->segment->arena, size);
	if (!bytes) {
		drop(e, DROP_NO_MEMORY, NULL);
		return;
	}
	struct bytes_writer w = bytes_writer(bytes, size);
	ip.payload_len = (uint16_t)above;
	ip.next_header = o->is_fragment ? IPV6_NEXT_FRAGMENT : o->protocol;
	eth_emit(&w, &(struct eth_header){ .dst = o->mac, .src = e->mac, .ethertype = ETH_TYPE_IPV6 });
	ipv6_emit(&w, &ip);
	if (o->is_fragment)
		ipv6_emit_fragment_header(&w, o->protocol, o->offset, o->more, o->id);
	bytes_put(&w, payload, len);
	send_own(e, now, &ip.dst, o->mac, bytes, size);
}

/* The largest packet that the guest with @dst is known to take. */
static size_t mtu_towards(const struct egress *e, usec_t now, const struct ip_addr *dst)
{
	const struct guest_address *a = guest_find_address(e->guests, dst);
	return a ? egress_mtu(e, now, a->guest) : GUEST_MTU_MIN;
}

void egress_ipv6(struct egress *e, usec_t now, const struct ip_addr *src, const struct ip_addr *dst, const struct mac *dst_mac,
		 uint8_t protocol, const void *payload, size_t len)
{
	struct own6 o = { .ip = { .hop_limit = GATEWAY_TTL, .src = *src, .dst = *dst }, .protocol = protocol };
	size_t mtu = MAX(mtu_towards(e, now, dst), (size_t)IPV6_MTU_MIN);
	if (dst_mac)
		o.mac = *dst_mac;
	if (len > UINT16_MAX) {
		drop(e, DROP_OVERSIZE, NULL);
		return;
	}
	o.is_fragment = IPV6_HEADER_LEN + len > mtu;
	if (!o.is_fragment) {
		send_own6(e, now, &o, payload, len);
		return;
	}
	/* Not predictable, so that nobody else can send a fragment of it (RFC 7739). */
	e->n_fragmented++;
	o.id = (uint32_t)hash_bytes(&e->guests->key, &e->n_fragmented, sizeof(e->n_fragmented));
	size_t room = (mtu - IPV6_HEADER_LEN - IPV6_FRAGMENT_HEADER_LEN) & ~(size_t)7;
	for (size_t at = 0; at < len; at += room) {
		size_t n = MIN(room, len - at);
		o.offset = (uint16_t)at;
		o.more = at + n < len;
		send_own6(e, now, &o, (const uint8_t *)payload + at, n);
	}
}

/* --- for the table of guests --- */

void egress_release(struct egress *e, usec_t now, const struct guest_address *a, const void *frame, size_t len)
{
	uint8_t *copy = arena_copy(&e->segment->arena, frame, len);
	if (!copy) {
		drop(e, DROP_NO_MEMORY, NULL);
		return;
	}
	memcpy(copy, a->guest->mac.b, sizeof(a->guest->mac.b));
	input(e, now, copy, len);
}

void egress_unanswered(struct egress *e, const void *frame, size_t len)
{
	struct iovec iov;
	struct frame f = frame_of(&iov, frame, len);
	drop(e, DROP_NEIGHBOUR_UNKNOWN, &f);
}
