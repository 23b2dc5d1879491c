/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/run/configure.h"

#include "app/arguments.h"
#include "app/failure.h"
#include "app/paths.h"
#include "app/run/ini.h"
#include "lanlet.h"

static int set_entry(void *config, const char *key, const char *value, char *error, size_t size)
{
	return lanlet_config_set(config, key, value, error, size);
}

static bool is_absent(const GError *error)
{
	return g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT) || g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOTDIR);
}

/* A file given by --config must exist; the default file need not. */
static bool load_file(struct lanlet_config *config, const struct arguments *a, const char *file, GError **error)
{
	g_autofree char *path = file ? g_strdup(file) : path_default_config(a->network);
	g_autoptr(GError) problem = NULL;
	if (ini_load(path, set_entry, config, &problem) || (!file && is_absent(problem)))
		return true;
	return fail(error, FAILURE_USAGE, "%s", problem->message);
}

static bool apply_command_line(struct lanlet_config *config, const struct arguments *a, GError **error)
{
	for (guint i = 0; i < a->settings->len; i++) {
		const struct argument_setting *s = &g_array_index(a->settings, struct argument_setting, i);
		char reason[512];
		if (lanlet_config_set(config, s->name, s->value, reason, sizeof(reason)) < 0)
			return fail(error, FAILURE_USAGE, "--%s", reason);
	}
	return true;
}

struct lanlet_config *configure(const struct arguments *a, const char *file, GError **error)
{
	struct lanlet_config *config;
	if (lanlet_config_new(&config) < 0) {
		fail(error, FAILURE_GENERAL, "out of memory");
		return NULL;
	}
	if (load_file(config, a, file, error) && apply_command_line(config, a, error))
		return config;
	lanlet_config_free(config);
	return NULL;
}
