/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Most packets of a port come from the address that the last one came from.  They pass after two comparisons of bytes at fixed places;
 * only packets that may be a router's or DHCP server's are looked at further.
 */
#include "gateway/guard.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/macros.h"
#include "gateway/gateway_internal.h"
#include "gateway/payer.h"
#include "gateway/rogue.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "wire/arp.h"
#include "wire/dhcp.h"
#include "wire/nd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* RFC 5227 §2.4(c): not more often, or two claimants of one address would announce it for ever. */
#define DEFEND_INTERVAL (10 * USEC_PER_SEC)
#define LENGTH_MAX 1500 /* an ethertype up to this is the length of an IEEE 802.3 frame (IEEE 802.3 §3.2.6) */
#define NO_ADDRESS ((struct ip_addr){ 0 })

/* --- what a packet shows --- */

enum evidence {
	SHOWS_NOTHING,
	SHOWS_ADDRESS, /* as its source */
	SHOWS_BOTH,    /* the address and the MAC that has it: ARP, neighbour discovery */
};

/* Whether a tag of @p has a VLAN identifier.  Without one, receivers take a tag as a priority only (IEEE 802.1Q-2018 §6.9). */
static bool is_in_vlan(const struct packet *p)
{
	for (size_t at = ETH_HEADER_LEN; at < p->l3_offset; at += ETH_TAG_LEN)
		if ((p->head[at] & 0x0f) != 0 || p->head[at + 1] != 0)
			return true;
	return false;
}

static bool reads_v4(const struct packet *p, size_t at, struct ip_addr *ret)
{
	uint8_t copy[4];
	const uint8_t *b = p->head + p->l3_offset + at;
	if (p->l3_offset + at + sizeof(copy) > p->head_len) {
		if (frame_copy(p->frame, p->l3_offset + at, copy, sizeof(copy)) < sizeof(copy))
			return false;
		b = copy;
	}
	*ret = ip_from_ip4(IP4(b[0], b[1], b[2], b[3]));
	return true;
}

/* The address that @p shows as its sender's. */
static enum evidence sender_of(struct packet *p, struct ip_addr *ret)
{
	switch (p->eth.ethertype) {
	case ETH_TYPE_IPV4: return reads_v4(p, IPV4_SRC_AT, ret) ? SHOWS_ADDRESS : SHOWS_NOTHING;
	case ETH_TYPE_ARP:
		if (p->arp_error < 0 || p->arp.sender_ip == 0)
			return SHOWS_NOTHING;
		*ret = ip_from_ip4(p->arp.sender_ip);
		return mac_equal(p->arp.sender_mac, p->eth.src) ? SHOWS_BOTH : SHOWS_ADDRESS;
	case ETH_TYPE_IPV6:
		if (packet_ip(p) < 0)
			return SHOWS_NOTHING;
		*ret = p->src;
		if (packet_nd(p) == 0 && p->nd.type == ND_NEIGHBOUR_ADVERTISEMENT) {
			*ret = p->nd.target;
			return SHOWS_BOTH;
		}
		if (p->nd_error == 0 && p->nd.type == ND_NEIGHBOUR_SOLICITATION)
			return SHOWS_BOTH;
		return SHOWS_ADDRESS;
	default: return SHOWS_NOTHING;
	}
}

/* Whether one guest can have @addr. */
static bool is_unicast(const struct gateway *g, const struct ip_addr *addr)
{
	if (!ip_is_v4(addr))
		return !ip_is_unspecified(addr) && addr->b[0] != 0xff;
	ip4_t ip = ip_to_ip4(addr);
	return ip != 0 && ip >> 28 < 0xe && ip >> 24 != 127 && ip != prefix4_broadcast(g->config.subnet) && ip != g->config.subnet.network;
}

/* --- conflicts --- */

bool guard_conflict_of(const struct port *port, usec_t now, struct guard_conflict *ret)
{
	const struct payer *p = port->payer;
	if (!p || !p->conflict || now - p->conflict->when > GUARD_CONFLICT_TIME)
		return false;
	*ret = *p->conflict;
	return true;
}

static void remember(struct payer *p, usec_t now, const struct claim *c, const struct payer *other)
{
	if (!p->conflict)
		p->conflict = malloc(sizeof(*p->conflict));
	if (!p->conflict)
		return;
	*p->conflict = (struct guard_conflict){ .when = now, .mac = c->mac, .addr = c->addr };
	if (!other->port)
		return;
	p->conflict->other_id = other->port->id;
	memcpy(p->conflict->other, other->port->name, sizeof(p->conflict->other));
}

