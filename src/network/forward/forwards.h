/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The forwards of a network: those of its configuration, and those that were added while it ran, which are kept in the
 * state directory (a line each, spec.h) until they are removed.
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
	usec_t earliest; /* no deadline of theirs is before: every turn asks, and looks at no forward */
	char *path;      /* of the kept ones; NULL: nowhere */
};

/* @state_dir may be NULL.  -ENOMEM. */
int forwards_init(struct forwards *f, const struct forward_env *env, const char *state_dir);
/* Harmless on a zeroed one. */
void forwards_done(struct forwards *f);

/* Opens the kept ones; one whose port is taken is tried again until it is free. */
void forwards_load(struct forwards *f, usec_t now);
/*
 * Opens a forward.  @kept: it survives us.  -EEXIST when it is there or another one has a port of it, -ENOSPC above
 * FORWARDS_MAX, else what the sockets said; with one line in @error.
 */
int forwards_add(struct forwards *f, usec_t now, const struct forward_spec *spec, bool kept, unsigned *ret_id, char *error, size_t size);
/* Ends a forward, whose flows go on.  -ENOENT. */
int forwards_remove(struct forwards *f, unsigned id);
/*
 * The @n forwards at @specs, of which none asks for another's ports, are the configuration's from now on: new ones are opened, those that
 * are not among them any more are removed, and all others, kept ones too, are not touched.  Negative errno, with one line in @error, when
 * one cannot be opened: -EEXIST when a kept one has its port, …; all is then as before.
 */
int forwards_configure(struct forwards *f, usec_t now, const struct forward_spec *specs, size_t n, char *error, size_t size);
/* NULL when there is none. */
struct forward *forwards_find(const struct forwards *f, unsigned id);
struct forward *forwards_find_spec(const struct forwards *f, const struct forward_spec *spec);

/* Guests' names and addresses have changed. */
void forwards_guests_changed(struct forwards *f, usec_t now);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t forwards_deadline(const struct forwards *f);
void forwards_expire(struct forwards *f, usec_t now);
