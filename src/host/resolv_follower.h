/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows changes of a resolv.conf (file_follower.h).  While there is no file, the last known contents stay. */
#pragma once

struct log;
struct poller;
struct resolv_conf;
struct resolv_follower;

struct resolv_follower_config {
	struct poller *poller; /* borrowed, as are log and path */
	struct log *log;       /* may be NULL */
	const char *path;      /* absolute; NULL: /etc/resolv.conf */
	/* The contents have changed.  Not called from resolv_follower_new(). */
	void (*changed)(void *opaque, const struct resolv_conf *conf);
	void *opaque;
};

/* Reads the file, if it exists.  Without inotify it logs a warning and does not follow changes.  -ENOMEM. */
int resolv_follower_new(const struct resolv_follower_config *config, struct resolv_follower **ret);
void resolv_follower_free(struct resolv_follower *f);
/* The current contents; those of an empty file until a file was found.  Valid until the next event. */
const struct resolv_conf *resolv_follower_conf(const struct resolv_follower *f);