static void conflict_found(void *opaque, usec_t now, const struct claim *c)
{
	struct gateway *g = opaque;
	char mac[MAC_TEXT_SIZE], ip[IP_TEXT_SIZE];
	remember(c->by, now, c, c->holder);
	if (c->holder != c->by)
		remember(c->holder, now, c, c->by);
	if (!c->by->port)
		return;
	const char *holder = c->holder == c->by ? "a guest that is not here" : c->holder->port ? c->holder->port->name : "?";
	mac_format(c->mac, mac);
	if (ip_is_unspecified(&c->addr))
		log_important(g->config.log, &c->by->port->log_limit, now, LOG_MATTER_CONFLICT,
			      "port %s uses the MAC %s, which belongs to port %s: dropped (lanlet doctor says what to do)",
			      c->by->port->name, mac, holder);
	else
		log_important(g->config.log, &c->by->port->log_limit, now, LOG_MATTER_CONFLICT,
			      "port %s uses the address %s with MAC %s, which belongs to port %s: dropped (lanlet doctor says what to do)",
			      c->by->port->name, ip_format(&c->addr, ip), mac, holder);
	if (g->config.hooks.conflict)
		g->config.hooks.conflict(g->config.hooks.opaque, now, c);
}

static enum drop_reason reason_of(const struct ip_addr *addr)
{
	return ip_is_unspecified(addr) ? DROP_MAC_CONFLICT : DROP_ADDRESS_CONFLICT;
}

/* Frames that @p did not take because it was full; those that were not even sent while it was crowded are counted like them. */
static uint64_t frames_lost(const struct port *p)
{
	return p->counters.drops.count[DROP_PORT_FULL] - p->n_spared;
}

static uint64_t frames_taken(const struct port *p)
{
	return p->counters.tx_frames - frames_lost(p);
}

/*
 * The claim that @p makes to what @begin->holder has: begins it unless it was made before.  @begin->state: CLAIM_REFUSED when the holder
 * need not be asked.
 */
static bool claim(struct gateway *g, usec_t now, struct packet *p, struct claim *begin, enum drop_reason *ret_why)
{
	struct claim *c = claims_find(&g->guard.claims, begin->by, begin->mac, &begin->addr);
	if (!c && begin->holder->port) {
		begin->n_taken = frames_taken(begin->holder->port);
		begin->n_lost = frames_lost(begin->holder->port);
	}
	if (!c && !claims_begin(&g->guard.claims, now, begin, p->frame)) {
		*ret_why = begin->state == CLAIM_REFUSED ? reason_of(&begin->addr) : DROP_CLAIM_LIMIT;
		return false;
	}
	if (c && claims_take(&g->guard.claims, c))
		return true;
	bool refused = c ? c->state == CLAIM_REFUSED : begin->state == CLAIM_REFUSED;
	if (c && !refused)
		claims_keep(c, p->frame);
	*ret_why = refused ? reason_of(&begin->addr) : DROP_CLAIM_PENDING;
	return false;
}

/* The address of @guest that it can be asked for: the one that it used last, because it may have given up others; "::" when it has none. */
static struct ip_addr address_to_ask(const struct guest *guest)
{
	if (!guest || list_empty(&guest->addresses))
		return NO_ADDRESS;
	return container_of(guest->addresses.prev, struct guest_address, of_guest)->addr;
}

/* --- MACs --- */

/* Whether @p's port may use its source MAC, which @holder's port has. */
static bool admits_mac(struct gateway *g, usec_t now, struct packet *p, const struct guest *guest, struct port *holder,
		       enum drop_reason *ret_why)
{
	bool declared_here = mac_equal(p->port->pinned, p->eth.src), declared_there = mac_equal(holder->pinned, p->eth.src);
	/* Two ports of one name with this MAC are two ends of one guest that restarts or migrates: the last one that speaks has it. */
	bool same_guest = declared_here && declared_there && strcmp(p->port->name, holder->name) == 0;
	if (!p->port->guarded || (declared_here && !declared_there) || same_guest)
		return true;
	struct payer *theirs = guest_payer(&g->guests, holder);
	if (!theirs) {
		*ret_why = DROP_NO_MEMORY;
		return false;
	}
	return claim(g, now, p,
		     &(struct claim){
			     .state = declared_there && !declared_here ? CLAIM_REFUSED : CLAIM_ASKING,
			     .by = p->port->payer,
			     .holder = theirs,
			     .mac = p->eth.src,
			     .asked_mac = p->eth.src,
			     .asked_addr = address_to_ask(guest),
		     },
		     ret_why);
}

