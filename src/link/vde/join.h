/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VDE networks of others that this segment joins, each by a URL of libvdeplug: vde://, ptp://, udp://, vxlan://, vxvde:// …  A connection
 * is a port with a whole segment behind it.  When it ends, or cannot be opened, it is opened again after a pause that grows from a quarter
 * of a second to half a minute.
 *
 *     relay       libvdeplug in a thread of its own
 */
#pragma once

#include "base/usec.h"

#include <stddef.h>

struct log;
struct plug_link;
struct poller;
struct segment;

struct plug_link_config {
	struct poller *poller;
	struct segment *segment;
	struct log *log;
	size_t mtu; /* of the ports, as far as their plugin carries it */
};

/* -ENOMEM. */
int plug_link_new(const struct plug_link_config *config, struct plug_link **ret);
/* Closes all connections; threads that libvdeplug holds end later, by themselves.  NULL is fine. */
void plug_link_free(struct plug_link *l, usec_t now);

/*
 * Joins @url from the next expire() on.  The URL is the operator's: plugins are loaded and programs run as it says.  -EOPNOTSUPP: built
 * without libvdeplug, -ENOMEM.
 */
int plug_link_add(struct plug_link *l, const char *url);

/* Calls @f for each URL that is not connected now, with the reason. */
void plug_link_for_each_waiting(const struct plug_link *l, void (*f)(void *opaque, const char *url, const char *why), void *opaque);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t plug_link_deadline(const struct plug_link *l);
void plug_link_expire(struct plug_link *l, usec_t now);
