/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that a service manager made for us and keeps while we restart: sd_listen_fds(3), without its library. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct lanlet_network;

struct activation {
	GPtrArray *sockets; /* of struct activation_socket */
};

/*
 * Reads and removes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, before any descriptor is opened.  None is fine, and so are those
 * meant for another process.
 */
bool activation_take(struct activation *ret, GError **error);
/* Harmless on a zeroed one; the descriptors stay open. */
void activation_done(struct activation *a);

/* Whether one of the sockets is the one at @path, or the ctl of a VDE switch in that directory. */
bool activation_has_path(const struct activation *a, const char *path);
/* Plugs all of them into @net: one named stream, dgram, seqpacket, vhost or vde as that, others as what they are. */
bool activation_plug(const struct activation *a, struct lanlet_network *net, GError **error);
