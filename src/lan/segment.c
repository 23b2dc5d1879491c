/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/segment.h"

#include "base/log.h"
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/oversize.h"
#include "lan/pinning.h"
#include "wire/arp.h"
#include "wire/eth.h"

#include <errno.h>

/* What services and the gateway may build in one turn; a batch of a port is smaller than this. */
#define ARENA_BYTES_PER_TURN ((size_t)64 * 1024 * 1024)

int segment_init(struct segment *s, const struct segment_config *config)
{
	struct segment fresh = { .config = *config };
	int r = fdb_init(&fresh.fdb, &config->hash_key);
	if (r < 0)
		return r;
	*s = fresh;
	list_init(&s->ports);
	list_init(&s->dirty);
	arena_init(&s->arena, ARENA_BYTES_PER_TURN);
	return 0;
}

void segment_done(struct segment *s)
{
	assert(list_empty(&s->ports));
	fdb_done(&s->fdb);
	arena_done(&s->arena);
}

void segment_set_gateway(struct segment *s, const struct segment_gateway *gateway)
{
	s->gateway = *gateway;
	segment_attach(s, gateway->port);
}

void segment_attach(struct segment *s, struct port *p)
{
	p->segment = s;
	p->id = ++s->last_port_id;
	p->isolated |= s->config.isolate && !p->uplink;
	list_append(&s->ports, &p->node);
	s->n_ports++;
}

void segment_detach(struct segment *s, usec_t now, struct port *p)
{
	fdb_forget(&s->fdb, p);
	list_remove(&p->node);
	list_remove(&p->dirty);
	p->segment = NULL;
	s->n_ports--;
	if (p != s->gateway.port && s->gateway.detached)
		s->gateway.detached(s->gateway.opaque, now, p);
}

static void drop(struct segment *s, struct port *p, enum drop_reason why)
{
	drop_count(&p->counters.drops, why);
	drop_count(&s->drops, why);
}

/* The way of one frame to one port. */
struct passage {
	struct segment *segment;
	usec_t now;
	struct port *to;
};

static void count_sent(struct segment *s, struct port *to, const struct frame *frame)
{
	if (list_empty(&to->dirty))
		list_append(&s->dirty, &to->dirty);
	to->counters.tx_frames++;
	to->counters.tx_bytes += frame->len;
}

static void send_fitting(void *opaque, const struct frame *frame)
{
	struct passage *p = opaque;
	count_sent(p->segment, p->to, frame);
	p->to->ops->send(p->to, p->now, frame);
}

/* Tells the guest that sent @frame how large an IP packet it may send that way. */
static void answer_too_big(struct segment *s, usec_t now, const struct frame *frame, size_t mtu)
{
	struct icmp_answer answer;
	int r = oversize_answer(frame, mtu, s->gateway.mac, s->gateway.ip, &s->icmp_limit, now, &s->arena, &answer);
	if (r == -EBUSY)
		drop(s, frame->ingress, DROP_ICMP_RATE);
	if (r < 0)
		return;
	struct iovec iov;
	struct frame f = frame_of(&iov, answer.bytes, answer.len);
	f.checksum = FRAME_CHECKSUM_VERIFIED;
	segment_input(s, now, s->gateway.port, &f);
}

/* @flooded: nobody knows whether @to is the port that the frame is meant for. */
static void output(struct segment *s, usec_t now, struct port *to, const struct frame *frame, bool flooded)
{
	struct passage passage = { s, now, to };
	struct oversize_limits limits = oversize_limits_of(to);
	if (oversize_fits(frame, &limits)) {
		send_fitting(&passage, frame);
		return;
	}
	struct oversize_result r = oversize_pass(frame, &limits, &s->arena, send_fitting, &passage);
	if (r.verdict == OVERSIZE_EMITTED)
		return;
	drop(s, to, r.why);
	if (r.verdict == OVERSIZE_TOO_BIG && !flooded && frame->ingress && s->gateway.port)
		answer_too_big(s, now, frame, r.mtu);
}

/* As ports of the kernel's bridge that are isolated. */
static bool are_kept_apart(const struct port *a, const struct port *b)
{
	return a->isolated && b->isolated;
}