/* Finds the port that has @p's source MAC, and moves the guest to @p's port when the MAC may be used there. */
static bool check_mac(struct gateway *g, usec_t now, struct packet *p, enum drop_reason *ret_why)
{
	struct guest *guest = guest_find(&g->guests, p->eth.src);
	struct port *holder = guest && guest->port ? guest->port : segment_find(g->segment, now, p->eth.src);
	if (holder && holder != p->port && holder != &g->port && !admits_mac(g, now, p, guest, holder, ret_why))
		return false;
	if (guest)
		guest_moved_to(&g->guests, now, guest, p->port);
	p->guest = guest;
	return true;
}

/* --- addresses --- */

/* Whose an address is by lease or reservation. */
enum owner {
	OWNER_NONE, /* nobody's, or that of another guest behind the sender's port, which the guard does not protect from it */
	OWNER_SENDER,
	OWNER_OTHER, /* a guest behind another port, or one that is not here */
};

/* Whose @addr is.  *@ret is the guest when it is OWNER_OTHER. */
static enum owner owner_by_rank(struct gateway *g, usec_t now, const struct packet *p, const struct ip_addr *addr, struct guest_holder *ret)
{
	const struct gateway_hooks *h = &g->config.hooks;
	*ret = (struct guest_holder){ 0 };
	if (!h->rank || h->rank(h->opaque, now, addr, ret) == GUEST_RANK_SEEN)
		return OWNER_NONE;
	if (mac_equal(ret->mac, p->eth.src))
		return OWNER_SENDER;
	return ret->port == p->port ? OWNER_NONE : OWNER_OTHER;
}

static bool refuse_address(struct gateway *g, usec_t now, struct packet *p, const struct ip_addr *addr, struct port *holder,
			   enum drop_reason *ret_why)
{
	struct payer *theirs = holder ? guest_payer(&g->guests, holder) : NULL;
	return claim(g, now, p,
		     &(struct claim){ .state = CLAIM_REFUSED,
				      .by = p->port->payer,
				      .holder = theirs ? theirs : p->port->payer,
				      .mac = p->eth.src,
				      .addr = *addr },
		     ret_why);
}

/* Whether @p's port may use @addr, which a PRESENT guest behind another port has. */
static bool admits_address(struct gateway *g, usec_t now, struct packet *p, const struct guest_address *a, enum drop_reason *ret_why)
{
	if (!a->is_protected)
		return true;
	return claim(g, now, p,
		     &(struct claim){
			     .by = p->port->payer,
			     .holder = a->guest->payer,
			     .mac = p->eth.src,
			     .addr = a->addr,
			     .asked_mac = a->guest->mac,
			     .asked_addr = a->addr,
		     },
		     ret_why);
}

/* Tells the prober in @p that @mac has @ip, as RFC 5227 §2.1.1 asks of the holder. */
static void answer_for(struct gateway *g, usec_t now, const struct packet *p, struct mac mac, ip4_t ip)
{
	uint8_t buf[ETH_HEADER_LEN + ARP_LEN];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ .dst = p->eth.src, .src = g->config.mac, .ethertype = ETH_TYPE_ARP });
	arp_emit(&w, &(struct arp_message){
			     .operation = ARP_REPLY, .sender_mac = mac, .sender_ip = ip, .target_mac = p->eth.src, .target_ip = ip });
	segment_send(g->segment, now, p->port, buf, w.len);
}

/*
 * An ARP probe shows no address, but guests that are probing for the same one give it up (RFC 5227 §2.1.1), so that of another guest by
 * lease or reservation may not be probed for.
 */
static bool admits_probe(struct gateway *g, usec_t now, struct packet *p, enum drop_reason *ret_why)
{
	struct guest_holder holder;
	if (!p->port->guarded || p->eth.ethertype != ETH_TYPE_ARP || p->arp_error < 0 || p->arp.sender_ip != 0 || is_in_vlan(p))
		return true;
	struct ip_addr addr = ip_from_ip4(p->arp.target_ip);
	if (!is_unicast(g, &addr) || owner_by_rank(g, now, p, &addr, &holder) != OWNER_OTHER)
		return true;
	refuse_address(g, now, p, &addr, holder.port, ret_why);
	answer_for(g, now, p, holder.mac, p->arp.target_ip);
	return false;
}

