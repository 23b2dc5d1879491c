/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/run/configure.h"

#include "app/arguments.h"
#include "app/failure.h"
#include "app/libvirt/network.h"
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

struct reading {
	struct lanlet_config *config;
	const struct configure_sources *sources;
};

static int set_option(void *opaque, const char *key, const char *value, char *error, size_t size)
{
	struct reading *r = opaque;
	return lanlet_config_set(r->config, key, value, error, size);
}

static void warn(void *opaque, const char *line)
{
	struct reading *r = opaque;
	if (r->sources->warning)
		r->sources->warning(r->sources->opaque, line);
}

static bool load_libvirt_network(struct lanlet_config *config, const struct configure_sources *s, GError **error)
{
	struct reading reading = { config, s };
	struct libvirt_network_reader reader = { .option = set_option, .warning = warn, .opaque = &reading };
	return !s->libvirt_network || libvirt_network_load(s->libvirt_network, &reader, error);
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

struct lanlet_config *configure(const struct arguments *a, const struct configure_sources *sources, GError **error)
{
	struct lanlet_config *config;
	if (lanlet_config_new(&config) < 0) {
		fail(error, FAILURE_GENERAL, "out of memory");
		return NULL;
	}
	if (load_libvirt_network(config, sources, error) && load_file(config, a, sources->file, error) &&
	    apply_command_line(config, a, error))
		return config;
	lanlet_config_free(config);
	return NULL;
}
