/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/names.h"

#include "base/macros.h"
#include "host/entropy.h"
#include "lan/gateway.h"
#include "lib/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- what DHCP asks for --- */

static void probe(struct dhcp_env *env, usec_t now, ip4_t ip)
{
	gateway_probe(container_of(env, struct names, dhcp_env)->gateway, now, ip);
}

static bool in_use(struct dhcp_env *env, usec_t now, ip4_t ip, struct mac *ret)
{
	return gateway_in_use(container_of(env, struct names, dhcp_env)->gateway, now, ip, ret);
}

static void changed(struct dhcp_env *env, usec_t now)
{
	container_of(env, struct names, dhcp_env)->leases_changed = true;
}

static const struct dhcp_env_ops dhcp_env_ops = { probe, in_use, changed };

/* --- building --- */

static struct reservation *reservations_of(const struct settings *s)
{
	struct reservation *r = calloc(s->n_hosts + 1, sizeof(*r));
	for (size_t i = 0; r && i < s->n_hosts; i++) {
		r[i] = (struct reservation){ .mac = s->hosts[i].mac, .ip = s->hosts[i].ip };
		snprintf(r[i].name, sizeof(r[i].name), "%s", s->hosts[i].name);
	}
	return r;
}

static int init_dhcp(struct names *n, const struct names_config *c, const struct hash_key *key)
{
	const struct settings *s = c->settings;
	struct reservation *reservations = reservations_of(s);
	if (!reservations)
		return -ENOMEM;
	n->dhcp_env.ops = &dhcp_env_ops;
	int r = dhcp_init(&n->dhcp, &(struct dhcp_config){
					    .env = &n->dhcp_env,
					    .log = c->log,
					    .hash_key = *key,
					    .gateway = s->gateway,
					    .gateway_mac = c->gateway->config.mac,
					    .subnet = s->subnet,
					    .first = s->dhcp_first,
					    .last = s->dhcp_last,
					    .lease_time = s->lease_time_s,
					    .domain = s->domain,
					    .gateway_name = SETTINGS_GATEWAY_NAME,
					    .mtu = (uint16_t)s->mtu,
					    .reservations = reservations,
					    .n_reservations = s->n_hosts,
				    });
	free(reservations);
	n->dhcp_ready = r == 0;
	return r;
}

int names_init(struct names *n, const struct names_config *c)
{
	struct hash_key key;
	entropy_get(&key, sizeof(key));
	n->gateway = c->gateway;
	n->log = c->log;
	int r = init_dhcp(n, c, &key);
	if (r < 0)
		return r;
	gateway_add_service(c->gateway, &n->dhcp.service);
	return 0;
}

void names_done(struct names *n)
{
	if (n->dhcp_ready)
		dhcp_done(&n->dhcp);
}

/* --- running --- */

void names_address_seen(struct names *n, usec_t now, ip4_t ip, struct mac mac)
{
	dhcp_address_seen(&n->dhcp, now, ip, mac);
}
