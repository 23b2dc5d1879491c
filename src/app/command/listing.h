/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that ask a network have in common: a table for people, or with --json the API's own answer. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct api;
struct arguments;
struct table;

/* The tables that more than one command shows.  NULL on failure. */
struct table *table_of_ports(struct api *api, GError **error);
struct table *table_of_forwards(struct api *api, GError **error);
/* What there is to say of ports beside their numbers, and of sockets that nobody listens at. */
bool print_port_notes(struct api *api, GError **error);
struct table *table_of_leases(struct api *api, GError **error);
struct table *table_of_drops(struct api *api, bool all, GError **error); /* @all: those that did not happen too */

/* Copies the answer of GET @path to standard output. */
bool listing_print_json(struct api *api, const char *path, GError **error);
/* Prints what @make makes or, with --json, GET @path. */
bool listing_print(const struct arguments *a, const char *path, struct table *(*make)(struct api *api, GError **error), GError **error);
