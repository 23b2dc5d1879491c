/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/forward/forwards.h"

#include "base/log.h"
#include "base/macros.h"
#include "host/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "forwards"

int forwards_init(struct forwards *f, const struct forward_env *env, const char *state_dir)
{
	*f = (struct forwards){ .env = *env, .next_id = 1, .earliest = USEC_INFINITY };
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

/* A forward that works but is forgotten later is told by a line, not by a refusal. */
static void keep(const struct forwards *f)
{
	int r = f->path ? save(f) : 0;
	if (r < 0)
		log_warning(f->env.log, "%s: %s; forwards are not kept beyond this run", f->path, strerror(-r));
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
		log_warning(f->env.log, "%s: \"%s\" is no forward%s%s", f->path, line, why ? ": " : "", why ? why : "");
		return;
	}
	/* The configuration may have it by now. */
	if (f->n >= FORWARDS_MAX || collision(f, &spec))
		return;
	struct forward *forward = append(f, &spec, true);
	if (forward && forward_open(forward, now) < 0)
		log_warning(f->env.log, "forward %s: %s; it is tried again", line, forward->failure);
}

void forwards_load(struct forwards *f, usec_t now)
{
	char *bytes, *rest;
	size_t len;
	int r = f->path ? state_file_read(f->path, &bytes, &len) : -ENOENT;
	if (r < 0) {
		if (r != -ENOENT)
			log_warning(f->env.log, "%s: %s; the forwards kept there are not opened", f->path, strerror(-r));
		return;
	}
	rest = bytes;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (line[0])
			load_line(f, now, line);
	free(bytes);
}

/* --- adding and removing --- */

int forwards_add(struct forwards *f, usec_t now, const struct forward_spec *spec, bool kept, unsigned *ret_id, char *error, size_t size)
{
	char text[FORWARD_TEXT_SIZE];
	const struct forward *other = collision(f, spec);
	if (other) {
		snprintf(error, size, "there is the forward %s already, with the number %u", forward_spec_format(&other->spec, text), other->id);
		return -EEXIST;
	}
	struct forward *forward = f->n < FORWARDS_MAX ? append(f, spec, kept) : NULL;
	if (!forward) {
		snprintf(error, size, f->n < FORWARDS_MAX ? "memory is short" : "there are %u forwards, and cannot be more", FORWARDS_MAX);
		return f->n < FORWARDS_MAX ? -ENOMEM : -ENOSPC;
	}
	int r = forward_open(forward, now);
	if (r < 0) {
		snprintf(error, size, "%s", forward->failure);
		f->n--;
		forward_free(forward);
		return r;
	}
	if (kept)
		keep(f);
	*ret_id = forward->id;
	log_info(f->env.log, "forward %u: %s%s", forward->id, forward_spec_format(spec, text), forward->waiting ? " (waits for the guest)" : "");
	return 0;
}

int forwards_remove(struct forwards *f, unsigned id)
{
	struct forward *forward = forwards_find(f, id);
	if (!forward)
		return -ENOENT;
	bool kept = forward->kept;
	f->n--;
	forward_free(forward);
	if (kept)
		keep(f);
	log_info(f->env.log, "forward %u: removed", id);
	return 0;
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
	list_for_each(node, &f->all)
		forward_guests_changed(container_of(node, struct forward, node), now);
}

usec_t forwards_deadline(const struct forwards *f)
{
	return f->earliest;
}

void forwards_expire(struct forwards *f, usec_t now)
{
	usec_t earliest = USEC_INFINITY;
	if (now < f->earliest)
		return;
	list_for_each(node, &f->all) {
		struct forward *forward = container_of(node, struct forward, node);
		forward_expire(forward, now);
		earliest = usec_min(earliest, forward_deadline(forward));
	}
	f->earliest = earliest;
}
