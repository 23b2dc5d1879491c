/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp6/client.h"

#include "base/macros.h"
#include "gateway/ip6.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "service/nd.h"
#include "wire/dhcp.h"
#include "wire/icmp6.h"
#include "wire/ra.h"
#include "wire/udp.h"

#include <string.h>

#define MESSAGE_MAX 512u
#define HOP_LIMIT 64
#define IAID 1u
#define ROUTER_SOLICITATION_INTERVAL (4 * USEC_PER_SEC) /* RFC 4861 §10 */
#define ROUTER_SOLICITATIONS_MAX 3u
#define FIRST_RETRY USEC_PER_SEC /* RFC 8415 §7.6 */
#define RETRY_DOUBLINGS_MAX 7u   /* two minutes, MAX_RT of most messages is more */
#define REQUESTS_MAX 10u
#define RENEW_RETRY_MIN (10 * USEC_PER_SEC)
#define LIFETIME_MIN_S 10u

static const struct ip_addr gateway = GATEWAY_IP6_LINK_LOCAL;

void dhcp6_client_init(struct dhcp6_client *c, const struct dhcp6_client_config *config)
{
	*c = (struct dhcp6_client){ .config = *config, .xid = config->xid & 0xffffff, .deadline = USEC_INFINITY };
	c->link_local = ipv6_link_local(config->mac);
	c->duid = dhcp6_duid_of_mac(config->mac);
}

static bool has_lease(const struct dhcp6_client *c)
{
	return c->phase >= DHCP6_CLIENT_BOUND;
}

/* --- neighbour discovery --- */

static void begin_frame(const struct dhcp6_client *c, struct bytes_writer *w, const struct ip_addr *group)
{
	eth_emit(w, &(struct eth_header){ .dst = ipv6_group_mac(group), .src = c->config.mac, .ethertype = ETH_TYPE_IPV6 });
}

static void send_frame(const struct dhcp6_client *c, const struct bytes_writer *w)
{
	if (!w->failed)
		c->config.ops->send(c->config.opaque, w->data, w->len);
}

