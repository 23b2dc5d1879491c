/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service: configuration, checks of every packet, and access to leases from outside. */
#include "service/dhcp/dhcp.h"

#include "base/log.h"
#include "base/macros.h"
#include "gateway/sink.h"
#include "lan/fdb.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "service/dhcp/claimed.h"
#include "service/dhcp/holder.h"
#include "service/dhcp/names.h"
#include "service/dhcp/pool.h"
#include "service/dhcp/reply.h"
#include "service/dhcp/server.h"
#include "service/dhcp/share.h"
#include "wire/dhcp.h"
#include "wire/eth.h"

#include <errno.h>

/* Of a pool that is larger than a /16: the switch and the gateway know no more guests. */
#define LEASES_MAX FDB_MAX
/* A pool needs a network, a broadcast and a gateway address, and one for a guest. */
#define PREFIX_LENGTH_MAX 30u

struct log_limit *dhcp_log_limit(struct dhcp *d, struct port *p)
{
	return p ? &p->log_limit : &d->log_limit;
}

static void count_failure(struct dhcp *d, usec_t now, int err, const struct packet *p, struct sink *out)
{
	switch (err) {
	case -EBADMSG: sink_drop(out, DROP_DHCP_MALFORMED, p); break;
	case -ENOSPC:
		log_limited(d->config.log, dhcp_log_limit(d, p ? p->port : NULL), now, LOG_LEVEL_WARNING,
			    "dhcp: no free address in the pool");
		sink_drop(out, DROP_DHCP_POOL_FULL, p);
		break;
	case -ENOMEM: sink_drop(out, DROP_NO_MEMORY, p); break;
	case -EDQUOT:
		log_limited(d->config.log, dhcp_log_limit(d, p ? p->port : NULL), now, LOG_LEVEL_WARNING,
			    "port %s: DHCP client refused: the port has its share of addresses", p && p->port ? p->port->name : "?");
		sink_drop(out, DROP_DHCP_SHARE, p);
		break;
	case -EPERM: sink_drop(out, DROP_DHCP_FOREIGN, p); break;
	default: sink_drop(out, DROP_DHCP_IGNORED, p);
	}
}

/* Whether @ip is an address in the subnet that a guest or relay may have. */
static bool is_host_address(const struct dhcp *d, ip4_t ip)
{
	const struct dhcp_config *c = &d->config;
	return prefix4_contains(c->subnet, ip) && ip != c->subnet.network && ip != prefix4_broadcast(c->subnet) && ip != c->gateway;
}

/*
 * Whether a server may answer the message: it is from a client with a unicast MAC that is not the gateway's, and, if it was
 * relayed, the relay is in the subnet, because there are no addresses for other subnets.
 */
static bool is_answerable(const struct dhcp *d, const struct dhcp_header *h)
{
	if (h->op != DHCP_BOOTREQUEST || mac_is_group(h->chaddr) || mac_is_zero(h->chaddr) || mac_equal(h->chaddr, d->config.gateway_mac))
		return false;
	return h->giaddr == 0 || is_host_address(d, h->giaddr);
}

/* dhcpcd puts the MTU on routes, where the kernel takes any.  Other clients set it at the card, whose driver refuses what it cannot do. */
static bool asks_the_card(const struct dhcp_message *m)
{
	static const char dhcpcd[] = "dhcpcd";
	return m->vendor_class_len < strlen(dhcpcd) || memcmp(m->vendor_class, dhcpcd, strlen(dhcpcd)) != 0;
}

/*
 * The MTU of a port is that of the path to the network card at its end, which is the first station seen there.  Other stations are behind
 * a relay, or behind a bridge in the guest (nested machines, containers), whose own ports may carry less: assume Ethernet's MTU.  What the
 * card itself takes, only vhost-user tells.
 */
static uint16_t path_mtu(const struct packet *p, const struct dhcp_message *m)
{
	const struct dhcp_header *h = &m->header;
	const struct port *port = p->port;
	bool is_card = port && !port->uplink && mac_equal(h->chaddr, port->first_mac) && mac_equal(p->eth.src, port->first_mac);
	size_t known = !is_card || h->giaddr ? ETH_MTU : asks_the_card(m) ? UINT16_MAX : MAX(port->agreed_mtu, (size_t)ETH_MTU);
	return (uint16_t)(port ? MIN(port->mtu, known) : ETH_MTU);
}

static bool asks_for(const struct dhcp_message *m, uint8_t code)
{
	return m->has_parameters && memchr(m->parameters, code, m->n_parameters);
}

