/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of paths or URLs in the order in which they were added, without duplicates.  Owns its text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct path_list {
	char **at;
	size_t n;
};

/* Adds a copy of @path, unless the list has it.  -ENOMEM. */
int path_list_add(struct path_list *l, const char *path);
/* -ENOMEM, and @ret is untouched. */
int path_list_copy(const struct path_list *from, struct path_list *ret);
bool path_list_equal(const struct path_list *a, const struct path_list *b);
/* Empties it. */
void path_list_clear(struct path_list *l);
