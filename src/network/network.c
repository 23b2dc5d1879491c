/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/network_internal.h"

#include "base/macros.h"
#include "gateway/payer.h"
#include "host/clock.h"
#include "host/entropy.h"
#include "host/host_network.h"
#include "link/links.h"
#include "network/attach.h"
#include "network/calls.h"
#include "network/change.h"
#include "network/gateway_mac.h"
#include "network/idle_options.h"
#include "network/observe.h"
#include "network/prefix6.h"
#include "options/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static_assert((int)LOG_LEVEL_ERROR == LANLET_LOG_ERROR && (int)LOG_LEVEL_DEBUG == LANLET_LOG_DEBUG, "the levels are the same");

static void write_log(void *opaque, enum log_level level, const char *line)
{
	struct lanlet_network *n = opaque;
	if (n->log_out)
		n->log_out(n->log_opaque, (enum lanlet_log_level)level, line);
}

static int hook_host_address(void *opaque, usec_t now, bool v6, struct ip_addr *ret)
{
	struct lanlet_network *n = opaque;
	return host_address_get(&n->host_address, now, v6, ret);
}

static void hook_address_seen(void *opaque, usec_t now, struct port *p, ip4_t ip, struct mac mac)
{
	struct lanlet_network *n = opaque;
	name_services_address_seen(&n->name_services, now, p, ip, mac);
}

static void hook_foreign_dhcp(void *opaque, usec_t now, const struct packet *p)
{
	struct lanlet_network *n = opaque;
	dhcp_foreign_seen(&n->name_services.dhcp, now, p, true);
}

static void hook_turn_ends(void *opaque, usec_t now)
{
	struct lanlet_network *n = opaque;
	if (n->name_services.leases_changed)
		forwards_guests_changed(&n->forwards, now);
	name_services_turn_ends(&n->name_services, now);
}

static void hook_guest_seen(void *opaque, usec_t now, struct guest_address *a)
{
	struct lanlet_network *n = opaque;
	name_services_guest_seen(&n->name_services, now, a);
	observe_guest(n, now, a);
	forwards_guest_changed(&n->forwards, now);
}

static void hook_guest_gone(void *opaque, usec_t now, const struct ip_addr *addr)
{
	forwards_guest_changed(&((struct lanlet_network *)opaque)->forwards, now);
}

static void hook_guest_placed(void *opaque, usec_t now, struct guest *guest)
{
	name_services_guest_placed(&((struct lanlet_network *)opaque)->name_services, now, guest);
}

static enum guest_rank hook_rank(void *opaque, usec_t now, const struct ip_addr *addr, struct guest_holder *ret)
{
	struct lanlet_network *n = opaque;
	return name_services_rank(&n->name_services, now, addr, ret);
}

static void port_changed(void *opaque, usec_t now, const struct port *p, enum segment_change what)
{
	observe_port(opaque, now, p, what);
}

static void flushed(void *opaque, usec_t now)
{
	observe_turn(opaque, now);
}

static void hook_leased(void *opaque, usec_t now, const struct port *p, const struct lease *l, enum dhcp_lease_event what)
{
	observe_lease(opaque, now, p, l, what);
}

static void hook_leased6(void *opaque, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what)
{
	observe_lease6(opaque, now, p, l, what);
}

static void hook_conflict(void *opaque, usec_t now, const struct claim *c)
{
	if (c->by->port)
		observe_conflict(opaque, now, c->by->port, c->holder != c->by ? c->holder->port : NULL, c->mac, &c->addr);
}

static const struct guest *hook_find_attached(void *opaque, usec_t now, const char *name)
{
	struct lanlet_network *n = opaque;
	return guest_sockets_guest(&n->guest_sockets, now, &n->segment, &n->gateway.guests, name);
}

static const char *hook_name_attached(void *opaque, const struct guest *guest)
{
	return guest_sockets_name(&((struct lanlet_network *)opaque)->guest_sockets, guest);
}

/* --- building --- */

static struct mac gateway_mac(struct lanlet_network *n, const struct lanlet_config *config)
{
	struct mac given = n->settings.gateway_mac;
	return mac_is_zero(given) ? gateway_mac_get(config->state_dir, &n->log) : given;
}

