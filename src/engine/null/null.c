/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/null/null.h"

#include "base/macros.h"
#include "engine/refuse.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

#include <errno.h>
#include <stdlib.h>

struct engine {
	struct engine_env *env;
	ip4_t gateway;
	uint64_t refused;
};

static int null_new(const struct engine_config *config, struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->env = config->env;
	e->gateway = config->gateway;
	*ret = e;
	return 0;
}

static void null_free(struct engine *e)
{
	free(e);
}

static void null_input(struct engine *e, usec_t now, const struct packet *p)
{
	e->refused++;
	if (p->ip.dst == e->gateway)
		refuse_port(e->env, now, p);
	else
		e->env->ops->icmp_error(e->env, now, p, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_NET, 0, 0);
}

static void null_flush(struct engine *e, usec_t now)
{
}

static usec_t null_deadline(const struct engine *e)
{
	return USEC_INFINITY;
}

static void null_expire(struct engine *e, usec_t now)
{
}

static void null_writable(struct engine *e, usec_t now, struct guest *guest)
{
}

static int null_local(struct engine *e, uint16_t port, struct stream_service *service)
{
	return -EOPNOTSUPP;
}

static int null_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	return -EOPNOTSUPP;
}

static void null_cancel(struct engine *e, usec_t now, struct engine_opening *o)
{
}

static void null_guest_gone(struct engine *e, usec_t now, struct guest *guest, const struct ip_addr *addr)
{
}

static void null_guest_moved(struct engine *e, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
}

static void null_guest_placed(struct engine *e, usec_t now, struct guest *guest, struct payer *before)
{
}

static void null_counters(const struct engine *e, struct engine_counters *ret)
{
	*ret = (struct engine_counters){ .flows_refused = e->refused };
}

static void null_flows(const struct engine *e, uint64_t *cursor, unsigned max, engine_flow_seen_t seen, void *opaque)
{
	*cursor = ENGINE_FLOWS_END;
}

static unsigned null_end_lost(struct engine *e, usec_t now, uint64_t *cursor, unsigned max, engine_lost_t lost, void *opaque)
{
	*cursor = ENGINE_FLOWS_END;
	return 0;
}

const struct engine_ops null_engine_ops = {
	.name = "null",
	.summary = "no outside: guests reach one another, DHCP and DNS, and get no default route",
	.isolated = true,
	.new = null_new,
	.free = null_free,
	.input = null_input,
	.flush = null_flush,
	.deadline = null_deadline,
	.expire = null_expire,
	.writable = null_writable,
	.local = null_local,
	.open = null_open,
	.cancel = null_cancel,
	.guest_gone = null_guest_gone,
	.guest_moved = null_guest_moved,
	.guest_placed = null_guest_placed,
	.counters = null_counters,
	.flows = null_flows,
	.end_lost = null_end_lost,
};
