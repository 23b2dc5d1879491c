/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/datagram.h"

#include "base/macros.h"
#include "engine/native/limits.h"
#include "engine/native/udp_listener.h"
#include "gateway/nat64.h"
#include "host/socket_address.h"
#include "lan/packet.h"

#include <errno.h>
#include <stdlib.h>

#define BUFFER_BYTES (1024 * 1024) /* the kernel caps it */
/* See native_datagram_too_large(). */
#define SHORT_EXCHANGE (100 * USEC_PER_MSEC)
/* When a guest acts on what it was told, also a busy one, and for how long it remembers that (Linux: ten minutes). */
#define MTU_HEARD (100 * USEC_PER_MSEC)
#define MTU_REMEMBERED (600 * USEC_PER_SEC)
#define EVENTS (POLL_EVENT_IN | POLL_EVENT_EDGE)

struct native_datagram *native_datagram_find(struct engine *e, enum native_kind kind, const struct flow_key *key)
{
	struct flow *f = flow_table_find(&e->tables[kind], key);
	return f ? native_datagram_of(container_of(f, struct native_flow, flow)) : NULL;
}

struct native_datagram *native_datagram_find_opened(struct engine *e, const struct flow_key *key)
{
	struct flow *f = e->n_peers > 0 ? flow_table_find(&e->tables[NATIVE_UDP], key) : NULL;
	return f ? native_datagram_of(container_of(f, struct native_flow, flow)) : NULL;
}

void native_datagram_free(struct native_datagram *d)
{
	struct udp_peer *outside = d->outside;
	mapping_done(&d->mapping);
	list_remove(&d->of_payer);
	native_flow_remove(&d->base);
	if (outside)
		udp_peer_free(outside);
	free(d);
}

static void set(int fd, int option, int value)
{
	setsockopt(fd, IPPROTO_IP, option, &value, sizeof(value));
}

static void set_of_family(int fd, bool v6, int option, int option6, int value)
{
	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? option6 : option, &value, sizeof(value));
}

void native_report_tos(int fd, bool v6)
{
	set_of_family(fd, v6, IP_RECVTOS, IPV6_RECVTCLASS, 1);
}

bool native_datagram_is_v6(const struct native_datagram *d)
{
	const struct flow_key *key = &d->base.flow.key;
	return !ip_is_v4(&key->guest.addr) && !ip_is_v4(&key->remote.addr);
}

static int protocol_of(const struct native_datagram *d, bool v6)
{
	return d->base.kind != NATIVE_ICMP ? IPPROTO_UDP : v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

static bool serves_both(const struct native_datagram *d, bool v6)
{
	return v6 && d->base.kind == NATIVE_UDP && d->base.engine->config.ip6.nat64;
}

static int open_socket(struct native_datagram *d, uint16_t port)
{
	bool v6 = native_datagram_is_v6(d);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol_of(d, v6));
	if (fd < 0)
		return -errno;
	d->base.watch.fd = fd;
	set_of_family(fd, v6, IP_RECVERR, IPV6_RECVERR, 1);
	native_report_tos(fd, v6);
	bool both = serves_both(d, v6);
	if (v6) /* a guest's IPv4 port is another one; with NAT64 guests have none */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ !both }, sizeof(int));
	if (both) {
		set(fd, IP_RECVERR, 1);
		set(fd, IP_RECVTOS, 1);
	}
	if (d->base.kind == NATIVE_ICMP) {
		set_of_family(fd, v6, IP_RECVTTL, IPV6_RECVHOPLIMIT, 1);
		/* By default the kernel lets ping sockets share an identifier and gives all answers to the last one. */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 0 }, sizeof(int));
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ BUFFER_BYTES }, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ BUFFER_BYTES }, sizeof(int));
	/* If the port is taken, any other will do. */
	union socket_address any;
	struct ip_endpoint at = { .port = port }; /* "::" */
	if (!v6)
		at.addr = ip_from_ip4(INADDR_ANY);
	socklen_t len = socket_address_set(&any, &at);
	if (port == 0 || bind(fd, &any.any, len) < 0) {
		at.port = 0;
		socket_address_set(&any, &at);
		if (bind(fd, &any.any, len) < 0)
			return -errno;
	}
	return poller_watch(d->base.engine->config.poller, &d->base.watch, fd, EVENTS);
}

static struct native_datagram *datagram_alloc(usec_t now, const struct flow_key *key)
{
	struct native_datagram *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->base.flow.key = *key;
	d->base.watch.ready = native_datagram_ready;
	d->options = (struct native_socket_options)NATIVE_SOCKET_OPTIONS_NONE;
	mapping_init(&d->mapping, now);
	d->listed = now;
	list_init(&d->of_payer);
	return d;
}

int native_datagram_adopt(struct engine *e, usec_t now, struct guest *guest, const struct flow_key *key, struct udp_peer *outside,
			  struct native_datagram **ret)
{
	struct native_datagram *d = datagram_alloc(now, key);
	if (!d)
		return -ENOMEM;
	d->base.inbound = d->base.socketless = true;
	int r = native_flow_add(e, now, &d->base, NATIVE_UDP, guest, &e->host);
	if (r < 0) {
		free(d);
		return r;
	}
	d->outside = outside;
	*ret = d;
	return 0;
}

