/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/routes.h"

static bool outside_equal(const struct dns_outside *a, const struct dns_outside *b)
{
	return dns_server_list_equal(&a->servers, &b->servers) && dns_route_list_equal(&a->routes, &b->routes) && a->rotate == b->rotate &&
	       a->over_tcp == b->over_tcp && a->no_aaaa == b->no_aaaa;
}

/* Lists that stay the same keep what is known of their servers. */
static void set_entry(struct dns_routes *r, unsigned index, const struct dns_route *route)
{
	struct dns_routes_entry *e = &r->entries[index];
	struct dns_name domain;
	if (dns_name_from_text(route->domain, &domain) < 0)
		return;
	if (!dns_name_equal(&domain, &e->domain))
		e->servers = (struct dns_servers){ 0 };
	e->domain = domain;
	dns_servers_set(&e->servers, &route->servers, ++r->epochs);
}

bool dns_routes_set(struct dns_routes *r, const struct dns_outside *outside)
{
	if (outside_equal(&r->outside, outside))
		return false;
	r->outside = *outside;
	dns_servers_set(&r->servers, &outside->servers, ++r->epochs);
	r->count = outside->routes.count;
	for (unsigned i = 0; i < r->count; i++)
		set_entry(r, i, &outside->routes.route[i]);
	return true;
}

struct dns_servers *dns_routes_find(struct dns_routes *r, const struct dns_name *name)
{
	struct dns_routes_entry *best = NULL;
	for (unsigned i = 0; i < r->count; i++) {
		struct dns_routes_entry *e = &r->entries[i];
		if (dns_name_within(name, &e->domain) && (!best || e->domain.len > best->domain.len))
			best = e;
	}
	return best && best->servers.list.count > 0 ? &best->servers : &r->servers;
}

struct dns_servers *dns_routes_of_epoch(struct dns_routes *r, unsigned epoch)
{
	if (r->servers.epoch == epoch)
		return &r->servers;
	for (unsigned i = 0; i < r->count; i++)
		if (r->entries[i].servers.epoch == epoch)
			return &r->entries[i].servers;
	return NULL;
}
