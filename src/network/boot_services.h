/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TFTP and HTTP servers of network boot, each with its directory.  They take memory only when there is one. */
#pragma once

#include <stddef.h>

struct boot_services;
struct engine;
struct engine_ops;
struct gateway;
struct log;
struct settings;

struct boot_services_config {
	const struct settings *settings;
	struct gateway *gateway; /* gets the services */
	struct log *log;
};

/* *@ret is NULL when the settings name no directory.  Negative errno; when a directory cannot be served, @error names it. */
int boot_services_new(const struct boot_services_config *config, struct boot_services **ret, char *error, size_t size);
/* Closes the streams, which the engine owns: it is freed after this.  @b may be NULL. */
void boot_services_free(struct boot_services *b);
/* Serves HTTP through @engine.  -EOPNOTSUPP: the engine does not terminate TCP. */
int boot_services_serve_tcp(struct boot_services *b, const struct engine_ops *ops, struct engine *engine);
