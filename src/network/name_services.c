/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/name_services.h"

#include "base/log.h"
#include "base/macros.h"
#include "gateway/engine.h"
#include "gateway/gateway.h"
#include "gateway/payer.h"
#include "host/clock.h"
#include "host/entropy.h"
#include "host/resolver.h"
#include "lan/segment.h"
#include "network/given_records.h"
#include "options/settings.h"
#include "service/dhcp/claimed.h"
#include "service/dhcp6/address.h"
#include "service/dhcp6/lease6.h"
#include "service/dns/dns.h"
#include "service/dns/records.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define LEASE_FILE_NAME "leases"
#define DNS_PORT 53

/* --- the environment of DHCP --- */

static void probe(struct dhcp_env *env, usec_t now, ip4_t ip)
{
	gateway_probe(container_of(env, struct name_services, dhcp_env)->gateway, now, ip);
}

static struct guest *guest_of(struct dhcp_env *env, struct mac mac)
{
	return guest_find(&container_of(env, struct name_services, dhcp_env)->gateway->guests, mac);
}

/* A guest has sent IP or ARP; of others, the switch knows where their frames come from. */
static struct port *port_of(struct dhcp_env *env, usec_t now, struct mac mac)
{
	const struct gateway *gateway = container_of(env, struct name_services, dhcp_env)->gateway;
	const struct guest *g = guest_find(&gateway->guests, mac);
	return g && g->port ? g->port : segment_find(gateway->segment, now, mac);
}

static const struct guest_address *address_at(struct dhcp_env *env, ip4_t ip)
{
	struct ip_addr addr = ip_from_ip4(ip);
	const struct guest_address *a = guest_find_address(&container_of(env, struct name_services, dhcp_env)->gateway->guests, &addr);
	return a && a->guest->state == GUEST_PRESENT ? a : NULL;
}

/* A guarded port does not reserve addresses by naming more than the switch protects. */
static bool in_use(struct dhcp_env *env, usec_t now, ip4_t ip, struct mac *ret)
{
	const struct guest_address *a = address_at(env, ip);
	if (!a || !guest_address_is_present(a, now) || (a->guest->port->guarded && !a->is_protected))
		return false;
	*ret = a->guest->mac;
	return true;
}

/* True: @a belongs to another guest. */
static bool rank_address(const struct name_services *n, usec_t now, struct guest_address *a)
{
	struct guest_holder holder = { 0 };
	const struct guest *g = a->guest;
	enum guest_rank rank = name_services_rank(n, now, &a->addr, &holder);
	bool is_its = mac_equal(holder.mac, g->mac) || (holder.port && holder.port == g->port);
	a->rank = (uint8_t)(is_its ? rank : GUEST_RANK_SEEN);
	return !is_its && rank != GUEST_RANK_SEEN;
}

static void name_guest(const struct name_services *n, usec_t now, struct guest *g)
{
	const char *name = dhcp_name_of(&n->dhcp, now, g->mac);
	if (name[0] == '\0' && n->serves_dhcp6)
		name = dhcp6_name_of(&n->dhcp6, now, g->mac);
	if (name[0] == '\0' && n->name_attached)
		name = n->name_attached(n->opaque, g);
	snprintf(g->name, sizeof(g->name), "%s", name);
}

void name_services_holder_changed(struct name_services *n, usec_t now, struct mac mac, const struct ip_addr *addr)
{
	struct guest *g = guest_find(&n->gateway->guests, mac);
	struct guest_address *a = guest_find_address(&n->gateway->guests, addr);
	if (g)
		name_guest(n, now, g);
	/*
	 * DHCP beats seen: a guest that only used the address may not answer when the one that has got it probes for it (RFC 5227 §2.1.1).
	 * A reservation alone takes no address from a guest that has it at the time.
	 */
	if (a && a->guest->state != GUEST_HEARD)
		guest_address_lost(a, rank_address(n, now, a));
}

void name_services_guard_begins(struct name_services *n, usec_t now)
{
	const struct slots *addresses = &n->gateway->guests.by_index;
	for (uint32_t i = 0; i < addresses->n; i++) {
		struct guest_address *a = slots_get(addresses, i);
		if (a && a->guest->state != GUEST_HEARD)
			guest_address_lost(a, rank_address(n, now, a));
	}
}

