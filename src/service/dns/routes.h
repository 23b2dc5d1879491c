/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which list of name servers a query goes to: the one for the longest domain that the name is in (split DNS). */
#pragma once

#include "service/dns/servers.h"
#include "wire/dns_name.h"

/* A list of servers and the names that it is for. */
struct dns_routes_entry {
	struct dns_name domain;
	struct dns_servers servers; /* none: those of all names */
};

struct dns_routes {
	struct dns_outside outside;
	struct dns_servers servers; /* of all names */
	struct dns_routes_entry entries[DNS_ROUTES_MAX];
	unsigned count;
	unsigned epochs; /* of all lists so far */
};

/* False when @outside is what is set already. */
bool dns_routes_set(struct dns_routes *r, const struct dns_outside *outside);
/* The list for @name. */
struct dns_servers *dns_routes_find(struct dns_routes *r, const struct dns_name *name);
/* The list with @epoch; NULL when it is not in use any more. */
struct dns_servers *dns_routes_of_epoch(struct dns_routes *r, unsigned epoch);