static struct gateway_ip6 ip6_of(struct lanlet_network *n, const char *state_dir)
{
	const struct settings *s = &n->settings;
	if (s->ip6 == SETTINGS_IP6_OFF || s->no_gateway)
		return (struct gateway_ip6){ 0 };
	n->ip6_key = prefix6_key(state_dir, &n->log);
	struct prefix6 prefix = s->ip6 == SETTINGS_IP6_AUTO ? prefix6_of_key(&n->ip6_key) : s->prefix6;
	struct gateway_ip6 ip6 = gateway_ip6_of(&prefix);
	ip6.nat64 = s->ipv6_only;
	return ip6;
}

static int build_segment(struct lanlet_network *n, const struct lanlet_config *config)
{
	struct hash_key key;
	entropy_get(&key, sizeof(key));
	int r = segment_init(&n->segment, &(struct segment_config){
						  .hash_key = key,
						  .isolate = n->settings.isolate,
						  .unguarded = n->settings.unguarded,
						  .snooping = n->settings.multicast_snooping,
						  .storm_limit = n->settings.storm_limit,
						  .log = &n->log,
						  .journal = { .changed = port_changed, .turn_ends = flushed, .opaque = n },
					  });
	if (r < 0)
		return r;
	segment_set_bandwidth(&n->segment, &n->settings.bandwidth);
	return gateway_init(&n->gateway, &n->segment,
			    &(struct gateway_config){
				    .mac = gateway_mac(n, config),
				    .ip = n->settings.gateway,
				    .subnet = n->settings.subnet,
				    .ip6 = ip6_of(n, config->state_dir),
				    .absent = n->settings.no_gateway,
				    .opened = settings_opened(&n->settings),
				    .guests_serve_dhcp = n->settings.no_dhcp,
				    .hash_key = key,
				    .log = &n->log,
				    .hooks = { .host_address = hook_host_address,
					       .address_seen = hook_address_seen,
					       .guest_seen = hook_guest_seen,
					       .guest_gone = hook_guest_gone,
					       .guest_placed = hook_guest_placed,
					       .rank = hook_rank,
					       .foreign_dhcp = hook_foreign_dhcp,
					       .conflict = hook_conflict,
					       .turn_ends = hook_turn_ends,
					       .opaque = n },
			    });
}

static void add_ip6_services(struct lanlet_network *n)
{
	const struct gateway_config *g = &n->gateway.config;
	struct ra_config ra = { .mac = g->mac,
				.ip6 = &g->ip6,
				.dns = g->ip6.address,
				.domain = n->settings.domain,
				.dhcp6 = !n->settings.no_dhcp,
				.mtu = n->settings.mtu };
	entropy_get(&ra.key, sizeof(ra.key));
	ra_service_init(&n->ra, clock_now(), &ra);
	nd_service_init(&n->nd, g->mac, &g->ip6);
	gateway_add_service(&n->gateway, &n->ra.service);
	gateway_add_service(&n->gateway, &n->nd.service);
}

static int build_services(struct lanlet_network *n, const struct lanlet_config *config, char *error, size_t size)
{
	const struct gateway_config *g = &n->gateway.config;
	arp_service_init(&n->arp, g->mac, g->ip);
	echo_service_init(&n->echo, g->ip, &g->ip6);
	if (g->ip6.on)
		add_ip6_services(n);
	gateway_add_service(&n->gateway, &n->arp.service);
	gateway_add_service(&n->gateway, &n->echo.service);
	int r = boot_services_new(&(struct boot_services_config){ .settings = &n->settings, .gateway = &n->gateway, .log = &n->log },
				  &n->boot_services, error, size);
	if (r < 0)
		return r;
	return name_services_init(&n->name_services,
				  &(struct name_services_config){
					  .settings = &n->settings,
					  .gateway = &n->gateway,
					  .poller = &n->loop.poller,
					  .state_dir = config->state_dir,
					  .ip6_key = n->ip6_key,
					  .leased = hook_leased,
					  .leased6 = hook_leased6,
					  .find_attached = hook_find_attached,
					  .name_attached = hook_name_attached,
					  .opaque = n,
					  .log = &n->log,
				  },
				  clock_now());
}

