/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows changes of a resolv.conf with inotify: written in place, replaced by rename(), a symbolic link that changes, a target
 * whose directory does not exist yet (as systemd's stub at boot).  While there is no file, the last known servers
 * stay.
 */
#pragma once

struct dns_server_list;
struct log;
struct poller;
struct resolv_follower;

struct resolv_follower_config {
	struct poller *poller; /* borrowed, as are log and path */
	struct log *log;       /* may be NULL */
	const char *path;      /* absolute; NULL: /etc/resolv.conf */
	/* The servers have changed.  Not called from resolv_follower_new(). */
	void (*changed)(void *opaque, const struct dns_server_list *servers);
	void *opaque;
};

/* Reads the file, if it exists.  Without inotify it logs a warning and does not follow changes.  -ENOMEM. */
int resolv_follower_new(const struct resolv_follower_config *config, struct resolv_follower **ret);
void resolv_follower_free(struct resolv_follower *f);
/* The current servers; empty until a file was found.  Valid until the next event. */
const struct dns_server_list *resolv_follower_servers(const struct resolv_follower *f);