/* Whether the table of guests takes note of @addr as @p's sender. */
static bool is_learned(const struct gateway *g, const struct packet *p, const struct ip_addr *addr, enum evidence how)
{
	if (packet_is_tagged(p))
		return false;
	if (how == SHOWS_BOTH)
		return true;
	if (p->eth.ethertype == ETH_TYPE_IPV6)
		return gateway_ip6_is_guest(&g->config.ip6, addr);
	return ip_is_v4(addr) && p->eth.ethertype == ETH_TYPE_IPV4 && gateway_is_guest(g, ip_to_ip4(addr));
}

static bool check_address(struct gateway *g, usec_t now, struct packet *p, const struct ip_addr *addr, enum evidence how,
			  enum drop_reason *ret_why)
{
	const struct guest_address *a = guest_find_address(&g->guests, addr);
	bool elsewhere = a && a->guest->state == GUEST_PRESENT && a->guest->port != p->port;
	bool moves = false;
	if (p->port->guarded && (!a || a->guest->port != p->port || a->is_lost)) {
		struct guest_holder holder;
		enum owner owner = owner_by_rank(g, now, p, addr, &holder);
		if (owner == OWNER_OTHER)
			return refuse_address(g, now, p, addr, holder.port, ret_why);
		if (elsewhere && owner != OWNER_SENDER && !admits_address(g, now, p, a, ret_why))
			return false;
		moves = elsewhere;
	}
	if (!is_learned(g, p, addr, how))
		return true;
	a = guest_learn(&g->guests, now, p->port, p->eth.src, addr, how == SHOWS_BOTH || moves ? GUEST_BY_ARP : GUEST_BY_IP);
	p->guest = a ? a->guest : NULL; /* the guest that was found by its MAC may have lost its last address to make room */
	return true;
}

/* --- the gateway's address --- */

static void defend(struct gateway *g, usec_t now)
{
	if (now < g->guard.defend_after)
		return;
	g->guard.defend_after = now + DEFEND_INTERVAL;
	egress_announce(&g->egress, now);
}

static void defend6(struct gateway *g, usec_t now, const struct ip_addr *addr)
{
	if (now < g->guard.defend6_after)
		return;
	g->guard.defend6_after = now + DEFEND_INTERVAL;
	egress_announce6(&g->egress, now, addr);
}

/* A claim of one of the gateway's addresses is dropped behind any tags, and the gateway announces it (RFC 5227 §2.4, RFC 4861 §7.2.6). */
static bool claims_gateway(struct gateway *g, usec_t now, const struct packet *p, const struct ip_addr *addr, enum evidence how)
{
	if (g->config.absent)
		return false;
	if (gateway_ip6_has(&g->config.ip6, addr)) {
		if (how == SHOWS_BOTH)
			defend6(g, now, addr);
		return true;
	}
	if (!ip_is_v4(addr) || ip_to_ip4(addr) != g->config.ip)
		return false;
	if (p->eth.ethertype == ETH_TYPE_ARP)
		defend(g, now);
	return true;
}

/* --- packets that need no further look --- */

/* Whether layer 4 at @l4_offset of the IP packet may be for @port. */
static bool is_for_port(const struct packet *p, size_t l4_offset, uint16_t port)
{
	const uint8_t *l4 = p->head + p->l3_offset + l4_offset;
	return p->l3_offset + l4_offset + 4 > p->head_len || (l4[2] == port >> 8 && l4[3] == (port & 0xff));
}

/* Whether an IPv6 packet can be neither a router's nor a DHCP server's, by the byte that says what follows its header. */
static bool is_harmless_v6(const struct packet *p)
{
	uint8_t next = p->head[p->l3_offset + IPV6_NEXT_HEADER_AT];
	return next == IP_PROTOCOL_TCP || (next == IP_PROTOCOL_UDP && !is_for_port(p, IPV6_HEADER_LEN, DHCP6_CLIENT_PORT));
}

/* Whether an IPv4 packet cannot be a DHCP server's: it is not UDP, by the byte that says so, or for another port. */
static bool is_harmless_v4(const struct packet *p)
{
	const uint8_t *ip = p->head + p->l3_offset;
	if (ip[IPV4_PROTOCOL_AT] != IP_PROTOCOL_UDP)
		return true;
	return !is_for_port(p, ipv4_header_len_at(ip), DHCP_CLIENT_PORT);
}

/* --- what the guard cannot read --- */

