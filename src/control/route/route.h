/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The routes of the API: each noun has a table in route/NOUN.c, and route.c lists all tables.  docs/openapi.json describes them; a test
 * compares the two.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct request;

#define ROUTE_PARTS_MAX 4u

struct route {
	const char *method; /* NULL: after the last one */
	const char *path;   /* such as "/v1/leases/{mac}": a part in braces matches any, see request_part() */
	void (*handle)(struct request *r);
	const char *parameters; /* of the query, between spaces; NULL: it has none */
	bool live;              /* an endless answer, which HEAD does not begin */
};

extern const struct route routes_routes[], routes_network[], routes_dhcp[], routes_ports[], routes_fdb[], routes_leases[],
	routes_reservations[], routes_names[], routes_flows[], routes_drops[], routes_counters[], routes_events[], routes_log_level[],
	routes_reload[], routes_forwards[], routes_capture[], routes_connect[], routes_neighbours[], routes_page[];

/*
 * The route for @method and @path, of HEAD that of GET (RFC 9110 §9.3.2); @ret_parts are its variable parts, to be g_free()d.  NULL when
 * there is no such route;
 * *@ret_allowed is then the methods of the path, comma-separated and to be g_free()d, or NULL when there is no such path.
 */
const struct route *route_find(const char *method, const char *path, char *ret_parts[static ROUTE_PARTS_MAX], char **ret_allowed);
/* Whether @name is a parameter of @r. */
bool route_has_parameter(const struct route *r, const char *name);
/* The @index-th of all routes, or NULL after the last one. */
const struct route *route_at(size_t index);
