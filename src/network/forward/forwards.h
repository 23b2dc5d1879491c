/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of forwards (port forwarding): those of the configuration, and those added at run time, which are kept in the state directory
 * until they are removed, each as a line of text (options/forward_spec.h).
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "network/forward/forward.h"

#include <stdbool.h>
#include <stddef.h>

#define FORWARDS_MAX 16384u

struct forwards {
	struct forward_env env;
	struct list all;
	unsigned n, next_id;
	usec_t earliest; /* not later than any deadline of a forward, so that a turn need not look at all of them */
	usec_t looked;   /* for addresses of guests */
	usec_t look;     /* when to do so next; USEC_INFINITY: no guest has got or lost one since */
	char *path;      /* of the file of kept forwards; NULL: none */
};

/* @state_dir may be NULL.  -ENOMEM. */
int forwards_init(struct forwards *f, const struct forward_env *env, const char *state_dir);
/* Harmless on a zeroed one. */
void forwards_done(struct forwards *f);

/* Opens the kept forwards; one whose port is taken is tried again until the port is free. */
void forwards_load(struct forwards *f, usec_t now);
/*
 * Opens a forward.  @kept: it goes into the state directory.  -EEXIST: another forward has one of its ports; -ENOSPC: there are
 * FORWARDS_MAX; otherwise the errno of its sockets.  @error has one line about it.
 */
int forwards_add(struct forwards *f, usec_t now, const struct forward_spec *spec, bool kept, unsigned *ret_id, char *error, size_t size);
/* Removes a forward; its flows stay open.  -ENOENT. */
int forwards_remove(struct forwards *f, unsigned id);
/*
 * Makes the @n forwards at @specs those of the configuration: opens new ones and removes those that are not among them any more.  Kept ones
 * and those that stay are not touched.  No two of @specs need the same host port.  Negative errno, with one line in @error, when one cannot
 * be opened (-EEXIST: a kept one has its port); then all forwards are as before.
 */
int forwards_configure(struct forwards *f, usec_t now, const struct forward_spec *specs, size_t n, char *error, size_t size);
/* NULL: no forward has it. */
struct forward *forwards_find(const struct forwards *f, unsigned id);
struct forward *forwards_find_spec(const struct forwards *f, const struct forward_spec *spec);

/* Names or addresses of guests have changed: looks whether forwards have to wait. */
void forwards_guests_changed(struct forwards *f, usec_t now);
/* A guest has got or lost an address: the same soon, because a guest can do so as often as it likes. */
void forwards_guest_changed(struct forwards *f, usec_t now);

/* The host's addresses have changed: forwards that are not open are tried again at once. */
void forwards_try_again(struct forwards *f, usec_t now);

/* When forwards_expire() has to be called; USEC_INFINITY: never. */
usec_t forwards_deadline(const struct forwards *f);
void forwards_expire(struct forwards *f, usec_t now);