static bool is_error(int error, enum drop_reason why, enum drop_reason *ret_why)
{
	*ret_why = error == -ENOMEM ? DROP_NO_MEMORY : why;
	return error == -ENOMEM || error == -EBADMSG;
}

/* Whether @p is an IEEE 802.3 frame with a SNAP header (RFC 1042) and ARP or IP behind it, tagged or not. */
static bool is_in_snap(const struct packet *p)
{
	static const uint8_t ethernet[] = { 0xaa, 0xaa, 0x03, 0, 0, 0 }, tunnel[] = { 0xaa, 0xaa, 0x03, 0, 0, 0xf8 };
	uint8_t snap[sizeof(ethernet) + 2];
	if (p->eth.ethertype > LENGTH_MAX || frame_copy(p->frame, p->l3_offset, snap, sizeof(snap)) < sizeof(snap) ||
	    (memcmp(snap, ethernet, sizeof(ethernet)) != 0 && memcmp(snap, tunnel, sizeof(tunnel)) != 0))
		return false;
	uint16_t ethertype = (uint16_t)(snap[6] << 8 | snap[7]);
	return ethertype == ETH_TYPE_ARP || ethertype == ETH_TYPE_IPV4 || ethertype == ETH_TYPE_IPV6 || eth_is_tag(ethertype);
}

/*
 * Whether ARP or neighbour discovery does not parse.  A receiver could read it nevertheless: ARP that is cut short when the frame is
 * padded, fragments when they are put together, headers that are too long here, and the encapsulation of IEEE 802, which some receivers
 * take on an Ethernet (RFC 1122 §2.3.3).
 */
static bool is_unreadable(struct packet *p, enum drop_reason *ret_why)
{
	if (p->eth.ethertype == ETH_TYPE_ARP)
		return is_error(p->arp_error, DROP_ARP_MALFORMED, ret_why);
	*ret_why = DROP_FRAME_MALFORMED;
	if (is_in_snap(p))
		return true;
	if (p->eth.ethertype != ETH_TYPE_IPV6)
		return false;
	return is_error(packet_ip(p), DROP_IP_MALFORMED, ret_why) || is_error(packet_nd(p), DROP_ND_MALFORMED, ret_why);
}

/* --- the door --- */

static bool is_from_v4(const struct packet *p, const struct ip_addr *addr)
{
	return p->head_len >= ETH_HEADER_LEN + IPV4_HEADER_LEN && memcmp(p->head + ETH_HEADER_LEN + IPV4_SRC_AT, addr->b + 12, 4) == 0 &&
	       ip_is_v4(addr) && is_harmless_v4(p);
}

static bool is_from_v6(const struct packet *p, const struct ip_addr *addr)
{
	return p->head_len >= ETH_HEADER_LEN + IPV6_HEADER_LEN &&
	       memcmp(p->head + ETH_HEADER_LEN + IPV6_SRC_AT, addr->b, sizeof(addr->b)) == 0 && is_harmless_v6(p);
}

/* Whether harmless @p comes from the same MAC and address as the last packet of its port that had an address. */
static bool is_from_last_sender(const struct packet *p, const struct guest_address *last)
{
	if (!last || p->l3_offset != ETH_HEADER_LEN || !mac_equal(p->eth.src, last->guest->mac))
		return false;
	if (p->eth.ethertype == ETH_TYPE_IPV4)
		return is_from_v4(p, &last->addr);
	return p->eth.ethertype == ETH_TYPE_IPV6 && is_from_v6(p, &last->addr);
}

static bool admits_unknown(struct gateway *g, usec_t now, struct packet *p, enum drop_reason *ret_why)
{
	/* With a gateway the segment has checked this.  Without one, the guard's questions come from this MAC, and come back in a loop. */
	if (mac_equal(p->eth.src, g->config.mac)) {
		*ret_why = DROP_GATEWAY_MAC;
		return false;
	}
	struct ip_addr addr = NO_ADDRESS;
	if (p->port->guarded && is_unreadable(p, ret_why))
		return false;
	enum evidence how = sender_of(p, &addr);
	if (how != SHOWS_NOTHING && claims_gateway(g, now, p, &addr, how)) {
		*ret_why = DROP_GATEWAY_ADDRESS;
		return false;
	}
	if (p->port->payer->n_challenges > 0)
		claims_heard(&g->guard.claims, now, p->port->payer, p->eth.src, &addr);
	if (!check_mac(g, now, p, ret_why) || !rogue_passes(g, now, p, ret_why) || !admits_probe(g, now, p, ret_why))
		return false;
	if (how == SHOWS_NOTHING || !is_unicast(g, &addr) || is_in_vlan(p))
		return true;
	return check_address(g, now, p, &addr, how, ret_why);
}