static void flood(struct segment *s, usec_t now, const struct port *from, const struct frame *frame)
{
	list_for_each(node, &s->ports) {
		struct port *to = container_of(node, struct port, node);
		if (to == from || are_kept_apart(from, to))
			continue;
		/* A storm must not take the place of what the guest has asked for. */
		if (to->crowded)
			drop(s, to, DROP_PORT_FULL);
		else
			output(s, now, to, frame, true);
	}
}

/* Does @frame say, by ARP, that the gateway's address is somebody else's? (RFC 5227 §2.4) */
static bool claims_gateway_address(const struct segment *s, const struct frame *frame)
{
	uint8_t bytes[ARP_LEN];
	struct bytes_reader r = bytes_reader(bytes, frame_copy(frame, ETH_HEADER_LEN, bytes, sizeof(bytes)));
	struct arp_message m;
	return arp_parse(&r, &m) == 0 && m.sender_ip == s->gateway.ip;
}

/* Whether a port other than the gateway's may send @frame; the reason when not. */
static bool is_acceptable(struct segment *s, usec_t now, const struct port *from, const struct eth_header *eth, const struct frame *frame,
			  enum drop_reason *ret_why)
{
	if (mac_is_group(eth->src) || mac_is_zero(eth->src)) {
		*ret_why = DROP_SOURCE_MAC;
		return false;
	}
	if (!mac_is_zero(from->pinned) && !pinning_allows(frame, from->pinned, &s->arena)) {
		*ret_why = DROP_PINNED_MAC;
		return false;
	}
	if (!s->gateway.port)
		return true;
	if (mac_equal(eth->src, s->gateway.mac)) {
		*ret_why = DROP_GATEWAY_MAC;
		return false;
	}
	if (eth->ethertype == ETH_TYPE_ARP && claims_gateway_address(s, frame)) {
		*ret_why = DROP_GATEWAY_ADDRESS;
		s->gateway.defend(s->gateway.opaque, now);
		return false;
	}
	return true;
}

struct port *segment_find(struct segment *s, usec_t now, struct mac mac)
{
	if (s->gateway.port && mac_equal(mac, s->gateway.mac))
		return s->gateway.port;
	return fdb_find(&s->fdb, now, mac);
}

static void forward(struct segment *s, usec_t now, struct port *from, struct mac dst, const struct frame *frame)
{
	struct port *to = mac_is_group(dst) ? NULL : segment_find(s, now, dst);
	if (!to)
		flood(s, now, from, frame);
	else if (to == from)
		drop(s, from, DROP_HAIRPIN);
	else if (are_kept_apart(from, to))
		drop(s, from, DROP_ISOLATED);
	else
		output(s, now, to, frame, false);
}

void segment_input(struct segment *s, usec_t now, struct port *p, const struct frame *frame)
{
	uint8_t head[ETH_HEADER_LEN];
	struct bytes_reader r = bytes_reader(head, frame_copy(frame, 0, head, sizeof(head)));
	struct eth_header eth;
	p->counters.rx_frames++;
	p->counters.rx_bytes += frame->len;
	if (eth_parse(&r, &eth) < 0) {
		drop(s, p, DROP_FRAME_MALFORMED);
		return;
	}
	if (p != s->gateway.port) {
		enum drop_reason why;
		if (!is_acceptable(s, now, p, &eth, frame, &why)) {
			drop(s, p, why);
			return;
		}
		if (fdb_learn(&s->fdb, now, eth.src, p) == FDB_FULL)
			drop(s, p, DROP_FDB_FULL);
	}
	forward(s, now, p, eth.dst, frame);
}

void segment_commit(struct segment *s, usec_t now, struct port *from, struct port *p, const struct frame *frames, unsigned k)
{
	for (unsigned i = 0; i < k; i++) {
		from->counters.rx_frames++;
		from->counters.rx_bytes += frames[i].len;
		count_sent(s, p, &frames[i]);
	}
	p->ops->commit(p, now, frames, k);
}

void segment_flush(struct segment *s, usec_t now)
{
	if (s->gateway.port)
		s->gateway.flush(s->gateway.opaque, now);
	while (!list_empty(&s->dirty)) {
		struct port *p = container_of(s->dirty.next, struct port, dirty);
		list_remove(&p->dirty);
		p->ops->flush(p, now);
	}
	arena_reset(&s->arena);
}

void segment_port_writable(struct segment *s, usec_t now, struct port *p)
{
	if (s->gateway.port)
		s->gateway.writable(s->gateway.opaque, now, p);
}