static void holder_changed(struct dhcp_env *env, usec_t now, struct mac mac, ip4_t ip)
{
	struct ip_addr addr = ip_from_ip4(ip);
	name_services_holder_changed(container_of(env, struct name_services, dhcp_env), now, mac, &addr);
}

static bool all_known(struct dhcp_env *env, const struct port *asking)
{
	return gateway_knows_all_addresses(container_of(env, struct name_services, dhcp_env)->gateway, asking);
}

static void changed(struct dhcp_env *env, usec_t now)
{
	container_of(env, struct name_services, dhcp_env)->leases_changed = true;
}

static void save(struct dhcp_env *env, usec_t now)
{
	struct name_services *n = container_of(env, struct name_services, dhcp_env);
	if (n->keeps_leases)
		lease_file_save(&n->lease_file, &n->dhcp, now, clock_wall());
	if (n->serves_dhcp6)
		dhcp6_saved(&n->dhcp6, now);
}

static void leased(struct dhcp_env *env, usec_t now, const struct port *p, const struct lease *l, enum dhcp_lease_event what)
{
	struct name_services *n = container_of(env, struct name_services, dhcp_env);
	if (n->leased)
		n->leased(n->opaque, now, p, l, what);
}

static void starts(struct dhcp_env *env, usec_t now, struct mac mac)
{
	gateway_guest_starts(container_of(env, struct name_services, dhcp_env)->gateway, mac);
}

/* Names are for one guest, whatever protocol it told them by. */
static bool name_is_taken(struct dhcp_env *env, usec_t now, struct mac mac, const char *name)
{
	const struct name_services *n = container_of(env, struct name_services, dhcp_env);
	struct mac holder;
	return n->serves_dhcp6 && dhcp6_holder_of_name(&n->dhcp6, now, name, &holder) == 0 && !mac_equal(holder, mac);
}

static const struct dhcp_env_ops dhcp_env_ops = {
	.probe = probe,
	.guest_of = guest_of,
	.port_of = port_of,
	.address_at = address_at,
	.in_use = in_use,
	.all_known = all_known,
	.changed = changed,
	.save = save,
	.holder_changed = holder_changed,
	.leased = leased,
	.starts = starts,
	.name_is_taken = name_is_taken,
};

/* --- the environment of DHCPv6 --- */

static struct name_services *of_env6(struct dhcp6_env *env)
{
	return container_of(env, struct name_services, dhcp6_env);
}

static struct port *port_of6(struct dhcp6_env *env, usec_t now, struct mac mac)
{
	return port_of(&of_env6(env)->dhcp_env, now, mac);
}

static void identified6(struct dhcp6_env *env, usec_t now, struct mac mac, const struct dhcp6_message *m)
{
	dhcp_claimed(&of_env6(env)->dhcp, now, &(struct dhcp_claim){ mac, m->client.bytes, m->client.len, m->name, m->name_len });
}

static bool may_have_name6(struct dhcp6_env *env, usec_t now, struct mac mac, const char *name)
{
	return dhcp_may_have_name(&of_env6(env)->dhcp, now, mac, name);
}

static const char *name_of6(struct dhcp6_env *env, usec_t now, struct mac mac)
{
	return dhcp_name_of(&of_env6(env)->dhcp, now, mac);
}

static void changed6(struct dhcp6_env *env, usec_t now, bool soon)
{
	struct name_services *n = of_env6(env);
	dhcp_save(&n->dhcp, soon);
	n->leases_changed |= soon;
}

static void leased6(struct dhcp6_env *env, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what)
{
	struct name_services *n = of_env6(env);
	name_services_holder_changed(n, now, l->mac, &l->addr);
	if (n->leased6)
		n->leased6(n->opaque, now, p, l, what);
}

static const struct dhcp6_env_ops dhcp6_env_ops = {
	.port_of = port_of6,
	.identified = identified6,
	.may_have_name = may_have_name6,
	.name_of = name_of6,
	.changed = changed6,
	.leased = leased6,
};

