/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One network's links: an instance of each row of the table in links.c. */
#pragma once

#include "link/link.h"

#define LINKS_MAX 8

/* Zeroed: none are there. */
struct links {
	struct link *at[LINKS_MAX]; /* in the order of the table; NULL behind the last one */
};

/*
 * Makes all of them.  @config->mtu 0: each link has its own default.  On failure, a negative errno, links_done() frees those that were
 * made.
 */
int links_init(struct links *l, const struct link_config *config);
/* Frees them; harmless when there are none. */
void links_done(struct links *l, usec_t now);

/* These call the same member of each link (link.h). */
usec_t links_deadline(const struct links *l);
void links_expire(struct links *l, usec_t now);
bool links_have_work(const struct links *l);
void links_poll(struct links *l, usec_t now);
void links_settle(struct links *l);
void links_for_each_target(const struct links *l, link_target_f f, void *opaque);

/* The link called @name, which is in the table. */
struct link *links_find(const struct links *l, const char *name);

/*
 * The link for sockets called @word (NULL: the default for their type), of @type (0: any), with all of @uses.  NULL when there is none.
 */
struct link *links_find_socket(const struct links *l, const char *word, int type, unsigned uses);
/* What the table says of such sockets, or NULL. */
const struct link_socket *link_socket_find(const char *word, int type, unsigned uses);