static int input_datagram(struct dhcp *d, usec_t now, const struct packet *p, const struct udp_view *udp, struct sink *out)
{
	struct dhcp_request rq = { .port = p->port, .payer = p->port ? p->port->payer : NULL, .sender = p->eth.src, .source = p->ip.src };
	int err = dhcp_parse(udp->payload, udp->len, &rq.message);
	if (err < 0)
		return err;
	if (!is_answerable(d, &rq.message.header) || (d->config.ipv6_only && !asks_for(&rq.message, DHCP_OPTION_IPV6_ONLY)))
		return -ENOMSG;
	rq.path_mtu = path_mtu(p, &rq.message);
	if (!dhcp_holder_admits(d, now, &rq))
		return -EPERM;
	if (rq.message.type == DHCP_DISCOVER && d->config.env->ops->starts)
		d->config.env->ops->starts(d->config.env, now, p->eth.src);
	dhcp_claimed_by_message(d, now, &rq.message);
	return dhcp_server_input(d, now, &rq, out);
}

static bool is_to_server(const struct dhcp *d, const struct packet *p)
{
	ip4_t dst = p->ip.dst;
	return dst == d->config.gateway || dst == IP4_BROADCAST || dst == prefix4_broadcast(d->config.subnet);
}

/* With two servers it is chance which one a client takes.  Only answers sent by broadcast are seen here; most clients ask for that. */
void dhcp_foreign_seen(struct dhcp *d, usec_t now, const struct packet *p, bool dropped)
{
	char ip[IP4_TEXT_SIZE], mac[MAC_TEXT_SIZE];
	if (!packet_is_v4(p))
		return; /* of DHCPv6 */
	bool told = d->foreign.told && d->foreign.server == p->ip.src && d->foreign.dropped == dropped;
	if (!told)
		told = log_important(d->config.log, dhcp_log_limit(d, p->port), now, LOG_MATTER_SERVER,
				     "dhcp: another DHCP server answers on the segment: %s (%s) on port %s; %s", ip4_format(p->ip.src, ip),
				     mac_format(p->eth.src, mac), p->port ? p->port->name : "?",
				     dropped ? "its answers are dropped, because this port is not a dhcp-server"
					     : "guests get addresses from either");
	d->foreign = (struct dhcp_foreign){ .server = p->ip.src, .mac = p->eth.src, .seen = now, .told = told, .dropped = dropped };
}

static enum service_verdict dhcp_input(struct service *s, usec_t now, const struct packet *p, struct sink *out)
{
	struct dhcp *d = container_of(s, struct dhcp, service);
	struct udp_view udp;
	if (p->eth.ethertype != ETH_TYPE_IPV4 || p->ip.protocol != IP_PROTOCOL_UDP || !is_to_server(d, p))
		return SERVICE_NOT_MINE;
	if (p->dst_port != DHCP_SERVER_PORT && p->dst_port != DHCP_CLIENT_PORT) /* before the checksum, for other services' datagrams */
		return SERVICE_NOT_MINE;
	if (packet_udp(p, &udp) < 0)
		return SERVICE_NOT_MINE;
	if (udp.dst.port == DHCP_CLIENT_PORT && udp.src.port == DHCP_SERVER_PORT)
		dhcp_foreign_seen(d, now, p, false);
	if (udp.dst.port != DHCP_SERVER_PORT)
		return SERVICE_NOT_MINE;
	int err = input_datagram(d, now, p, &udp, out);
	if (err < 0)
		count_failure(d, now, err, p, out);
	return SERVICE_TAKEN;
}

static usec_t dhcp_deadline(const struct service *s)
{
	const struct dhcp *d = container_of(s, struct dhcp, service);
	return usec_min(dhcp_server_deadline(d), dhcp_saving_deadline(d));
}

static void dhcp_expire(struct service *s, usec_t now, struct sink *out)
{
	struct dhcp *d = container_of(s, struct dhcp, service);
	int err;
	while ((err = dhcp_server_expire(d, now, out)) != -EAGAIN)
		if (err < 0)
			count_failure(d, now, err, NULL, out);
	dhcp_saving_run(d, now, out);
}

void dhcp_turn_ends(struct dhcp *d, usec_t now, struct sink *out)
{
	dhcp_saving_run(d, now, out);
}

void dhcp_save(struct dhcp *d, bool soon)
{
	*(soon ? &d->saving.due : &d->saving.outdated) = d->config.saves;
}

bool dhcp_is_unsaved(const struct dhcp *d)
{
	return d->saving.due || d->saving.outdated;
}