static void look_for_gateway(const struct dhcp6_client *c)
{
	uint8_t bytes[ETH_HEADER_LEN + IPV6_HEADER_LEN + ND_NEIGHBOUR_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct ip_addr group = ipv6_solicited_node(&gateway);
	begin_frame(c, &w, &group);
	nd_emit_solicitation(&w, c->config.mac, &c->link_local, &group, &gateway);
	send_frame(c, &w);
}

static void solicit_router(const struct dhcp6_client *c)
{
	static const struct ip_addr routers = IPV6_ALL_ROUTERS;
	uint8_t bytes[ETH_HEADER_LEN + IPV6_HEADER_LEN + ICMP6_HEADER_LEN + 8], option[8] = { 1, 1 };
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	memcpy(option + 2, c->config.mac.b, sizeof(c->config.mac.b));
	begin_frame(c, &w, &routers);
	ipv6_emit(&w, &(struct ipv6_header){ .payload_len = ICMP6_HEADER_LEN + sizeof(option),
					     .next_header = IPV6_NEXT_ICMP,
					     .hop_limit = ND_HOP_LIMIT,
					     .src = c->link_local,
					     .dst = routers });
	icmp6_emit(&w, &c->link_local, &routers, &(struct icmp6_header){ .type = ND_ROUTER_SOLICITATION }, option, sizeof(option));
	send_frame(c, &w);
}

void dhcp6_client_start(struct dhcp6_client *c, usec_t now)
{
	c->phase = DHCP6_CLIENT_DISCOVERING;
	c->tries = 1;
	c->deadline = now + ROUTER_SOLICITATION_INTERVAL;
	look_for_gateway(c);
	solicit_router(c);
}

/* --- DHCPv6 messages --- */

static void put_name(const struct dhcp6_client *c, struct bytes_writer *w)
{
	size_t len = c->config.name ? strnlen(c->config.name, DNS_LABEL_MAX + 1) : 0;
	if (len == 0 || len > DNS_LABEL_MAX)
		return;
	size_t begun = dhcp6_begin(w, DHCP6_OPTION_FQDN);
	bytes_put_u8(w, DHCP6_FQDN_SERVER);
	bytes_put_u8(w, (uint8_t)len);
	bytes_put(w, c->config.name, len);
	dhcp6_end(w, begun);
}

static void put_association(struct bytes_writer *w, const struct ip_addr *address)
{
	size_t begun = dhcp6_begin(w, DHCP6_OPTION_IA_NA);
	bytes_put_be32(w, IAID);
	bytes_put_zeros(w, 8);
	if (!ip_is_unspecified(address))
		dhcp6_put_address(w, address, 0, 0);
	dhcp6_end(w, begun);
}

static void send_datagram(const struct dhcp6_client *c, const void *message, size_t len)
{
	static const struct ip_addr agents = DHCP6_ALL_AGENTS;
	uint8_t bytes[ETH_HEADER_LEN + IPV6_HEADER_LEN + UDP_HEADER_LEN + MESSAGE_MAX];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	begin_frame(c, &w, &agents);
	ipv6_emit(&w, &(struct ipv6_header){ .payload_len = (uint16_t)(UDP_HEADER_LEN + len),
					     .next_header = IP_PROTOCOL_UDP,
					     .hop_limit = HOP_LIMIT,
					     .src = c->link_local,
					     .dst = agents });
	udp_emit_datagram(&w, &c->link_local, &agents, DHCP6_CLIENT_PORT, DHCP6_SERVER_PORT, message, len);
	send_frame(c, &w);
}

static void send_message(const struct dhcp6_client *c, usec_t now, enum dhcp6_type type, const struct ip_addr *address)
{
	static const uint8_t wanted[] = { 0, DHCP6_OPTION_DNS, 0, DHCP6_OPTION_SEARCH, 0, DHCP6_OPTION_FQDN };
	uint8_t bytes[MESSAGE_MAX], elapsed[2];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes)), e = bytes_writer(elapsed, sizeof(elapsed));
	bytes_put_be16(&e, (uint16_t)MIN((now - c->began) / (10 * USEC_PER_MSEC), (usec_t)UINT16_MAX));
	dhcp6_put_header(&w, type, c->xid);
	dhcp6_put_option(&w, DHCP6_OPTION_CLIENT_ID, c->duid.bytes, c->duid.len);
	if (type == DHCP6_REQUEST || type == DHCP6_RENEW || type == DHCP6_RELEASE)
		dhcp6_put_option(&w, DHCP6_OPTION_SERVER_ID, c->server.bytes, c->server.len);
	dhcp6_put_option(&w, DHCP6_OPTION_ELAPSED, elapsed, sizeof(elapsed));
	if (type == DHCP6_SOLICIT)
		dhcp6_put_option(&w, DHCP6_OPTION_RAPID_COMMIT, NULL, 0);
	if (type != DHCP6_RELEASE) {
		dhcp6_put_option(&w, DHCP6_OPTION_REQUESTED, wanted, sizeof(wanted));
		put_name(c, &w);
	}
	put_association(&w, address);
	if (!w.failed)
		send_datagram(c, bytes, w.len);
}

static void send_again(const struct dhcp6_client *c, usec_t now)
{
	static const struct ip_addr none;
	switch (c->phase) {
	case DHCP6_CLIENT_SOLICITING: send_message(c, now, DHCP6_SOLICIT, &none); break;
	case DHCP6_CLIENT_REQUESTING: send_message(c, now, DHCP6_REQUEST, &c->offered); break;
	case DHCP6_CLIENT_RENEWING: send_message(c, now, DHCP6_RENEW, &c->state.address); break;
	case DHCP6_CLIENT_REBINDING: send_message(c, now, DHCP6_REBIND, &c->state.address); break;
	default: break;
	}
}

static usec_t retry_after(struct dhcp6_client *c, usec_t now)
{
	return now + (FIRST_RETRY << MIN(c->tries++, RETRY_DOUBLINGS_MAX));
}

static void begin(struct dhcp6_client *c, usec_t now, enum dhcp6_client_phase phase)
{
	c->phase = phase;
	c->xid = (c->xid + 1) & 0xffffff;
	c->began = now;
	c->tries = 0;
}

static void begin_and_send(struct dhcp6_client *c, usec_t now, enum dhcp6_client_phase phase)
{
	begin(c, now, phase);
	c->deadline = retry_after(c, now);
	send_again(c, now);
}

static void tell(const struct dhcp6_client *c)
{
	c->config.ops->changed(c->config.opaque, &c->state);
}