static int build_engine(struct lanlet_network *n, const struct lanlet_config *config)
{
	const struct engine_ops *ops = n->settings.engine;
	struct hash_key key;
	entropy_get(&key, sizeof(key));
	int r = ops->new (
		&(struct engine_config){
			.env = &n->gateway.env,
			.poller = &n->loop.poller,
			.log = &n->log,
			.hash_key = key,
			.gateway = n->settings.gateway,
			.subnet = n->settings.subnet,
			.ip6 = n->gateway.config.ip6,
			.host_loopback = n->settings.host_loopback,
			.udp_filtering = n->settings.udp_filtering,
			.keep_tcp_ports = n->settings.keep_tcp_ports,
			.private_dir = config->runtime_dir,
		},
		&n->engine);
	if (r < 0)
		return r;
	gateway_set_engine(&n->gateway, ops, n->engine);
	r = name_services_serve_tcp(&n->name_services, ops, n->engine);
	if (r == 0)
		r = boot_services_serve_tcp(n->boot_services, ops, n->engine);
	return r == -EOPNOTSUPP ? 0 : r;
}

static int find_guest(void *opaque, usec_t now, const struct guest_ref *guest, struct ip_addr ret[static FORWARD_ADDRESSES_MAX])
{
	struct lanlet_network *n = opaque;
	struct ip_addr found[FORWARD_ADDRESSES_MAX];
	int count = guest_names_resolve(&n->name_services.names, now, guest, found);
	int n_lost = 0, n_good = 0;
	for (int i = 0; i < count; i++) {
		if (gateway_is_lost(&n->gateway, &found[i]))
			n_lost++;
		else
			ret[n_good++] = found[i];
	}
	if (n_good > 0)
		return n_good;
	return n_lost > 0 ? -EHOSTUNREACH : -ENOENT;
}

static struct guest *expect_guest(void *opaque, usec_t now, const struct ip_addr *ip)
{
	struct lanlet_network *n = opaque;
	return gateway_expect(&n->gateway, now, ip);
}

static bool guest_is_there(void *opaque, const struct ip_addr *ip)
{
	struct lanlet_network *n = opaque;
	return gateway_knows(&n->gateway, ip);
}

static int build_forwards(struct lanlet_network *n, const struct lanlet_config *config)
{
	n->forward_env = (struct forward_env){
		.poller = &n->loop.poller,
		.log = &n->log,
		.dials = &n->dials,
		.domain = n->settings.domain,
		.engine_ops = n->settings.engine,
		.engine = n->engine,
		.engine_env = &n->gateway.env,
		.gateway = n->settings.gateway,
		.subnet = n->settings.subnet,
		.ip6 = &n->gateway.config.ip6,
		.routes_ip6 = &n->ra.is_default_router,
		.find_guest = find_guest,
		.expect_guest = expect_guest,
		.guest_is_there = guest_is_there,
		.opaque = n,
	};
	dials_init(&n->dials, &n->forward_env);
	return forwards_init(&n->forwards, &n->forward_env, config->state_dir);
}

static int open_forwards(struct lanlet_network *n, char *error, size_t size)
{
	usec_t now = clock_now();
	for (size_t i = 0; i < n->settings.n_forwards; i++) {
		unsigned id;
		int r = forwards_add(&n->forwards, now, &n->settings.forwards[i], false, &id, error, size);
		if (r < 0)
			return r;
	}
	forwards_load(&n->forwards, now);
	return 0;
}

static_assert(SETTINGS_MTU_AUTO == 0 && SETTINGS_MTU_MAX == LINK_MTU_MAX, "an MTU means the same to options and links");

static int build_links(struct lanlet_network *n)
{
	return links_init(&n->links, &(struct link_config){
					     .poller = &n->loop.poller,
					     .segment = &n->segment,
					     .log = &n->log,
					     .mtu = n->settings.mtu,
					     .busy_poll = n->settings.busy_poll_us > 0,
				     });
}

/* A nested network often has the subnet of the outer one.  DNS works then, the outer network's other addresses cannot be reached. */
static void warn_of_shadowed_network(struct lanlet_network *n)
{
	struct host_network outer;
	char address[IP4_TEXT_SIZE];
	if (host_network_find_overlap(n->settings.subnet, &outer) < 0)
		return;
	log_warning(&n->log,
		    "subnet: this machine has %s/%u on %s, the same network as the guests, so guests cannot reach other machines there; "
		    "choose another one with --subnet if they should",
		    ip4_format(outer.address, address), outer.prefix.length, outer.interface);
}