static const struct service_ops dhcp_ops = {
	.name = "dhcp",
	.input = dhcp_input,
	.deadline = dhcp_deadline,
	.expire = dhcp_expire,
};

static int check_config(const struct dhcp_config *c)
{
	uint8_t encoded[DHCP_DOMAIN_SIZE + 1];
	struct bytes_writer w = bytes_writer(encoded, sizeof(encoded));
	if (c->subnet.length > PREFIX_LENGTH_MAX || !prefix4_contains(c->subnet, c->gateway) || c->first > c->last)
		return -EINVAL;
	if (!prefix4_contains(c->subnet, c->first) || !prefix4_contains(c->subnet, c->last) || c->n_ranges > DHCP_RANGES_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < c->n_ranges; i++)
		if (c->ranges[i].first > c->ranges[i].last || c->ranges[i].first < (i == 0 ? c->first : c->ranges[i - 1].last + 1) ||
		    c->ranges[i].last > c->last)
			return -EINVAL;
	if (c->lease_time == 0 || c->n_dns > DHCP_DNS_MAX)
		return -EINVAL;
	if (c->domain && (strlen(c->domain) >= DHCP_DOMAIN_SIZE || !dhcp_put_domain(&w, c->domain)))
		return -EINVAL;
	return c->gateway_name && strlen(c->gateway_name) >= GUEST_NAME_SIZE ? -EINVAL : 0;
}

static int check_reservations(const struct dhcp *d, const struct reservation *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (mac_is_group(r[i].mac) || mac_is_zero(r[i].mac) != reservation_has_no_mac(&r[i]) ||
		    (reservation_has_no_mac(&r[i]) && r[i].ip == 0))
			return -EINVAL;
		else if (r[i].ip != 0 && !is_host_address(d, r[i].ip))
			return -ERANGE;
	return 0;
}

/* A record for every address that can be leased. */
static unsigned lease_capacity(const struct dhcp *d)
{
	uint64_t pool = (uint64_t)d->config.last - d->config.first + 1;
	return (unsigned)MIN(pool + d->reservations.n, (uint64_t)LEASES_MAX);
}

int dhcp_init(struct dhcp *d, const struct dhcp_config *config)
{
	int err = check_config(config);
	if (err < 0)
		return err;
	*d = (struct dhcp){ .service = { .ops = &dhcp_ops }, .config = *config, .log_limit.kind = "dhcp" };
	list_init(&d->probes);
	dhcp_saving_init(&d->saving);
	err = check_reservations(d, config->reservations, config->n_reservations);
	if (err == 0)
		err = reservation_table_init(&d->reservations, config->reservations, config->n_reservations);
	d->config.rules = (struct dhcp_rules){ 0 };
	if (err == 0)
		err = dhcp_rules_copy(&config->rules, &d->config.rules);
	if (err == 0)
		err = lease_table_init(&d->leases, &config->hash_key, lease_capacity(d), config->first, config->last);
	if (err < 0) {
		dhcp_rules_done(&d->config.rules);
		reservation_table_done(&d->reservations);
		return err;
	}
	dhcp_share_changed(d);
	if (config->domain)
		d->config.domain = strcpy(d->domain, config->domain);
	if (config->gateway_name)
		d->config.gateway_name = strcpy(d->gateway_name, config->gateway_name);
	if (config->n_dns == 0) {
		d->config.dns[0] = config->gateway;
		d->config.n_dns = 1;
	}
	d->config.reservations = NULL; /* the table has them */
	d->config.n_reservations = 0;
	return 0;
}

void dhcp_done(struct dhcp *d)
{
	dhcp_server_stop(d);
	dhcp_saving_done(&d->saving);
	lease_table_done(&d->leases);
	reservation_table_done(&d->reservations);
	dhcp_rules_done(&d->config.rules);
}

void dhcp_set_rules(struct dhcp *d, struct dhcp_rules *rules)
{
	dhcp_rules_done(&d->config.rules);
	d->config.rules = *rules;
	*rules = (struct dhcp_rules){ 0 };
}

static bool is_searched(const struct dhcp *d, const char *domain)
{
	bool found = d->config.domain && strcasecmp(d->config.domain, domain) == 0;
	for (unsigned i = 0; i < d->n_search; i++)
		found |= strcasecmp(d->search[i], domain) == 0;
	return found;
}

