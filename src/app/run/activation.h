/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket activation (sd_listen_fds(3), without its library): sockets that the service manager opened and keeps while lanlet
 * restarts.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct lanlet_network;

struct activation {
	GPtrArray *sockets; /* of struct activation_socket */
};

/*
 * Reads and removes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, before any descriptor is opened. Missing variables and those for
 * another process are ignored.
 */
bool activation_take(struct activation *ret, GError **error);
/* Safe on a zeroed one. The descriptors stay open. */
void activation_done(struct activation *a);

/* Whether a socket at @path, or the ctl socket of a VDE switch in that directory, is among them. */
bool activation_has_path(const struct activation *a, const char *path);
/*
 * Connects all of them to @net: the names stream, dgram, seqpacket, vhost and vde select the transport, otherwise the type of the
 * socket does.
 */
bool activation_plug(const struct activation *a, struct lanlet_network *net, GError **error);