/* --- building --- */

static struct reservation *reservations_of(const struct settings *s)
{
	struct reservation *r = calloc(s->n_hosts + s->n_dhcp_hosts + 1, sizeof(*r));
	for (size_t i = 0; r && i < s->n_hosts; i++) {
		r[i] = (struct reservation){ .mac = s->hosts[i].mac, .ip = s->hosts[i].ip, .lease_time_s = s->hosts[i].lease_time_s };
		snprintf(r[i].name, sizeof(r[i].name), "%s", s->hosts[i].name);
		snprintf(r[i].tag, sizeof(r[i].tag), "%s", s->hosts[i].tag);
	}
	if (r && s->n_dhcp_hosts > 0)
		memcpy(r + s->n_hosts, s->dhcp_hosts, s->n_dhcp_hosts * sizeof(*r));
	return r;
}

/* They borrow the lists of @s. */
static struct dhcp_rules rules_of(const struct settings *s)
{
	return (struct dhcp_rules){
		.tags = s->dhcp_tags,
		.n_tags = s->n_dhcp_tags,
		.options = s->dhcp_options,
		.n_options = s->n_dhcp_options,
		.boots = s->dhcp_boots,
		.n_boots = s->n_dhcp_boots,
	};
}

static int init_dhcp(struct name_services *n, const struct name_services_config *c, const struct hash_key *key)
{
	const struct settings *s = c->settings;
	struct reservation *reservations = reservations_of(s);
	if (!reservations)
		return -ENOMEM;
	n->dhcp_env.ops = &dhcp_env_ops;
	struct dhcp_config config = {
		.env = &n->dhcp_env,
		.log = c->log,
		.hash_key = *key,
		.gateway = s->gateway,
		.no_router = s->engine->isolated,
		.ipv6_only = s->ipv6_only,
		.gateway_mac = c->gateway->config.mac,
		.subnet = s->subnet,
		.first = s->dhcp_first,
		.last = s->dhcp_last,
		.lease_time = s->lease_time_s,
		.domain = s->domain,
		.gateway_name = SETTINGS_GATEWAY_NAME,
		.saves = c->state_dir != NULL,
		.mtu = (uint16_t)s->mtu,
		.reservations = reservations,
		.n_reservations = s->n_hosts + s->n_dhcp_hosts,
		.rules = rules_of(s),
		.n_ranges = s->n_dhcp_ranges,
	};
	memcpy(config.ranges, s->dhcp_ranges, sizeof(config.ranges));
	int r = dhcp_init(&n->dhcp, &config);
	free(reservations);
	n->dhcp_ready = r == 0;
	return r;
}

static int load_leases(struct name_services *n, const char *state_dir, usec_t now)
{
	if (!state_dir)
		return 0;
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/" LEASE_FILE_NAME, state_dir);
	int r = lease_file_init(&n->lease_file, path, n->log);
	if (r < 0)
		return r;
	n->keeps_leases = true;
	n->lease_file.dhcp6 = n->serves_dhcp6 ? &n->dhcp6 : NULL;
	unsigned count = lease_file_load(&n->lease_file, &n->dhcp, now, clock_wall());
	if (count > 0)
		log_info(n->log, "lease file %s: %u leases loaded", path, count);
	return 0;
}

void name_services_change_servers(struct name_services *n, const struct settings *s)
{
	host_names_set_servers(&n->host_names, &s->dns, &s->dns_routes);
	dns_set_rebind_ok(n->dns, &s->rebind_ok);
}