int native_datagram_new(struct engine *e, usec_t now, enum native_kind kind, const struct packet *p, const struct flow_key *key,
			uint16_t port, struct native_datagram **ret)
{
	struct native_datagram *d = datagram_alloc(now, key);
	if (!d)
		return -ENOMEM;
	int r = native_flow_add(e, now, &d->base, kind, p->guest, native_payer_of(p));
	if (r < 0) {
		free(d);
		return r;
	}
	r = open_socket(d, port);
	if ((r == -EMFILE || r == -ENFILE) && native_free_descriptor(e, now, d->base.payer))
		r = open_socket(d, port);
	if (r < 0) {
		if (r == -EMFILE || r == -ENFILE)
			e->refused++;
		native_datagram_free(d);
		return r;
	}
	list_append(&d->base.payer->mappings, &d->of_payer);
	*ret = d;
	return 0;
}

int native_datagram_fd(const struct native_datagram *d)
{
	return d->outside ? d->outside->listener->watch.fd : d->base.watch.fd;
}

void native_datagram_ran(struct native_datagram *d)
{
	if (d->listed == d->mapping.active)
		return;
	d->listed = d->mapping.active;
	if (d->outside) {
		udp_peer_used(d->outside);
		return;
	}
	list_remove(&d->of_payer);
	list_append(&d->base.payer->mappings, &d->of_payer);
}

/*
 * Whether @p may be fragmented behind NAT64 although an IPv6 packet is not: paths of IPv4 may carry less than any of IPv6 does, and a
 * guest is never told to send less than that (RFC 7915 §5.1).
 */
static bool is_small_for_nat64(const struct packet *p)
{
	return IPV6_HEADER_LEN + p->l4_len <= IPV6_MTU_MIN && !packet_is_v4(p) && nat64_has(&p->dst);
}

struct native_fields native_fields_of(const struct packet *p)
{
	return (struct native_fields){ .ttl = packet_hop_limit(p),
				       .tos = packet_traffic_class(p),
				       .dont_fragment = packet_has_df(p) && !is_small_for_nat64(p) };
}

void native_datagram_like(struct native_datagram *d, const struct native_fields *fields)
{
	struct native_socket_options *now = d->outside ? &d->outside->listener->options : &d->options;
	bool v6 = d->outside ? !ip_is_v4(&d->outside->path.peer.addr) : native_datagram_is_v6(d);
	int fd = native_datagram_fd(d);
	bool both = serves_both(d, v6); /* the socket sends IPv4, too */
	if (now->ttl != fields->ttl) {
		now->ttl = fields->ttl;
		set_of_family(fd, v6, IP_TTL, IPV6_UNICAST_HOPS, now->ttl);
		if (both)
			set(fd, IP_TTL, now->ttl);
	}
	if (now->tos != fields->tos) {
		now->tos = fields->tos;
		set_of_family(fd, v6, IP_TOS, IPV6_TCLASS, now->tos);
		if (both)
			set(fd, IP_TOS, now->tos);
	}
	if (now->df != fields->dont_fragment) {
		now->df = fields->dont_fragment;
		set_of_family(fd, v6, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, now->df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
		if (both)
			set(fd, IP_MTU_DISCOVER, now->df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
	}
}

enum native_too_large native_datagram_too_large(struct native_datagram *d, usec_t now, const struct ip_addr *dst, size_t len)
{
	struct engine_env *env = d->base.engine->config.env;
	if (len <= GUEST_MTU_MIN || env->ops->guest_mtu(env, now, d->base.guest) <= GUEST_MTU_MIN)
		return NATIVE_TELL_AND_DROP;
	if (!ip_equal(&d->narrow, dst) || now - d->narrow_since >= MTU_REMEMBERED) {
		d->narrow = *dst;
		d->narrow_since = now;
		d->narrow_told = 0;
	}
	if (now - d->narrow_since < SHORT_EXCHANGE)
		return NATIVE_FRAGMENT;
	if (d->narrow_told == 0)
		d->narrow_told = now;
	return now - d->narrow_told < MTU_HEARD ? NATIVE_TELL_AND_FRAGMENT : NATIVE_TELL_AND_DROP;
}

void native_datagram_describe(const struct native_flow *f, struct engine_flow *flow)
{
	const struct mapping *m = &container_of(f, const struct native_datagram, base)->mapping;
	flow->state = f->inbound ? "forwarded" : m->questions ? "asking" : "mapped";
	flow->n_peers = f->inbound ? 1 : m->n_peers;
	if (!f->inbound && m->n_peers > 0)
		flow->remote = m->peers[0].claimed;
}

void native_datagram_ready(struct watch *w, usec_t now, unsigned events)
{
	struct native_datagram *d = native_datagram_of(container_of(w, struct native_flow, watch));
	if (events & POLL_EVENT_IN)
		d->readable = true;
	if (events & POLL_EVENT_ERROR)
		d->errors = true;
	native_flow_wake(&d->base);
}
