/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/ra.h"

#include "base/macros.h"
#include "gateway/ip6.h"
#include "gateway/nat64.h"
#include "gateway/sink.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "service/nd.h"
#include "wire/ra.h"

#define HOP_LIMIT 64

static const struct ip_addr all_nodes = IPV6_ALL_NODES;

/* At random in [@from, @to]. */
static usec_t pick(struct ra_service *s, usec_t from, usec_t to)
{
	uint64_t n = s->n_random++;
	return from + hash_bytes(&s->config.key, &n, sizeof(n)) % (to - from + 1);
}

static struct ra_service *of_service(const struct service *s)
{
	return container_of(s, struct ra_service, service);
}

static struct router_advertisement advertisement(const struct ra_service *s, uint32_t mtu)
{
	struct router_advertisement ra = {
		.hop_limit = HOP_LIMIT,
		.managed = s->config.dhcp6,
		.other = s->config.dhcp6,
		.router_lifetime = s->is_default_router || s->config.ip6->nat64 ? RA_ROUTER_LIFETIME : 0,
		.mac = s->config.mac,
		.mtu = mtu,
		.prefix = s->config.ip6->prefix,
		.valid = RA_VALID_LIFETIME,
		.preferred = RA_PREFERRED_LIFETIME,
		.dns = s->config.dns,
		.search = s->search,
		.dns_lifetime = RA_DNS_LIFETIME,
		.nat64_lifetime = RA_NAT64_LIFETIME,
	};
	if (s->config.ip6->nat64)
		ra.nat64 = NAT64_PREFIX;
	return ra;
}

static void send(const struct ra_service *s, usec_t now, struct mac mac, const struct ip_addr *dst, const struct router_advertisement *ra,
		 struct sink *out)
{
	uint8_t bytes[ETH_HEADER_LEN + RA_PACKET_MAX];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	eth_emit(&w, &(struct eth_header){ .dst = mac, .src = s->config.mac, .ethertype = ETH_TYPE_IPV6 });
	ra_emit(&w, &s->config.ip6->link_local, dst, ra);
	sink_frame(out, now, bytes, w.len);
}

/* Guests with large MTUs must not be told a small one, nor the other way round: only a network with one MTU tells it to all. */
static void send_to_all(struct ra_service *s, usec_t now, struct sink *out)
{
	struct router_advertisement ra = advertisement(s, s->config.mtu);
	send(s, now, ipv6_group_mac(&all_nodes), &all_nodes, &ra, out);
	s->last = now;
	if (s->initial_left > 0)
		s->initial_left--;
	s->next =
		now + (s->initial_left > 0 ? RA_INITIAL_INTERVAL : pick(s, RA_INTERVAL_MIN * USEC_PER_SEC, RA_INTERVAL_MAX * USEC_PER_SEC));
}

/* An advertisement for all is due at @when, or as soon after that as the distance allows. */
static void schedule(struct ra_service *s, usec_t when)
{
	if (s->last != USEC_INFINITY)
		when = MAX(when, s->last + RA_MIN_DISTANCE);
	s->next = MIN(s->next, when);
}

/* --- answers --- */

/* The MTU of a port is that of the path to its network card, the first station seen there; what is behind that may carry less. */
static uint32_t mtu_for_sender(const struct ra_service *s, const struct packet *p)
{
	const struct port *port = p->port;
	bool is_card = port && !port->uplink && mac_equal(p->eth.src, port->first_mac);
	if (s->config.mtu)
		return s->config.mtu;
	return is_card && port->mtu > ETH_MTU ? (uint32_t)port->mtu : 0;
}

static bool is_pending(const struct ra_service *s, const struct packet *p)
{
	for (unsigned i = 0; i < s->n_pending; i++)
		if (mac_equal(s->pending[i].mac, p->eth.src) && ip_equal(&s->pending[i].ip, &p->src))
			return true;
	return false;
}

/* Whether there is room for another answer to a guest behind the port. */
static bool has_room(const struct ra_service *s, unsigned port_id)
{
	unsigned n = 0;
	for (unsigned i = 0; i < s->n_pending; i++)
		n += s->pending[i].port_id == port_id;
	return n < RA_PENDING_PER_PORT && s->n_pending < RA_PENDING_MAX;
}

static void answer(struct ra_service *s, usec_t now, const struct packet *p)
{
	unsigned port_id = p->port ? p->port->id : 0;
	usec_t due = now + pick(s, 0, RA_DELAY_MAX);
	if (is_pending(s, p))
		return;
	if (ip_is_unspecified(&p->src) || !has_room(s, port_id)) {
		schedule(s, due);
		return;
	}
	s->pending[s->n_pending++] =
		(struct ra_pending){ .due = due, .port_id = port_id, .mac = p->eth.src, .ip = p->src, .mtu = mtu_for_sender(s, p) };
}

static void expire_pending(struct ra_service *s, usec_t now, struct sink *out)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < s->n_pending; i++) {
		struct ra_pending p = s->pending[i];
		if (p.due > now) {
			s->pending[kept++] = p;
			continue;
		}
		struct router_advertisement ra = advertisement(s, p.mtu);
		send(s, now, p.mac, &p.ip, &ra, out);
	}
	s->n_pending = kept;
}

/* --- the service --- */

/* Another router's solicitation is answered, too; the rest of neighbour discovery is for service/nd.h. */
static enum service_verdict ra_input(struct service *service, usec_t now, const struct packet *p, struct sink *out)
{
	if (p->nd_error < 0 || p->nd.type != ND_ROUTER_SOLICITATION)
		return SERVICE_NOT_MINE;
	if (nd_is_valid(p))
		answer(of_service(service), now, p);
	else
		sink_drop(out, DROP_ND_MALFORMED, p);
	return SERVICE_TAKEN;
}

static usec_t ra_deadline(const struct service *service)
{
	const struct ra_service *s = of_service(service);
	usec_t first = s->next;
	for (unsigned i = 0; i < s->n_pending; i++)
		first = usec_min(first, s->pending[i].due);
	return first;
}

static void ra_expire(struct service *service, usec_t now, struct sink *out)
{
	struct ra_service *s = of_service(service);
	expire_pending(s, now, out);
	if (s->next <= now)
		send_to_all(s, now, out);
}

static const struct service_ops ra_ops = {
	.name = "ra",
	.input = ra_input,
	.deadline = ra_deadline,
	.expire = ra_expire,
};

void ra_service_init(struct ra_service *s, usec_t now, const struct ra_config *config)
{
	*s = (struct ra_service){
		.service = { &ra_ops },
		.config = *config,
		.next = now,
		.last = USEC_INFINITY,
		.initial_left = RA_INITIAL_COUNT,
	};
	if (!config->domain || dns_name_from_text(config->domain, &s->search) < 0)
		s->search.len = 0;
	s->config.domain = NULL;
}

void ra_service_set_default_router(struct ra_service *s, usec_t now, bool is_default_router)
{
	if (s->is_default_router == is_default_router)
		return;
	s->is_default_router = is_default_router;
	s->initial_left = RA_INITIAL_COUNT;
	schedule(s, now);
}

/* The prefix stays: guests may go on to speak with each other. */
void ra_service_stop(struct ra_service *s, usec_t now, struct sink *out)
{
	struct router_advertisement ra = advertisement(s, s->config.mtu);
	ra.router_lifetime = 0;
	ra.dns_lifetime = 0;
	ra.nat64_lifetime = 0;
	send(s, now, ipv6_group_mac(&all_nodes), &all_nodes, &ra, out);
}
