/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/client.h"

#include "base/log.h"
#include "gateway/closed.h"
#include "gateway/engine.h"
#include "gateway/martian.h"
#include "gateway/nat64.h"
#include "network/forward/forward.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_routed4(const struct forward_env *env, ip4_t ip)
{
	static const struct prefix4 loopback = { IP4(127, 0, 0, 0), 8 };
	return ip != 0 && !prefix4_contains(loopback, ip) && !prefix4_contains(env->subnet, ip);
}

static bool is_routed6(const struct forward_env *env, const struct ip_addr *ip)
{
	enum drop_reason why;
	return (*env->routes_ip6 || env->ip6->nat64) && martian_check_destination6(env->ip6, ip, &why) == 0 &&
	       !gateway_ip6_has(env->ip6, ip);
}

/* Whether guests' packets to @client would come to the gateway, and go on to the engine. */
static bool guest_can_answer(const struct forward_env *env, const struct ip_addr *client)
{
	enum drop_reason why;
	if (closed_check(client, env->engine_env->opened, &why) < 0)
		return false;
	return ip_is_v4(client) ? is_routed4(env, ip_to_ip4(client)) : is_routed6(env, client);
}

static struct ip_addr gateway_towards(const struct forward_env *env, const struct ip_addr *to)
{
	return ip_is_v4(to) ? ip_from_ip4(env->gateway) : *gateway_ip6_towards(env->ip6, to);
}

static struct ip_addr source_address(const struct forward_env *env, const struct ip_addr *client, const struct ip_addr *to)
{
	bool is_link_local = !ip_is_v4(to) && ipv6_is_link_local(to);
	if (is_link_local || !guest_can_answer(env, client))
		return gateway_towards(env, to);
	if (ip_is_v4(client) == ip_is_v4(to))
		return *client;
	return ip_is_v4(client) && env->ip6->nat64 ? nat64_embed(ip_to_ip4(client)) : gateway_towards(env, to);
}

struct ip_endpoint forward_client_source(const struct forward_env *env, const struct ip_endpoint *client, const struct ip_addr *to)
{
	return (struct ip_endpoint){ source_address(env, &client->addr, to), client->port };
}

bool forward_is_guest_address(const struct forward_env *env, const struct ip_addr *ip)
{
	ip4_t ip4 = ip_to_ip4(ip);
	if (!ip_is_v4(ip))
		return gateway_ip6_is_guest(env->ip6, ip);
	return prefix4_contains(env->subnet, ip4) && ip4 != env->gateway && ip4 != env->subnet.network &&
	       ip4 != prefix4_broadcast(env->subnet);
}

int forward_client_guest(const struct forward *f, usec_t now, uint16_t port, const struct ip_endpoint *client, struct engine_open *how)
{
	const struct forward_env *env = f->env;
	struct ip_addr found[FORWARD_ADDRESSES_MAX];
	int r = env->find_guest(env->opaque, now, &f->spec.guest, found);
	if (r < 0)
		return r;
	if (!forward_is_guest_address(env, &found[0]))
		return -ENETUNREACH;
	how->to = (struct ip_endpoint){ found[0], (uint16_t)(f->spec.guest_port + (port - f->spec.first_port)) };
	how->source = forward_client_source(env, client, &found[0]);
	how->guest = env->expect_guest(env->opaque, now, &found[0]);
	return how->guest ? 0 : -ENOMEM;
}

int forward_client_open(const struct forward_env *env, usec_t now, struct engine_open *how)
{
	int r = env->engine_ops->open(env->engine, now, how);
	if (r != -EADDRINUSE && r != -EOPNOTSUPP)
		return r;
	/* Another flow to the guest has this source, or the engine cannot show it to the guest. */
	how->source.port = 0;
	if (r == -EOPNOTSUPP)
		how->source.addr = gateway_towards(env, &how->to.addr);
	return env->engine_ops->open(env->engine, now, how);
}

static const char *explain(int error)
{
	switch (error) {
	case ENOENT: return "the guest has no address";
	case ENETUNREACH: return "no guest of this network can have the address";
	case EOPNOTSUPP: return "this engine cannot do that; the native engine can";
	case EHOSTUNREACH: return "another guest has got the address, and has not used it yet";
	case EAGAIN: return "the guest has reached its limit of flows";
	default: return strerror(error);
	}
}

void forward_client_count(struct forward *f, usec_t now, int result)
{
	if (result == 0) {
		f->opened++;
		return;
	}
	char text[FORWARD_TEXT_SIZE];
	f->refused++;
	snprintf(f->failure, sizeof(f->failure), "a client was refused: %s", explain(-result));
	log_limited(f->env->log, &f->log_limit, now, LOG_LEVEL_WARNING, "forward %s: %s", forward_spec_format(&f->spec, text), f->failure);
}