static void lose(struct dhcp6_client *c, usec_t now)
{
	bool had = has_lease(c);
	c->state.address = (struct ip_addr){ { 0 } };
	begin_and_send(c, now, DHCP6_CLIENT_SOLICITING);
	if (had)
		tell(c);
}

/* Half of the remaining time, as for IPv4. */
static void extend(struct dhcp6_client *c, usec_t now, enum dhcp6_client_phase phase, usec_t until)
{
	if (c->phase != phase)
		begin(c, now, phase);
	usec_t half = (until - now) / 2;
	c->deadline = half < RENEW_RETRY_MIN ? until : now + half;
	send_again(c, now);
}

static void expire_lease(struct dhcp6_client *c, usec_t now)
{
	if (now >= c->end)
		lose(c, now);
	else if (now >= c->t2)
		extend(c, now, DHCP6_CLIENT_REBINDING, c->end);
	else
		extend(c, now, DHCP6_CLIENT_RENEWING, c->t2);
}

void dhcp6_client_expire(struct dhcp6_client *c, usec_t now)
{
	if (c->deadline > now)
		return;
	if (has_lease(c)) {
		expire_lease(c, now);
	} else if (c->phase == DHCP6_CLIENT_DISCOVERING) {
		c->deadline = c->tries < ROUTER_SOLICITATIONS_MAX ? now + ROUTER_SOLICITATION_INTERVAL : USEC_INFINITY;
		if (c->tries++ < ROUTER_SOLICITATIONS_MAX)
			solicit_router(c);
	} else if (c->phase == DHCP6_CLIENT_REQUESTING && c->tries >= REQUESTS_MAX) {
		begin_and_send(c, now, DHCP6_CLIENT_SOLICITING);
	} else {
		c->deadline = retry_after(c, now);
		send_again(c, now);
	}
}

usec_t dhcp6_client_deadline(const struct dhcp6_client *c)
{
	return c->deadline;
}

bool dhcp6_client_is_settled(const struct dhcp6_client *c)
{
	return !c->has_gateway || c->phase == DHCP6_CLIENT_ADVERTISED || has_lease(c);
}

void dhcp6_client_release(struct dhcp6_client *c, usec_t now)
{
	if (has_lease(c)) {
		begin(c, now, c->phase);
		send_message(c, now, DHCP6_RELEASE, &c->state.address);
	}
	c->phase = DHCP6_CLIENT_STOPPED;
	c->deadline = USEC_INFINITY;
}

/* --- answers --- */

static bool is_host(const struct ip_addr *a)
{
	return !ipv6_is_multicast(a) && !ip_is_v4(a) && !ip_is_unspecified(a) && !ipv6_is_link_local(a);
}

/* As text for a resolv.conf that other programs read; "" when it has other characters than those of host names. */
static void put_domain(const struct dns_name *name, char ret[static DHCP6_CLIENT_DOMAIN_MAX + 1])
{
	char label[DNS_LABEL_MAX + 1];
	size_t at = 0;
	for (unsigned i = 0; i < dns_name_labels(name); i++) {
		size_t len = dns_name_label(name, i, label) == 0 ? strlen(label) : 0;
		if (len == 0 || at + len + 1 > DHCP6_CLIENT_DOMAIN_MAX)
			return;
		if (at > 0)
			ret[at++] = '.';
		memcpy(ret + at, label, len);
		at += len;
	}
	ret[at] = '\0';
}

static void set_domain(struct dhcp6_client_state *s, const struct dns_name *name)
{
	memset(s->domain, 0, sizeof(s->domain));
	put_domain(name, s->domain);
	if (name->len > 1 && strlen(s->domain) + 2 != name->len)
		s->domain[0] = '\0';
}

static void add_dns(struct dhcp6_client_state *s, const struct ip_addr *dns)
{
	for (unsigned i = 0; i < s->n_dns; i++)
		if (ip_equal(&s->dns[i], dns))
			return;
	if (is_host(dns) && s->n_dns < DHCP6_DNS_MAX)
		s->dns[s->n_dns++] = *dns;
}