void dhcp_set_search(struct dhcp *d, const char *const *domains, size_t n)
{
	d->n_search = 0;
	for (size_t i = 0; i < n && d->n_search < DHCP_SEARCH_MAX; i++) {
		uint8_t encoded[DHCP_DOMAIN_SIZE + 1];
		struct bytes_writer w = bytes_writer(encoded, sizeof(encoded));
		if (strlen(domains[i]) < DHCP_DOMAIN_SIZE && dhcp_put_domain(&w, domains[i]) && !is_searched(d, domains[i]))
			strcpy(d->search[d->n_search++], domains[i]);
	}
}

int dhcp_set_reservations(struct dhcp *d, const struct reservation *r, size_t n)
{
	struct reservation_table new;
	int err = check_reservations(d, r, n);
	if (err == 0)
		err = reservation_table_init(&new, r, n);
	if (err < 0)
		return err;
	err = dhcp_claimed_again(d, &new);
	if (err < 0) {
		reservation_table_done(&new);
		return err;
	}
	reservation_table_done(&d->reservations);
	d->reservations = new;
	d->leases.capacity = MAX(lease_capacity(d), d->leases.count);
	dhcp_share_changed(d);
	dhcp_names_reserved(d);
	return 0;
}

void dhcp_guest_seen(struct dhcp *d, struct guest *g)
{
	struct lease *l = list_empty(&g->leases) ? lease_find_mac(&d->leases, g->mac) : NULL;
	if (l)
		guest_lease_tie(&l->holder, g);
}

enum guest_rank dhcp_rank(const struct dhcp *d, usec_t now, ip4_t ip, struct guest_holder *ret)
{
	const struct reservation *r = reservation_of_ip(&d->reservations, ip);
	const struct lease *l = lease_find_ip(&d->leases, ip);
	if (!r && (!l || !lease_is_active(l, now)))
		return GUEST_RANK_SEEN;
	struct mac mac = r ? r->mac : l->mac;
	*ret = (struct guest_holder){ .mac = mac, .port = dhcp_holder_port(d, now, mac) };
	return r ? GUEST_RANK_DECLARED : GUEST_RANK_LEASED;
}

void dhcp_for_each_lease(const struct dhcp *d, void (*each)(void *opaque, const struct lease *l), void *opaque)
{
	list_for_each(node, &d->leases.ages) {
		const struct lease *l = container_of(node, struct lease, age);
		if (l->state == LEASE_BOUND)
			each(opaque, l);
	}
}

bool dhcp_can_save_changes(const struct dhcp *d)
{
	return dhcp_saving_needs_few(&d->saving);
}

void dhcp_for_each_unsaved(const struct dhcp *d, void (*each)(void *opaque, const struct lease *l), void *opaque)
{
	dhcp_saving_for_each(&d->saving, each, opaque);
}

static void forget(struct dhcp *d, struct lease *l)
{
	if (l)
		lease_free(&d->leases, l);
}

static bool is_valid_saved(const struct dhcp_saved_lease *saved)
{
	return !mac_is_group(saved->mac) && !mac_is_zero(saved->mac) && saved->client_id_len <= LEASE_CLIENT_ID_MAX;
}

static int check_saved(const struct dhcp *d, usec_t now, const struct dhcp_saved_lease *saved)
{
	if (dhcp_pool_refusal(d, now, saved->mac, saved->ip))
		return -EADDRNOTAVAIL;
	return d->leases.count < d->leases.capacity ? 0 : -ENOSPC;
}

int dhcp_restore(struct dhcp *d, usec_t now, const struct dhcp_saved_lease *saved)
{
	if (!is_valid_saved(saved))
		return -EINVAL;
	forget(d, lease_find_mac(&d->leases, saved->mac));
	forget(d, lease_find_ip(&d->leases, saved->ip));
	dhcp_claimed(d, now,
		     &(struct dhcp_claim){ saved->mac, saved->client_id, saved->client_id_len, saved->name,
					   saved->name ? strlen(saved->name) : 0 });
	int err = check_saved(d, now, saved);
	if (err < 0)
		return err;
	struct lease *l = lease_new(&d->leases, saved->mac, saved->ip);
	if (!l)
		return -ENOMEM;
	l->expires = l->saved = saved->expires;
	if (saved->expires > now) {
		dhcp_share_hold(d, now, l, NULL, saved->expires);
		lease_bind(&d->leases, l);
	}
	l->state = LEASE_BOUND;
	l->client_id_len = (uint8_t)saved->client_id_len;
	if (saved->client_id_len > 0)
		memcpy(l->client_id, saved->client_id, saved->client_id_len);
	dhcp_names_update(d, now, l, saved->name, saved->name ? strlen(saved->name) : 0);
	return 0;
}
