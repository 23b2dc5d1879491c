/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/client.h"

#include "base/log.h"
#include "gateway/closed.h"
#include "gateway/engine.h"
#include "network/forward/forward.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool guest_can_answer(const struct forward_env *env, const struct ip_endpoint *client)
{
	static const struct prefix4 loopback = { IP4(127, 0, 0, 0), 8 };
	ip4_t ip = ip_to_ip4(&client->addr);
	enum drop_reason why;
	if (closed_check(&client->addr, env->engine_env->opened, &why) < 0)
		return false;
	return ip_is_v4(&client->addr) && ip != 0 && !prefix4_contains(loopback, ip) && !prefix4_contains(env->subnet, ip);
}

struct ip_endpoint forward_client_source(const struct forward_env *env, const struct ip_endpoint *client)
{
	return (struct ip_endpoint){ guest_can_answer(env, client) ? client->addr : ip_from_ip4(env->gateway), client->port };
}

int forward_client_guest(const struct forward *f, usec_t now, uint16_t port, struct engine_open *how)
{
	ip4_t ip;
	int r = f->env->find_guest(f->env->opaque, now, &f->spec.guest, &ip);
	if (r < 0)
		return r;
	how->to = (struct ip_endpoint){ ip_from_ip4(ip), (uint16_t)(f->spec.guest_port + (port - f->spec.first_port)) };
	how->guest = f->env->expect_guest(f->env->opaque, now, ip);
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
		how->source.addr = ip_from_ip4(env->gateway);
	return env->engine_ops->open(env->engine, now, how);
}

static const char *explain(int error)
{
	switch (error) {
	case ENOENT: return "the guest has no address";
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