static void advertised(struct dhcp6_client *c, usec_t now, const struct packet *p)
{
	struct router_advertisement ra;
	if (ra_parse(packet_l4(p), p->l4_len, &ra) < 0 || !ipv6_is_link_local(&p->src))
		return;
	bool is_news = !c->has_router;
	c->has_router = true;
	if (ra.dns_lifetime > 0) {
		add_dns(&c->state, &ra.dns);
		if (!c->state.domain[0])
			set_domain(&c->state, &ra.search);
	}
	bool managed = ra.managed && c->phase <= DHCP6_CLIENT_ADVERTISED;
	if (managed) {
		begin_and_send(c, now, DHCP6_CLIENT_SOLICITING);
	} else if (c->phase == DHCP6_CLIENT_DISCOVERING) {
		c->phase = DHCP6_CLIENT_ADVERTISED;
		c->deadline = USEC_INFINITY;
	}
	if (is_news)
		tell(c);
}

static usec_t after(const struct dhcp6_client *c, uint32_t seconds)
{
	return seconds == UINT32_MAX ? USEC_INFINITY : c->began + seconds * USEC_PER_SEC;
}

/* RFC 8415 §14.2, §21.4: T1 and T2 of 0, or out of order, are the client's to choose. */
static void set_times(struct dhcp6_client *c, const struct dhcp6_answer *a)
{
	uint32_t valid = MAX(a->valid, LIFETIME_MIN_S), t1 = a->t1, t2 = a->t2;
	if (t2 == 0 || t2 > valid)
		t2 = valid == UINT32_MAX ? valid : valid / 5 * 4;
	if (t1 == 0 || t1 > t2)
		t1 = valid == UINT32_MAX ? valid : MIN(valid / 2, t2);
	c->t1 = after(c, t1);
	c->t2 = after(c, t2);
	c->end = after(c, valid);
	c->deadline = c->t1;
}

static void replied(struct dhcp6_client *c, usec_t now, const struct dhcp6_answer *a)
{
	if (a->refused || a->iaid != IAID || !is_host(&a->address)) {
		if (has_lease(c))
			lose(c, now);
		return;
	}
	c->phase = DHCP6_CLIENT_BOUND;
	c->server = a->server;
	c->state.address = a->address;
	c->state.preferred_s = a->preferred;
	c->state.valid_s = MAX(a->valid, LIFETIME_MIN_S);
	for (unsigned i = 0; i < a->n_dns; i++)
		add_dns(&c->state, &a->dns[i]);
	if (a->search.len > 1)
		set_domain(&c->state, &a->search);
	set_times(c, a);
	tell(c);
}

static void answered(struct dhcp6_client *c, usec_t now, const struct dhcp6_answer *a)
{
	bool solicited = c->phase == DHCP6_CLIENT_SOLICITING;
	if (a->xid != c->xid || a->server.len == 0 || !dhcp6_duid_equal(&a->client, &c->duid))
		return;
	if (solicited && a->type == DHCP6_ADVERTISE && !a->refused && is_host(&a->address)) {
		c->offered = a->address;
		c->server = a->server;
		begin_and_send(c, now, DHCP6_CLIENT_REQUESTING);
	} else if (a->type == DHCP6_REPLY &&
		   (solicited ? a->rapid_commit : c->phase > DHCP6_CLIENT_SOLICITING && c->phase != DHCP6_CLIENT_BOUND)) {
		replied(c, now, a);
	}
}

static void discovered(struct dhcp6_client *c, usec_t now, const struct packet *p)
{
	if (p->nd.type == ND_ROUTER_ADVERTISEMENT)
		advertised(c, now, p);
	else if (p->nd.type == ND_NEIGHBOUR_ADVERTISEMENT && ip_equal(&p->nd.target, &gateway))
		c->has_gateway = true;
}

bool dhcp6_client_input(struct dhcp6_client *c, usec_t now, const void *frame, size_t len)
{
	struct iovec iov;
	struct frame f = frame_of(&iov, frame, len);
	struct packet p;
	struct udp_view udp;
	enum drop_reason why;
	if (c->phase == DHCP6_CLIENT_STOPPED || packet_parse(&f, NULL, NULL, &p, &why) < 0 || p.eth.ethertype != ETH_TYPE_IPV6 ||
	    packet_ip(&p) < 0)
		return false;
	if (packet_nd(&p) == 0) {
		if (nd_is_valid(&p))
			discovered(c, now, &p);
		return false;
	}
	struct dhcp6_answer a;
	if (packet_udp(&p, &udp) < 0 || udp.dst.port != DHCP6_CLIENT_PORT)
		return false;
	if (dhcp6_parse_answer(udp.payload, udp.len, &a) == 0)
		answered(c, now, &a);
	return true;
}
