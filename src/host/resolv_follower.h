/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows a resolv.conf wherever it goes: written in place, replaced by rename(), a symbolic link that is pointed elsewhere, its
 * target's directory not there yet (as with systemd's stub at boot).  The servers known stay until a file says
 * otherwise: while there is none, the last ones are the best guess.
 */
#pragma once

struct dns_server_list;
struct log;
struct poller;
struct resolv_follower;

struct resolv_follower_config {
	struct poller *poller; /* borrowed, like what follows */
	struct log *log;       /* may be NULL */
	const char *path;      /* absolute; NULL: /etc/resolv.conf */
	/* Other servers than before.  Not called from new(). */
	void (*changed)(void *opaque, const struct dns_server_list *servers);
	void *opaque;
};

/* Reads the file, if it is there.  Where inotify cannot be had it warns and is content with that.  -ENOMEM. */
int resolv_follower_new(const struct resolv_follower_config *config, struct resolv_follower **ret);
void resolv_follower_free(struct resolv_follower *f);
/* The servers now; none while no file was found.  Valid until the next event. */
const struct dns_server_list *resolv_follower_servers(const struct resolv_follower *f);
