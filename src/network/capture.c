/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/captures.h"

#include "base/macros.h"
#include "host/clock.h"
#include "network/network_internal.h"
#include "options/guest_ref.h"
#include "service/dhcp6/address.h"
#include "wire/eth.h"

#include <errno.h>
#include <stdlib.h>

/* --- what is wanted --- */

/* Bytes that a frame is too short for are zero. */
static struct eth_header header_of(const struct frame *f)
{
	uint8_t bytes[ETH_HEADER_LEN] = { 0 };
	struct eth_header h = { 0 };
	frame_copy(f, 0, bytes, sizeof(bytes));
	struct bytes_reader r = bytes_reader(bytes, sizeof(bytes));
	eth_parse(&r, &h);
	return h;
}

static bool passes_guest(struct capture *c, const struct port *p, enum observed how, const struct frame *f)
{
	struct eth_header eth = header_of(f);
	if (how != OBSERVED_IN)
		return p->id == c->port_id && (mac_is_group(eth.dst) || mac_equal(eth.dst, c->guest));
	if (!mac_equal(eth.src, c->guest))
		return false;
	c->port_id = p->id;
	return true;
}

static bool is_in_view(struct capture *c, const struct port *p, enum observed how, const struct frame *f)
{
	switch (c->config.of) {
	case CAPTURE_OF_SEGMENT: return how != OBSERVED_OUT;
	case CAPTURE_OF_PORT: return p->id == c->port_id;
	case CAPTURE_OF_GUEST: return passes_guest(c, p, how, f);
	}
	return false;
}

static bool drop_is_in_view(const struct capture *c, const struct port *p, const struct frame *f)
{
	struct eth_header eth;
	switch (c->config.of) {
	case CAPTURE_OF_SEGMENT: return true;
	case CAPTURE_OF_PORT: return p && p->id == c->port_id;
	case CAPTURE_OF_GUEST: eth = header_of(f); return mac_equal(eth.src, c->guest) || mac_equal(eth.dst, c->guest);
	}
	return false;
}

static bool passes_filter(const struct capture *c, const struct frame *f)
{
	if (!c->config.wants)
		return true;
	size_t n = MIN(f->len, c->config.reach);
	const uint8_t *bytes = f->n_iov > 0 ? f->iov[0].iov_base : c->scratch;
	if (f->n_iov > 0 && f->iov[0].iov_len < n) {
		n = frame_copy(f, 0, c->scratch, n);
		bytes = c->scratch;
	}
	return c->config.wants(c->config.filter, bytes, n, f->len);
}

/* --- records --- */

static void count_lost(struct capture *c)
{
	c->lost++;
	c->untold++;
	c->all->lost++;
}

/* A record about @p with room for @captured bytes, without the fields that describe a frame; NULL when the ring is full. */
static struct capture_record *begin_record(struct capture *c, enum capture_kind kind, const struct port *p, uint32_t captured)
{
	struct capture_record *r = capture_ring_reserve(&c->ring, sizeof(*r) + captured);
	if (!r)
		return NULL;
	*r = (struct capture_record){ .kind = kind, .lost = c->untold, .captured = captured };
	if (p) {
		r->port_id = p->id;
		r->port_kind = p->ops->kind;
		memcpy(r->port, p->name, sizeof(r->port));
	}
	c->untold = 0;
	c->fresh = true;
	return r;
}

static void end_record(struct capture *c, const struct capture_record *r)
{
	capture_ring_commit(&c->ring, sizeof(*r) + r->captured);
}

static void add_frame(struct capture *c, struct capture_record record, const struct port *p, const struct frame *f)
{
	struct capture_record *r = begin_record(c, record.kind, p, (uint32_t)MIN(f->len, (size_t)c->config.snaplen));
	if (!r) {
		count_lost(c);
		return;
	}
	r->outbound = record.outbound;
	r->why = record.why;
	r->when_ns = clock_wall_ns();
	r->checksum = f->checksum;
	r->csum_start = f->csum_start;
	r->csum_offset = f->csum_offset;
	r->gso = f->gso;
	r->gso_size = f->gso_size;
	r->len = (uint32_t)f->len;
	r->captured = (uint32_t)frame_copy(f, 0, r->bytes, r->captured);
	end_record(c, r);
	c->records++;
	c->all->records++;
}

static void announce(struct capture *c, const struct port *p)
{
	const struct capture_record *r = begin_record(c, CAPTURE_PORT, p, 0);
	if (r)
		end_record(c, r);
}

/* --- observing --- */

static struct capture *of_observer(struct observer *o)
{
	return container_of(o, struct capture, observer);
}

static void observe_frame(struct observer *o, const struct port *p, enum observed how, const struct frame *f)
{
	struct capture *c = of_observer(o);
	if (is_in_view(c, p, how, f) && passes_filter(c, f))
		add_frame(c, (struct capture_record){ .kind = CAPTURE_FRAME, .outbound = how != OBSERVED_IN }, p, f);
}

/* A frame from the gateway has no ingress. */
static bool came_from(const struct port *p, const struct frame *f)
{
	return !p || f->ingress == p || (!f->ingress && p->segment && p == p->segment->gateway.port);
}

static void observe_drop(struct observer *o, const struct port *p, enum drop_reason why, const struct frame *f)
{
	struct capture *c = of_observer(o);
	if (c->config.drops && f && drop_is_in_view(c, p, f) && passes_filter(c, f))
		add_frame(c, (struct capture_record){ .kind = CAPTURE_DROP, .outbound = !came_from(p, f), .why = why }, p, f);
}

