/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds a network's configuration from the defaults, libvirt's description, the file and the command line, in this order. */
#pragma once

#include <glib.h>

struct arguments;
struct lanlet_config;

struct configure_sources {
	const char *file;            /* NULL: the default file, if it exists */
	const char *libvirt_network; /* libvirt's XML of a network (app/libvirt/network.h); NULL: not given */
	/* What has no effect of libvirt's description, one line each.  May be NULL. */
	void (*warning)(void *opaque, const char *line);
	void *opaque;
};

/* NULL on failure; the error names the file and line, or the flag. */
struct lanlet_config *configure(const struct arguments *a, const struct configure_sources *sources, GError **error);