static int init_dns(struct name_services *n, const struct name_services_config *c, const struct hash_key *key)
{
	int r = resolver_new(c->poller, &n->resolver);
	if (r < 0)
		return r;
	r = dns_new(
		&(struct dns_config){
			.gateway = c->settings->gateway,
			.subnet = c->settings->subnet,
			.ip6 = &c->gateway->config.ip6,
			.domain = c->settings->domain,
			.shares_domain = !c->settings->local_only,
			.gateway_name = SETTINGS_GATEWAY_NAME,
			.isolated = c->settings->engine->isolated,
			.hash_key = *key,
			.names = &n->names.for_dns,
			.upstream = resolver_upstream(n->resolver),
			.sink = &c->gateway->sink,
			.log = c->log,
		},
		&n->dns);
	if (r == 0)
		r = host_names_init(&n->host_names, &(struct host_names_config){ .poller = c->poller,
										 .log = c->log,
										 .dns = n->dns,
										 .dhcp = &n->dhcp,
										 .gateway = c->settings->gateway,
										 .key = *key,
										 .isolated = c->settings->engine->isolated });
	struct dns_records records = { .key = *key };
	if (r == 0)
		r = given_records_make(c->settings, &records);
	if (r < 0)
		return r;
	dns_set_given(n->dns, &records);
	name_services_change_servers(n, c->settings);
	return 0;
}

static void init_dhcp6(struct name_services *n, const struct name_services_config *c)
{
	n->serves_dhcp6 = !c->settings->no_dhcp && c->gateway->config.ip6.on;
	n->dhcp6_env.ops = &dhcp6_env_ops;
	if (!n->serves_dhcp6)
		return;
	dhcp6_init(&n->dhcp6, &(struct dhcp6_config){ .env = &n->dhcp6_env,
						      .saves = c->state_dir != NULL,
						      .mac = c->gateway->config.mac,
						      .ip6 = &c->gateway->config.ip6,
						      .domain = c->settings->domain,
						      .key = c->ip6_key,
						      .lease_time = c->settings->lease_time_s,
						      .reservations = &n->dhcp.reservations });
	n->names.dhcp6 = &n->dhcp6;
}

int name_services_init(struct name_services *n, const struct name_services_config *c, usec_t now)
{
	struct hash_key key;
	entropy_get(&key, sizeof(key));
	n->gateway = c->gateway;
	n->log = c->log;
	n->poller = c->poller;
	n->leased = c->leased;
	n->leased6 = c->leased6;
	n->name_attached = c->name_attached;
	n->opaque = c->opaque;
	guest_names_init(&n->names, &n->dhcp, &c->gateway->guests);
	n->names.find_attached = c->find_attached;
	n->names.ipv6_only = c->settings->ipv6_only;
	n->names.opaque = c->opaque;
	int r = guest_names_set(&n->names, c->settings);
	if (r == 0)
		r = init_dhcp(n, c, &key);
	if (r == 0)
		init_dhcp6(n, c);
	if (r == 0)
		r = load_leases(n, c->state_dir, now);
	if (r == 0)
		r = init_dns(n, c, &key);
	if (r < 0)
		return r;
	n->serves_dhcp = !c->settings->no_dhcp;
	if (n->serves_dhcp)
		gateway_add_service(c->gateway, &n->dhcp.service);
	if (n->serves_dhcp6)
		gateway_add_service(c->gateway, &n->dhcp6.service);
	gateway_add_service(c->gateway, dns_service(n->dns));
	return 0;
}

void name_services_done(struct name_services *n, usec_t now)
{
	host_names_done(&n->host_names);
	dns_free(n->dns);
	resolver_free(n->resolver);
	if (n->keeps_leases) {
		if (n->dhcp_ready && (dhcp_is_unsaved(&n->dhcp) || n->lease_file.has_tail))
			lease_file_replace(&n->lease_file, &n->dhcp, now, clock_wall());
		lease_file_done(&n->lease_file);
	}
	dhcp6_done(&n->dhcp6);
	if (n->dhcp_ready)
		dhcp_done(&n->dhcp);
	guest_names_done(&n->names);
}

