/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt's description of a network, read into settings.  Each option is one line of a configuration file and keeps its meaning there,
 * warnings and errors are one line that names the file, and settings that pass the check keep the promises of settings.h.
 */
#include "app/failure.h"
#include "app/libvirt/network.h"
#include "app/run/ini.h"
#include "options/config.h"
#include "options/options.h"
#include "promises.h"

#include <string.h>

#define PATH "/net.xml"
#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct imported {
	struct lanlet_config *config;
	GString *ini;
};

static int set_option(void *opaque, const char *key, const char *value, char *error, size_t size)
{
	struct imported *i = opaque;
	REQUIRE(!strpbrk(key, "=\n") && !strchr(value, '\n') && value[0] != '\0');
	int r = lanlet_config_set(i->config, key, value, error, size);
	REQUIRE((r < 0) == (error[0] != '\0'));
	if (r >= 0)
		g_string_append_printf(i->ini, "%s = %s\n", key, value);
	return r;
}

static void check_line(const char *line)
{
	REQUIRE(strncmp(line, PATH, strlen(PATH)) == 0 && line[strlen(PATH)] == ':');
	REQUIRE(!strchr(line, '\n'));
}

static void check_warning(void *opaque, const char *line)
{
	check_line(line);
}

static int set_entry(void *config, const char *key, const char *value, char *error, size_t size)
{
	return lanlet_config_set(config, key, value, error, size);
}

/* The lines of @i make the same settings as the file. */
static void read_again(const struct imported *i)
{
	struct lanlet_config *again;
	REQUIRE(lanlet_config_new(&again) == 0);
	REQUIRE(ini_parse(PATH, i->ini->str, i->ini->len, set_entry, again, NULL));
	for (size_t k = 0; lanlet_option_at(k); k++)
		REQUIRE(option_is_same(k, &i->config->settings, &again->settings));
	lanlet_config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imported i = { .ini = g_string_new("[network]\n") };
	g_autoptr(GError) problem = NULL;
	char error[256] = "";
	REQUIRE(lanlet_config_new(&i.config) == 0);
	struct libvirt_network_reader reader = { .option = set_option, .warning = check_warning, .opaque = &i };
	if (libvirt_network_parse(PATH, (const char *)data, MIN(size, (size_t)INPUT_MAX), &reader, &problem)) {
		read_again(&i);
		int r = settings_check(&i.config->settings, error, sizeof(error));
		REQUIRE((r < 0) == (error[0] != '\0'));
		if (r == 0)
			check_promises(&i.config->settings);
	} else {
		REQUIRE(problem && problem->code == FAILURE_USAGE);
		check_line(problem->message);
	}
	lanlet_config_free(i.config);
	g_string_free(i.ini, TRUE);
	return 0;
}
