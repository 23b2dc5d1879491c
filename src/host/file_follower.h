/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows changes of a file of the host's configuration with inotify: written in place, replaced by rename(), a symbolic link that
 * changes, a target whose directory does not exist yet (as systemd's stub at boot).  While there is no file, nothing is reported.
 */
#pragma once

#include <stddef.h>

struct file_follower;
struct log;
struct poller;

struct file_follower_config {
	struct poller *poller; /* borrowed, as is log */
	struct log *log;       /* may be NULL */
	const char *path;      /* absolute; copied */
	size_t max_size;       /* bytes; what is behind them is not read */
	/* The contents of the file, also from within file_follower_new(), and whenever it may have changed. */
	void (*read)(void *opaque, const char *text, size_t len);
	void *opaque;
};

/* Reads the file, if it exists.  Without inotify it logs a warning and does not follow changes.  -EINVAL: not a path.  -ENOMEM. */
int file_follower_new(const struct file_follower_config *config, struct file_follower **ret);
/* @f may be NULL. */
void file_follower_free(struct file_follower *f);
