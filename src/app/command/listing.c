/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/listing.h"

#include "app/arguments.h"
#include "app/command/api.h"
#include "app/command/table.h"

#include <stdio.h>

static bool write_bytes(void *opaque, const void *bytes, gsize len)
{
	return fwrite(bytes, 1, len, stdout) == len;
}

bool listing_print_json(struct api *api, const char *path, GError **error)
{
	return api_read(api, path, write_bytes, NULL, error) && table_finish(error);
}

bool listing_print(const struct arguments *a, const char *path, struct table *(*make)(struct api *api, GError **error), GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	if (!api || a->json)
		return api && listing_print_json(api, path, error);
	g_autoptr(Table) t = make(api, error);
	if (!t)
		return false;
	table_print(t, stdout, 0, 0);
	return table_finish(error);
}
