/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/path_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int path_list_add(struct path_list *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->at[i], path) == 0)
			return 0;
	char *copy = strdup(path);
	char **grown = copy ? reallocarray(l->at, l->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	grown[l->n++] = copy;
	l->at = grown;
	return 0;
}

int path_list_copy(const struct path_list *from, struct path_list *ret)
{
	struct path_list copy = { 0 };
	for (size_t i = 0; i < from->n; i++) {
		if (path_list_add(&copy, from->at[i]) < 0) {
			path_list_clear(&copy);
			return -ENOMEM;
		}
	}
	*ret = copy;
	return 0;
}

bool path_list_equal(const struct path_list *a, const struct path_list *b)
{
	bool equal = a->n == b->n;
	for (size_t i = 0; equal && i < a->n; i++)
		equal = strcmp(a->at[i], b->at[i]) == 0;
	return equal;
}

void path_list_clear(struct path_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i]);
	free(l->at);
	*l = (struct path_list){ 0 };
}