int name_services_change(struct name_services *n, const struct settings *s, usec_t now)
{
	struct guest_names names = n->names;
	names.given = NULL;
	struct dns_records records = { .key = n->host_names.key };
	int r = given_records_make(s, &records);
	if (r < 0)
		return r;
	r = guest_names_set(&names, s);
	if (r < 0) {
		dns_records_done(&records);
		return r;
	}
	struct dhcp_rules borrowed = rules_of(s), rules = { 0 };
	r = dhcp_rules_copy(&borrowed, &rules);
	struct reservation *reservations = r == 0 ? reservations_of(s) : NULL;
	r = reservations ? dhcp_set_reservations(&n->dhcp, reservations, s->n_hosts + s->n_dhcp_hosts) : -ENOMEM;
	free(reservations);
	if (r < 0) {
		guest_names_done(&names);
		dns_records_done(&records);
		dhcp_rules_done(&rules);
		return r;
	}
	dhcp_set_rules(&n->dhcp, &rules);
	guest_names_done(&n->names);
	n->names = names;
	dns_set_given(n->dns, &records);
	n->dhcp.config.lease_time = s->lease_time_s;
	dhcp6_set_lease_time(&n->dhcp6, s->lease_time_s);
	for (uint32_t i = 0; i < n->gateway->guests.by_index.n; i++) {
		struct guest_address *a = slots_get(&n->gateway->guests.by_index, i);
		if (a && a->guest->state != GUEST_HEARD)
			name_services_guest_seen(n, now, a);
	}
	return 0;
}

int name_services_serve_tcp(struct name_services *n, const struct engine_ops *ops, struct engine *engine)
{
	return ops->local(engine, DNS_PORT, dns_stream_service(n->dns));
}

void name_services_address_seen(struct name_services *n, usec_t now, struct port *p, ip4_t ip, struct mac mac)
{
	dhcp_address_seen(&n->dhcp, now, p, ip, mac);
}

/* Where guests serve DHCP, old leases of this server mean nothing. */
static enum guest_rank rank4(const struct name_services *n, usec_t now, ip4_t ip, struct guest_holder *ret)
{
	enum guest_rank rank = n->dhcp_ready ? dhcp_rank(&n->dhcp, now, ip, ret) : GUEST_RANK_SEEN;
	return rank == GUEST_RANK_LEASED && !n->serves_dhcp ? GUEST_RANK_SEEN : rank;
}

/* Where the client's MAC is; behind a bridge that translates MACs, where the lease was made. */
struct port *name_services_lease6_port(const struct name_services *n, usec_t now, const struct lease6 *l)
{
	const struct guest *g = guest_find(&n->gateway->guests, l->mac);
	struct port *p = g && g->port ? g->port : segment_find(n->gateway->segment, now, l->mac);
	return p || !l->payer ? p : l->payer->port;
}

/* A reservation of an IPv4 address is one of an IPv6 address, too. */
static enum guest_rank rank6(const struct name_services *n, usec_t now, const struct ip_addr *addr, struct guest_holder *ret)
{
	const struct gateway_ip6 *ip6 = &n->gateway->config.ip6;
	struct guest_holder holder;
	ip4_t ip = ip6->on ? dhcp6_reserved_by(&ip6->prefix, addr) : 0;
	if (ip && rank4(n, now, ip, &holder) == GUEST_RANK_DECLARED) {
		*ret = holder;
		return GUEST_RANK_DECLARED;
	}
	const struct lease6 *l = n->serves_dhcp6 ? dhcp6_find_address(&n->dhcp6, now, addr) : NULL;
	if (!l || mac_is_zero(l->mac))
		return GUEST_RANK_SEEN;
	*ret = (struct guest_holder){ .mac = l->mac, .port = name_services_lease6_port(n, now, l) };
	return GUEST_RANK_LEASED;
}

enum guest_rank name_services_rank(const struct name_services *n, usec_t now, const struct ip_addr *addr, struct guest_holder *ret)
{
	return ip_is_v4(addr) ? rank4(n, now, ip_to_ip4(addr), ret) : rank6(n, now, addr, ret);
}

void name_services_guest_seen(struct name_services *n, usec_t now, struct guest_address *a)
{
	if (n->dhcp_ready)
		dhcp_guest_seen(&n->dhcp, a->guest);
	rank_address(n, now, a);
	name_guest(n, now, a->guest);
}

void name_services_guest_placed(struct name_services *n, usec_t now, struct guest *guest)
{
	name_guest(n, now, guest);
}

void name_services_turn_ends(struct name_services *n, usec_t now)
{
	if (n->dhcp_ready)
		dhcp_turn_ends(&n->dhcp, now, &n->gateway->sink);
	n->leases_changed = false;
}
