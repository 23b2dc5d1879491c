/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output of the commands that list something: a table, or with --json the API's own answer. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

struct api;
struct arguments;
struct table;

/* Tables that `lanlet status` shows too. NULL on failure. */
struct table *table_of_ports(struct api *api, GError **error);
struct table *table_of_forwards(struct api *api, GError **error);
/*
 * "the MAC 52:54:00:00:00:01 is also at port web", when @port, of /v1/ports, and another use one MAC or address; a string to g_free().
 * NULL: they do not.
 */
char *describe_conflict(JsonObject *port);
/* Prints remarks about ports (blocked, conflicts, pinned, isolated, not guarded) and about connections that lanlet is waiting for. */
bool print_port_notes(struct api *api, GError **error);
struct table *table_of_leases(struct api *api, GError **error);
struct table *table_of_drops(struct api *api, bool all, GError **error); /* @all: include reasons with a count of 0 */

/* Copies the body of GET @path to standard output. */
bool listing_print_json(struct api *api, const char *path, GError **error);
/* Prints the table from @make or, with --json, GET @path. */
bool listing_print(const struct arguments *a, const char *path, struct table *(*make)(struct api *api, GError **error), GError **error);
