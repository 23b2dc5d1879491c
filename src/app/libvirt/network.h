/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt's description of a network (https://libvirt.org/formatnetwork.html), as virsh net-dumpxml prints it, in the words of lanlet's
 * configuration file.  docs/libvirt.md has the table of elements, which follows the one in network.c.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* What is done with a network's description. */
struct libvirt_network_reader {
	/*
	 * Takes the option @key with @value.  A negative number refuses it, with a reason of one line in @error; reading then stops.
	 */
	int (*option)(void *opaque, const char *key, const char *value, char *error, size_t size);
	/* An element or attribute that has no effect here, and why, in one line.  May be NULL. */
	void (*warning)(void *opaque, const char *line);
	void *opaque;
};

/* Reads the file at @path.  False: @error names the file, and the line where there is one. */
bool libvirt_network_load(const char *path, const struct libvirt_network_reader *reader, GError **error);
/* The same for the text of the file. */
bool libvirt_network_parse(const char *path, const char *text, size_t len, const struct libvirt_network_reader *reader, GError **error);
/* The name of the network that the file at @path describes, to g_free().  NULL: @error, also where it has no name. */
char *libvirt_network_name(const char *path, GError **error);
