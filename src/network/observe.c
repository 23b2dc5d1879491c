/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/observe.h"

#include "base/drop.h"
#include "base/macros.h"
#include "gateway/guard.h"
#include "network/network_internal.h"
#include "service/dhcp6/binding.h"

#include <stdio.h>
#include <string.h>

void observe_guest(struct lanlet_network *n, usec_t now, const struct guest_address *a)
{
	bool v4 = ip_is_v4(&a->addr);
	if (!v4 && ipv6_is_link_local(&a->addr))
		return; /* every guest has one of these, too */
	const struct port *p = a->guest->port;
	struct event e = { .when = now, .type = EVENT_GUEST_SEEN, .port_id = p ? p->id : EVENT_PORT_GONE, .mac = a->guest->mac };
	if (v4)
		e.ip = ip_to_ip4(&a->addr);
	else
		e.ip6 = a->addr;
	if (!v4 || dhcp_find_address(&n->name_services.dhcp, now, e.ip, e.name) < 0)
		memcpy(e.name, a->guest->name, sizeof(e.name));
	events_add(&n->events, &e);
}

static void add_port(struct lanlet_network *n, usec_t now, const struct port *p, enum event_type type)
{
	struct event e = { .when = now, .type = type, .port_id = p->id, .detail = p->ops->kind };
	memcpy(e.port, p->name, sizeof(e.port));
	events_add(&n->events, &e);
}

void observe_port(struct lanlet_network *n, usec_t now, const struct port *p, enum segment_change what)
{
	static const enum event_type types[] = {
		[SEGMENT_PORT_DETACHED] = EVENT_PORT_DETACHED,
		[SEGMENT_PORT_BLOCKED] = EVENT_PORT_BLOCKED,
		[SEGMENT_PORT_UNBLOCKED] = EVENT_PORT_UNBLOCKED,
	};
	if (p->id > n->observed_port)
		observe_turn(n, now); /* it was attached in this same turn */
	add_port(n, now, p, types[what]);
	if (what == SEGMENT_PORT_DETACHED)
		events_port_gone(&n->events, p->id);
}

static const enum event_type lease_events[] = {
	[DHCP_LEASE_GIVEN] = EVENT_LEASE_GIVEN,       [DHCP_LEASE_RENEWED] = EVENT_LEASE_RENEWED,
	[DHCP_LEASE_RELEASED] = EVENT_LEASE_RELEASED, [DHCP_LEASE_TAKEN] = EVENT_LEASE_EXPIRED,
	[DHCP_LEASE_DECLINED] = EVENT_LEASE_DECLINED, [DHCP_LEASE_EXPIRED] = EVENT_LEASE_EXPIRED,
};

void observe_lease6(struct lanlet_network *n, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what)
{
	struct event e = { .when = what == DHCP_LEASE_EXPIRED ? l->expires : now,
			   .type = lease_events[what],
			   .port_id = p ? p->id : EVENT_PORT_GONE,
			   .mac = l->mac,
			   .ip6 = l->addr };
	snprintf(e.name, sizeof(e.name), "%s", dhcp6_binding_name(&n->name_services.dhcp6, now, l));
	events_add(&n->events, &e);
}

void observe_lease(struct lanlet_network *n, usec_t now, const struct port *p, const struct lease *l, enum dhcp_lease_event what)
{
	struct event e = { .when = now, .type = lease_events[what], .port_id = p ? p->id : EVENT_PORT_GONE, .mac = l->mac, .ip = l->ip };
	if (what == DHCP_LEASE_EXPIRED)
		e.when = l->expires;
	memcpy(e.name, l->name, sizeof(e.name));
	events_add(&n->events, &e);
}

void observe_conflict(struct lanlet_network *n, usec_t now, const struct port *by, const struct port *other, struct mac mac,
		      const struct ip_addr *addr)
{
	struct event e = { .when = now, .type = EVENT_CONFLICT, .port_id = by->id, .mac = mac };
	if (ip_is_v4(addr))
		e.ip = ip_to_ip4(addr);
	else
		e.ip6 = *addr;
	memcpy(e.port, by->name, sizeof(e.port));
	if (other)
		memcpy(e.name, other->name, sizeof(other->name));
	/* The guard tells a conflict every few seconds while it lasts. */
	bool is_news = n->told.port_id != e.port_id || !mac_equal(n->told.mac, e.mac) || n->told.ip != e.ip ||
		       !ip_equal(&n->told.ip6, &e.ip6) || strcmp(n->told.name, e.name) != 0 || now - n->told.when > GUARD_CONFLICT_TIME;
	if (is_news)
		events_add(&n->events, &e);
	n->told = e;
}

static void add_new_ports(struct lanlet_network *n, usec_t now)
{
	list_for_each(node, &n->segment.ports) {
		const struct port *p = container_of(node, struct port, node);
		if (p->id > n->observed_port)
			add_port(n, now, p, EVENT_PORT_ATTACHED);
	}
	n->observed_port = n->segment.last_port_id;
}

static void add_first_drops(struct lanlet_network *n, usec_t now)
{
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++) {
		if (n->segment.drops.count[i] == 0 || n->has_told_drop[i])
			continue;
		struct event e = { .when = now, .type = EVENT_DROP, .detail = drop_name(i) };
		memcpy(e.port, n->segment.drop_examples[i].port, sizeof(e.port));
		events_add(&n->events, &e);
		n->has_told_drop[i] = true;
	}
	n->segment.has_first_drop = false;
}

/* Runs in every turn, so it costs two comparisons when nothing is new. */
void observe_turn(struct lanlet_network *n, usec_t now)
{
	if (n->segment.last_port_id != n->observed_port)
		add_new_ports(n, now);
	if (n->segment.has_first_drop)
		add_first_drops(n, now);
}
