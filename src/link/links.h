/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The links of a network: one instance of each link in the table of links.c. */
#pragma once

#include "link/link.h"

#define LINKS_MAX 8

/* Zeroed: empty. */
struct links {
	struct link *at[LINKS_MAX]; /* in the order of the table; NULL behind the last one */
};

/*
 * Makes all links.  @config->mtu 0: each link has its own default.  After a failure, a negative errno, links_done() frees those that were
 * made.
 */
int links_init(struct links *l, const struct link_config *config);
/* Frees all links.  Harmless when there are none. */
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
 * The link that takes sockets called @word (NULL: the default for @type), of @type (0: any), for all of @uses.  NULL when there is none.
 */
struct link *links_find_socket(const struct links *l, const char *word, int type, unsigned uses);
/* The table's entry for such sockets, or NULL. */
const struct link_socket *link_socket_find(const char *word, int type, unsigned uses);
