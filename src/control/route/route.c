/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/route/route.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* clang-format off */
static const struct route *const tables[] = {
	routes_page,
	routes_routes,
	routes_forwards,
	routes_connect,
	routes_network,
	routes_dhcp,
	routes_ports,
	routes_fdb,
	routes_neighbours,
	routes_leases,
	routes_reservations,
	routes_names,
	routes_flows,
	routes_drops,
	routes_counters,
	routes_events,
	routes_capture,
	routes_log_level,
	routes_reload,
};
/* clang-format on */

const struct route *route_at(size_t index)
{
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		for (const struct route *r = tables[i]; r->method; r++)
			if (index-- == 0)
				return r;
	return NULL;
}

/* Whether @path matches that of @r; @parts are then its variable parts, borrowed from @path. */
static bool path_matches(const struct route *r, char **path, char *parts[static ROUTE_PARTS_MAX])
{
	g_auto(GStrv) pattern = g_strsplit(r->path, "/", -1);
	unsigned n = 0;
	if (g_strv_length(pattern) != g_strv_length(path))
		return false;
	for (unsigned i = 0; pattern[i]; i++) {
		if (pattern[i][0] == '{')
			parts[n++] = path[i];
		else if (strcmp(pattern[i], path[i]) != 0)
			return false;
	}
	return true;
}

const struct route *route_find(const char *method, const char *path, char *ret_parts[static ROUTE_PARTS_MAX], char **ret_allowed)
{
	g_auto(GStrv) words = g_strsplit(path, "/", -1);
	g_autoptr(GString) allowed = g_string_new(NULL);
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	const struct route *r;
	for (size_t i = 0; (r = route_at(i)); i++) {
		char *parts[ROUTE_PARTS_MAX] = { NULL };
		if (!path_matches(r, words, parts))
			continue;
		if (strcmp(r->method, wanted) == 0) {
			for (unsigned k = 0; k < ROUTE_PARTS_MAX; k++)
				ret_parts[k] = g_strdup(parts[k]);
			return r;
		}
		g_string_append_printf(allowed, "%s%s%s", allowed->len ? ", " : "", r->method,
				       strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
	}
	*ret_allowed = allowed->len ? g_string_free(g_steal_pointer(&allowed), FALSE) : NULL;
	return NULL;
}

bool route_has_parameter(const struct route *r, const char *name)
{
	g_auto(GStrv) known = g_strsplit(r->parameters ? r->parameters : "", " ", -1);
	return g_strv_contains((const char *const *)known, name);
}
