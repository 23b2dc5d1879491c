/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/known_guest.h"

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

bool known_guest_find(struct api *api, const char *name, bool *ret_found, GError **error)
{
	/* A guest without IPv4 may have a name and no entry there. */
	static const char *const lists[] = { "/v1/names", "/v1/neighbours" };
	struct search s = { .name = name };
	for (size_t i = 0; i < G_N_ELEMENTS(lists) && !s.found; i++)
		if (!api_each(api, lists[i], look_at, &s, error))
			return false;
	*ret_found = s.found;
	return true;
}