static void observe_port_gone(struct observer *o, const struct port *p)
{
	struct capture *c = of_observer(o);
	if (p->id != c->port_id)
		return;
	if (c->config.of == CAPTURE_OF_GUEST) {
		c->port_id = 0; /* the guest may come back at another port */
		return;
	}
	atomic_store(&c->over, true);
	c->config.readable(c->config.opaque);
}

static void observe_end_of_turn(struct observer *o)
{
	struct capture *c = of_observer(o);
	if (!c->fresh)
		return;
	c->fresh = false;
	c->config.readable(c->config.opaque);
}

/* --- the port or guest to capture --- */

static const struct port *find_port(const struct lanlet_network *n, const char *who)
{
	char *end;
	unsigned long id = strtoul(who, &end, 10);
	bool is_number = *who && !*end;
	list_for_each(node, &n->segment.ports) {
		const struct port *p = container_of(node, struct port, node);
		if (is_number ? p->id == id : strcmp(p->name, who) == 0)
			return p;
	}
	return NULL;
}

struct lease_search {
	ip4_t ip;
	struct mac *ret;
	bool found;
};

static void look_at_lease(void *opaque, const struct lease *l)
{
	struct lease_search *s = opaque;
	if (l->ip != s->ip)
		return;
	*s->ret = l->mac;
	s->found = true;
}

/* The MAC that uses @addr, that it is reserved for, or that has leased it: the first of these that is known. */
static bool find_mac(struct lanlet_network *n, const struct ip_addr *addr, struct mac *ret)
{
	const struct gateway_config *gateway = &n->gateway.config;
	bool is_v4 = ip_is_v4(addr);
	if (!n->settings.no_gateway && (is_v4 ? ip_to_ip4(addr) == gateway->ip : gateway_ip6_has(&gateway->ip6, addr))) {
		*ret = gateway->mac;
		return true;
	}
	if (gateway_mac_of(&n->gateway, addr, ret))
		return true;
	ip4_t ip = is_v4 ? ip_to_ip4(addr) : gateway->ip6.on ? dhcp6_reserved_by(&gateway->ip6.prefix, addr) : 0;
	for (size_t i = 0; i < n->settings.n_hosts; i++) {
		if (n->settings.hosts[i].ip != ip)
			continue;
		*ret = n->settings.hosts[i].mac;
		return true;
	}
	if (!is_v4)
		return false;
	struct lease_search s = { .ip = ip, .ret = ret };
	dhcp_for_each_lease(&n->name_services.dhcp, look_at_lease, &s);
	return s.found;
}

static bool find_guest(struct lanlet_network *n, usec_t now, const char *who, struct mac *ret)
{
	struct guest_ref guest;
	struct ip_addr found[2];
	if (guest_ref_parse(who, &guest) < 0)
		return false;
	if (guest.kind == GUEST_REF_MAC) {
		*ret = guest.mac;
		return true;
	}
	int count = guest_names_resolve(&n->name_services.names, now, &guest, found);
	for (int i = 0; i < count; i++)
		if (find_mac(n, &found[i], ret))
			return true;
	return false;
}

static int find_whom(struct lanlet_network *n, usec_t now, struct capture *c)
{
	const struct port *p = NULL;
	switch (c->config.of) {
	case CAPTURE_OF_SEGMENT: return 0;
	case CAPTURE_OF_PORT:
		p = find_port(n, c->config.who);
		if (!p)
			return -ENOENT;
		break;
	case CAPTURE_OF_GUEST:
		if (!find_guest(n, now, c->config.who, &c->guest))
			return -ENOENT;
		p = segment_find(&n->segment, now, c->guest);
		break;
	}
	c->port_id = p ? p->id : 0;
	return 0;
}

/* --- life --- */

/* All ports if it is of a guest, which may move to any of them. */
static void announce_ports(struct capture *c, const struct lanlet_network *n)
{
	if (n->segment.n_ports == 0)
		announce(c, NULL);
	list_for_each(node, &n->segment.ports) {
		const struct port *p = container_of(node, struct port, node);
		if (c->config.of != CAPTURE_OF_PORT || p->id == c->port_id)
			announce(c, p);
	}
}

int capture_start(struct lanlet_network *n, usec_t now, struct capture *c)
{
	if (n->captures.n == CAPTURES_MAX)
		return -EUSERS;
	int r = find_whom(n, now, c);
	if (r < 0)
		return r;
	c->all = &n->captures;
	c->id = ++n->captures.last_id;
	c->started = now;
	n->captures.n++;
	list_append(&n->captures.all, &c->node);
	announce_ports(c, n);
	segment_observe(&n->segment, &c->observer);
	return 0;
}

void capture_stop(struct lanlet_network *n, struct capture *c)
{
	if (!c->all)
		return;
	segment_unobserve(&n->segment, &c->observer);
	list_remove(&c->node);
	n->captures.n--;
	c->all = NULL;
}

int capture_new(const struct capture_config *config, struct capture **ret)
{
	struct capture *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->config = *config;
	c->observer = (struct observer){
		.frame = observe_frame,
		.drop = observe_drop,
		.port_gone = observe_port_gone,
		.turn_ends = observe_end_of_turn,
	};
	c->scratch = malloc(MAX(config->reach, (size_t)1));
	if (!c->scratch || capture_ring_init(&c->ring, CAPTURE_RING_BYTES) < 0) {
		capture_free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	capture_ring_done(&c->ring);
	free(c->scratch);
	free(c);
}

struct capture_record *capture_read(struct capture *c)
{
	size_t len;
	return capture_ring_peek(&c->ring, &len);
}

void capture_release(struct capture *c)
{
	capture_ring_release(&c->ring);
}

unsigned capture_id(const struct capture *c)
{
	return c->id;
}

bool capture_is_over(const struct capture *c)
{
	return atomic_load(&c->over);
}

uint64_t capture_untold(const struct capture *c)
{
	return c->untold;
}