bool guard_admits(void *opaque, usec_t now, struct packet *p, enum drop_reason *ret_why)
{
	struct gateway *g = opaque;
	struct payer *payer = guest_payer(&g->guests, p->port);
	if (!payer) {
		*ret_why = DROP_NO_MEMORY;
		return false;
	}
	struct guest_address *last = payer->last;
	if (payer->n_challenges == 0 && is_from_last_sender(p, last) && last->asked == 0) {
		last->seen = now;
		last->wanted = 0;
		p->guest = last->guest;
		guest_sent(p->guest, p->frame);
		return true;
	}
	if (!admits_unknown(g, now, p, ret_why))
		return false;
	if (p->guest)
		guest_sent(p->guest, p->frame);
	return true;
}

/* --- asking --- */

static size_t emit_solicitation(const struct gateway *g, const struct claim *c, uint8_t *buf, size_t size)
{
	struct bytes_writer w = bytes_writer(buf, size);
	eth_emit(&w, &(struct eth_header){ .dst = c->asked_mac, .src = g->config.mac, .ethertype = ETH_TYPE_IPV6 });
	struct ip_addr from = g->config.ip6.on && !g->config.absent ? g->config.ip6.link_local : ipv6_link_local(g->config.mac);
	nd_emit_solicitation(&w, g->config.mac, &from, &c->asked_addr, &c->asked_addr);
	return w.failed ? 0 : w.len;
}

/*
 * RFC 1122 §2.3.2.1: a unicast poll.  Without a gateway it has no sender (RFC 5227 §2.1.1), nor for an address of another subnet: a guest
 * that has no route to the gateway would not answer (Linux with rp_filter).
 */
static size_t emit_poll(const struct gateway *g, const struct claim *c, uint8_t *buf, size_t size)
{
	struct bytes_writer w = bytes_writer(buf, size);
	ip4_t target = ip_to_ip4(&c->asked_addr);
	bool has_sender = !g->config.absent && prefix4_contains(g->config.subnet, target);
	eth_emit(&w, &(struct eth_header){ .dst = c->asked_mac, .src = g->config.mac, .ethertype = ETH_TYPE_ARP });
	arp_emit(&w, &(struct arp_message){ .operation = ARP_REQUEST,
					    .sender_mac = g->config.mac,
					    .sender_ip = has_sender ? g->config.ip : 0,
					    .target_ip = target });
	return w.len;
}

static void ask_holder(void *opaque, usec_t now, const struct claim *c)
{
	struct gateway *g = opaque;
	uint8_t buf[128];
	if (!c->holder->port)
		return;
	bool v4 = ip_is_v4(&c->asked_addr);
	size_t len = v4 ? emit_poll(g, c, buf, sizeof(buf)) : emit_solicitation(g, c, buf, sizeof(buf));
	segment_send(g->segment, now, c->holder->port, buf, len);
}

static void enter_again(void *opaque, usec_t now, const struct claim *c, const void *frame, size_t len)
{
	struct gateway *g = opaque;
	const void *copy = arena_copy(&g->segment->arena, frame, len);
	if (!copy || !c->by->port)
		return;
	struct iovec iov;
	struct frame f = frame_of(&iov, copy, len);
	f.ingress = c->by->port;
	segment_input_again(g->segment, now, c->by->port, &f);
}

/* A machine that is suspended, or has gone, takes nothing when its queue is full. */
static bool is_overrun(void *opaque, const struct claim *c)
{
	const struct port *p = c->holder->port;
	return p && frames_lost(p) > c->n_lost && frames_taken(p) > c->n_taken;
}

static const struct claim_ops claim_ops = { .ask = ask_holder, .is_overrun = is_overrun, .enter = enter_again, .refused = conflict_found };

void guard_init(struct gateway *g)
{
	claims_init(&g->guard.claims, &claim_ops, g);
}

void guard_done(struct gateway *g)
{
	claims_done(&g->guard.claims);
}

void guard_port_gone(struct gateway *g, usec_t now, const struct port *port)
{
	if (port->payer)
		claims_port_gone(&g->guard.claims, now, port->payer);
}

usec_t guard_deadline(const struct gateway *g)
{
	return claims_deadline(&g->guard.claims);
}

void guard_expire(struct gateway *g, usec_t now)
{
	claims_expire(&g->guard.claims, now);
}
