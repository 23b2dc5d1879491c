/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/forwards.h"

#include "base/log.h"
#include "base/macros.h"
#include "host/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "forwards"
#define LOOK_INTERVAL (50 * USEC_PER_MSEC)

int forwards_init(struct forwards *f, const struct forward_env *env, const char *state_dir)
{
	*f = (struct forwards){ .env = *env, .next_id = 1, .earliest = USEC_INFINITY, .look = USEC_INFINITY };
	list_init(&f->all);
	return state_dir && asprintf(&f->path, "%s/" FILE_NAME, state_dir) < 0 ? -ENOMEM : 0;
}

void forwards_done(struct forwards *f)
{
	if (!f->all.next)
		return;
	list_for_each(node, &f->all)
		forward_free(container_of(node, struct forward, node));
	free(f->path);
	f->path = NULL;
}

/* --- the file --- */

static int save(const struct forwards *f)
{
	char *bytes = malloc(f->n * FORWARD_TEXT_SIZE + 1), text[FORWARD_TEXT_SIZE];
	size_t len = 0;
	if (!bytes)
		return -ENOMEM;
	list_for_each(node, &f->all) {
		const struct forward *forward = container_of(node, struct forward, node);
		if (forward->kept)
			len += (size_t)sprintf(bytes + len, "%s\n", forward_spec_format(&forward->spec, text));
	}
	int r = state_file_replace(f->path, bytes, len);
	free(bytes);
	return r;
}

/* A forward that cannot be saved works until the next start, so this is a warning and no error. */
static void keep(const struct forwards *f)
{
	int r = f->path ? save(f) : 0;
	if (r < 0)
		log_warning(f->env.log, "%s: %s; forwards added at run time do not outlive a restart", f->path, strerror(-r));
}

static struct forward *append(struct forwards *f, const struct forward_spec *spec, bool kept)
{
	struct forward *forward = forward_new(&f->env, spec, &f->earliest);
	if (!forward)
		return NULL;
	forward->id = f->next_id++;
	forward->kept = kept;
	list_append(&f->all, &forward->node);
	f->n++;
	return forward;
}

static const struct forward *collision(const struct forwards *f, const struct forward_spec *spec)
{
	list_for_each(node, &f->all) {
		const struct forward *other = container_of(node, struct forward, node);
		if (forward_spec_collides(&other->spec, spec))
			return other;
	}
	return NULL;
}

static void load_line(struct forwards *f, usec_t now, const char *line)
{
	struct forward_spec spec;
	const char *why = NULL;
	if (forward_spec_parse(line, &spec, &why) < 0) {
		log_warning(f->env.log, "%s: \"%s\" is not a valid forward and is skipped%s%s", f->path, line, why ? ": " : "",
			    why ? why : "");
		return;
	}
	/* The configuration may have the same one by now. */
	if (f->n >= FORWARDS_MAX || collision(f, &spec))
		return;
	struct forward *forward = append(f, &spec, true);
	if (forward && forward_open(forward, now) < 0)
		log_warning(f->env.log, "forward %s: %s; lanlet tries again until it can be opened", line, forward->failure);
}

void forwards_load(struct forwards *f, usec_t now)
{
	char *bytes, *rest;
	size_t len;
	int r = f->path ? state_file_read(f->path, &bytes, &len) : -ENOENT;
	if (r < 0) {
		if (r != -ENOENT)
			log_warning(f->env.log, "%s: %s; the forwards in this file are not opened", f->path, strerror(-r));
		return;
	}
	rest = bytes;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (line[0])
			load_line(f, now, line);
	free(bytes);
}

/* --- adding and removing --- */

static void drop(struct forwards *f, struct forward *forward)
{
	f->n--;
	forward_free(forward);
}

static int has_port(const struct forward *other, char *error, size_t size)
{
	char text[FORWARD_TEXT_SIZE];
	snprintf(error, size, "forward %s, number %u, has this port already", forward_spec_format(&other->spec, text), other->id);
	return -EEXIST;
}

/* Appends a forward and opens it. */
static int bring(struct forwards *f, usec_t now, const struct forward_spec *spec, bool kept, struct forward **ret, char *error, size_t size)
{
	struct forward *forward = f->n < FORWARDS_MAX ? append(f, spec, kept) : NULL;
	if (!forward) {
		snprintf(error, size, f->n < FORWARDS_MAX ? "memory is short" : "there are %u forwards, the most that are possible",
			 FORWARDS_MAX);
		return f->n < FORWARDS_MAX ? -ENOMEM : -ENOSPC;
	}
	int r = forward_open(forward, now);
	if (r < 0) {
		snprintf(error, size, "%s", forward->failure);
		drop(f, forward);
		return r;
	}
	*ret = forward;
	return 0;
}

static void log_added(const struct forwards *f, const struct forward *forward)
{
	char text[FORWARD_TEXT_SIZE];
	log_info(f->env.log, "forward %u: %s%s", forward->id, forward_spec_format(&forward->spec, text),
		 forward->waiting ? " (waiting until the guest has an address)" : "");
}

