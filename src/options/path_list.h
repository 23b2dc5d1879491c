/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths that a person named, in order; each once.  Owns its text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct path_list {
	char **at;
	size_t n;
};

/* Adds a copy of @path, unless it is there.  -ENOMEM. */
int path_list_add(struct path_list *l, const char *path);
/* -ENOMEM; @ret is then untouched. */
int path_list_copy(const struct path_list *from, struct path_list *ret);
bool path_list_equal(const struct path_list *a, const struct path_list *b);
/* Empties it. */
void path_list_clear(struct path_list *l);