static int build(struct lanlet_network *n, const struct lanlet_config *config, char *error, size_t size)
{
	n->busy_poll = (struct busy_poll){ .limit = n->settings.busy_poll_us };
	host_address_init(&n->host_address);
	if (!n->settings.no_gateway)
		warn_of_shadowed_network(n);
	idle_options_warn(&n->settings, &n->log);
	int r = build_segment(n, config);
	if (r == 0)
		r = build_services(n, config, error, size);
	if (r == 0)
		r = build_engine(n, config);
	if (r == 0)
		r = build_forwards(n, config);
	if (r == 0)
		r = build_links(n);
	if (r == 0)
		r = host_watch_init(n);
	if (r == 0)
		r = calls_init(n);
	return r;
}

static int connect_links(struct lanlet_network *n, char *error, size_t size)
{
	const struct path_list *urls = &n->settings.vde;
	int r = 0;
	for (size_t i = 0; i < urls->n && r == 0; i++)
		r = lanlet_network_join_vde(n, urls->at[i], error, size);
	return r < 0 ? r : attach_all(n, &n->settings.attachments, error, size);
}

/* Any step may fail; lanlet_network_free() then takes down what the steps before have made.  Some write @error, which says more than errno.
 */
static int build_all(struct lanlet_network *n, const struct lanlet_config *config, char *error, size_t size)
{
	int r = settings_copy(&config->settings, &n->configured);
	if (r == 0)
		r = settings_check(&n->configured, error, size);
	if (r < 0)
		return r;
	n->log.level = n->configured.log_level;
	r = runtime_entries_init(&n->added, config->state_dir, &n->log);
	if (r == 0)
		r = change_begin(n);
	if (r == 0)
		r = loop_init(&n->loop);
	if (r == 0)
		r = events_init(&n->events);
	if (r == 0)
		r = build(n, config, error, size);
	if (r == 0)
		r = connect_links(n, error, size);
	if (r == 0)
		r = guest_sockets_init(&n->guest_sockets, config->runtime_dir, &n->links, &n->log);
	if (r < 0)
		return r;
	guest_sockets_change(&n->guest_sockets, clock_now(), &n->settings);
	n->advertises = n->gateway.config.ip6.on;
	return open_forwards(n, error, size);
}

static struct lanlet_network *new_empty(const struct lanlet_config *config)
{
	struct lanlet_network *n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->started = clock_now();
	n->log_out = config->log;
	n->log_opaque = config->log_opaque;
	n->log = (struct log){ .write = write_log, .opaque = n };
	list_init(&n->sockets);
	list_init(&n->forwards.all);
	list_init(&n->captures.all);
	return n;
}

int lanlet_network_new(const struct lanlet_config *config, struct lanlet_network **ret, char *error, size_t size)
{
	struct lanlet_network *n = new_empty(config);
	if (size > 0)
		error[0] = '\0';
	int r = n ? build_all(n, config, error, size) : -ENOMEM;
	if (r == 0) {
		*ret = n;
		return 0;
	}
	if (size > 0 && error[0] == '\0')
		snprintf(error, size, "cannot make the network: %s", strerror(-r));
	lanlet_network_free(n);
	return r;
}

static void tell_guests_the_end(struct lanlet_network *n, usec_t now)
{
	const struct engine_ops *engine = n->settings.engine;
	if (n->advertises)
		ra_service_stop(&n->ra, now, &n->gateway.sink);
	if (n->engine && engine->stop)
		engine->stop(n->engine, now);
	if (n->advertises || n->engine)
		segment_flush(&n->segment, now);
}

void lanlet_network_free(struct lanlet_network *n)
{
	if (!n)
		return;
	usec_t now = clock_now();
	tell_guests_the_end(n, now);
	list_for_each(node, &n->sockets) {
		struct socket_path *s = container_of(node, struct socket_path, node);
		unlink(s->path);
		list_remove(node);
		free(s);
	}
	host_watch_done(n);
	forwards_done(&n->forwards);
	guest_sockets_done(&n->guest_sockets, now);
	links_done(&n->links, now);
	boot_services_free(n->boot_services);
	name_services_done(&n->name_services, now); /* before the engine, which owns its streams */
	gateway_set_engine(&n->gateway, NULL, NULL);
	if (n->engine)
		n->settings.engine->free(n->engine);
	gateway_done(&n->gateway, now);
	segment_done(&n->segment);
	events_done(&n->events);
	calls_done(n);
	loop_done(&n->loop, now);
	settings_done(&n->settings);
	settings_done(&n->configured);
	runtime_entries_done(&n->added);
	free(n);
}
