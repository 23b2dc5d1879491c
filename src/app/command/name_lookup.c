/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/name_lookup.h"

#include "app/command/api.h"

struct search {
	const char *name;
	bool found;
};

static bool look_at(void *opaque, JsonObject *o)
{
	struct search *s = opaque;
	s->found = g_ascii_strcasecmp(api_text(o, "name"), s->name) == 0;
	return !s->found;
}

bool name_is_listed(struct api *api, const char *path, const char *name, bool *ret_found, GError **error)
{
	struct search s = { .name = name };
	if (!api_each(api, path, look_at, &s, error))
		return false;
	*ret_found = s.found;
	return true;
}

bool name_is_of_guest(struct api *api, const char *name, bool *ret_found, GError **error)
{
	/* A guest without IPv4 may have a name that is not among the names. */
	static const char *const lists[] = { "/v1/names", "/v1/neighbours" };
	bool found = false;
	for (size_t i = 0; i < G_N_ELEMENTS(lists) && !found; i++)
		if (!name_is_listed(api, lists[i], name, &found, error))
			return false;
	*ret_found = found;
	return true;
}
