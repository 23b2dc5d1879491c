/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows the host's addresses and routes, of both families, by rtnetlink(7).  Needs no privileges.  Where the kernel refuses the
 * socket (seccomp, RestrictAddressFamilies= of systemd), one line of the log says so and nothing is followed.
 */
#pragma once

#include "base/usec.h"

struct host_change;
struct host_follower;
struct log;
struct poller;

struct host_follower_config {
	struct poller *poller; /* borrowed, as is log */
	struct log *log;       /* may be NULL */
	/* The host's network has changed.  Called from host_follower_expire() only. */
	void (*changed)(void *opaque, usec_t now, const struct host_change *change);
	void *opaque;
};

/* -ENOMEM. */
int host_follower_new(const struct host_follower_config *config, struct host_follower **ret);
void host_follower_free(struct host_follower *f);
/* When host_follower_expire() has to be called; USEC_INFINITY for never. */
usec_t host_follower_deadline(const struct host_follower *f);
void host_follower_expire(struct host_follower *f, usec_t now);