int forwards_add(struct forwards *f, usec_t now, const struct forward_spec *spec, bool kept, unsigned *ret_id, char *error, size_t size)
{
	const struct forward *other = collision(f, spec);
	struct forward *forward;
	int r = other ? has_port(other, error, size) : bring(f, now, spec, kept, &forward, error, size);
	if (r < 0)
		return r;
	if (kept)
		keep(f);
	*ret_id = forward->id;
	log_added(f, forward);
	return 0;
}

int forwards_remove(struct forwards *f, unsigned id)
{
	struct forward *forward = forwards_find(f, id);
	if (!forward)
		return -ENOENT;
	bool kept = forward->kept;
	drop(f, forward);
	if (kept)
		keep(f);
	log_info(f->env.log, "forward %u: removed", id);
	return 0;
}

/* --- reload --- */

static void mark_those_that_leave(struct forwards *f, const struct forward_spec *specs, size_t n)
{
	list_for_each(node, &f->all) {
		struct forward *forward = container_of(node, struct forward, node);
		bool stays = forward->kept;
		for (size_t i = 0; i < n && !stays; i++)
			stays = forward_spec_is_equal(&forward->spec, &specs[i]);
		forward->change = stays ? FORWARD_STAYS : FORWARD_LEAVES;
	}
}

/* Closes forwards that are being removed and hold a port that @spec needs. An error if another forward holds one. */
static int make_way(struct forwards *f, const struct forward_spec *spec, char *error, size_t size)
{
	list_for_each(node, &f->all) {
		struct forward *forward = container_of(node, struct forward, node);
		if (!forward_spec_collides(&forward->spec, spec))
			continue;
		if (forward->change != FORWARD_LEAVES)
			return has_port(forward, error, size);
		forward_close(forward);
	}
	return 0;
}

/* Opens new forwards: those whose ports no other forward has and, with @make_room, all others. */
static int open_new(struct forwards *f, usec_t now, const struct forward_spec *specs, size_t n, bool make_room, char *error, size_t size)
{
	struct forward *forward;
	int r = 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (forwards_find_spec(f, &specs[i]) || (!make_room && collision(f, &specs[i])))
			continue;
		r = make_way(f, &specs[i], error, size);
		if (r == 0)
			r = bring(f, now, &specs[i], false, &forward, error, size);
		if (r == 0)
			forward->change = FORWARD_ARRIVES;
	}
	return r;
}

static void finish_change(struct forwards *f)
{
	list_for_each(node, &f->all) {
		struct forward *forward = container_of(node, struct forward, node);
		if (forward->change == FORWARD_ARRIVES)
			log_added(f, forward);
		if (forward->change != FORWARD_LEAVES)
			continue;
		log_info(f->env.log, "forward %u: removed", forward->id);
		drop(f, forward);
	}
}

static void take_back_change(struct forwards *f, usec_t now)
{
	list_for_each(node, &f->all) {
		struct forward *forward = container_of(node, struct forward, node);
		if (forward->change == FORWARD_ARRIVES)
			drop(f, forward);
	}
	list_for_each(node, &f->all) {
		struct forward *forward = container_of(node, struct forward, node);
		if (forward->change == FORWARD_LEAVES && !forward->is_open)
			forward_open(forward, now);
	}
}

int forwards_configure(struct forwards *f, usec_t now, const struct forward_spec *specs, size_t n, char *error, size_t size)
{
	mark_those_that_leave(f, specs, n);
	/* First those that need no other to be closed: the usual failure, a port that is taken, then closes nothing. */
	int r = open_new(f, now, specs, n, false, error, size);
	if (r == 0)
		r = open_new(f, now, specs, n, true, error, size);
	if (r == 0)
		finish_change(f);
	else
		take_back_change(f, now);
	return r;
}

struct forward *forwards_find(const struct forwards *f, unsigned id)
{
	list_for_each(node, &f->all) {
		struct forward *forward = container_of(node, struct forward, node);
		if (forward->id == id)
			return forward;
	}
	return NULL;
}

struct forward *forwards_find_spec(const struct forwards *f, const struct forward_spec *spec)
{
	list_for_each(node, &f->all) {
		struct forward *forward = container_of(node, struct forward, node);
		if (forward_spec_is_equal(&forward->spec, spec))
			return forward;
	}
	return NULL;
}

void forwards_guests_changed(struct forwards *f, usec_t now)
{
	f->looked = now;
	f->look = USEC_INFINITY;
	list_for_each(node, &f->all)
		forward_guests_changed(container_of(node, struct forward, node), now);
}

void forwards_guest_changed(struct forwards *f, usec_t now)
{
	if (f->n > 0 && f->look == USEC_INFINITY)
		f->look = MAX(now, f->looked + LOOK_INTERVAL);
}

void forwards_try_again(struct forwards *f, usec_t now)
{
	list_for_each(node, &f->all)
		forward_try_again(container_of(node, struct forward, node), now);
}

usec_t forwards_deadline(const struct forwards *f)
{
	return usec_min(f->earliest, f->look);
}

void forwards_expire(struct forwards *f, usec_t now)
{
	usec_t earliest = USEC_INFINITY;
	if (f->look <= now)
		forwards_guests_changed(f, now);
	if (now < f->earliest)
		return;
	list_for_each(node, &f->all) {
		struct forward *forward = container_of(node, struct forward, node);
		forward_expire(forward, now);
		earliest = usec_min(earliest, forward_deadline(forward));
	}
	f->earliest = earliest;
}
