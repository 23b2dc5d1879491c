/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration file, read into settings.  Settings that pass the check keep the promises of settings.h, an error is one line that
 * names the file and the line, and white space, comments and the kind of line end change nothing.
 */
#include "app/failure.h"
#include "app/run/ini.h"
#include "options/config.h"
#include "promises.h"

#include <string.h>

#define PATH "/etc/lanlet.conf"
#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int set_entry(void *config, const char *key, const char *value, char *error, size_t size)
{
	REQUIRE(!strpbrk(key, "=\n") && !strchr(value, '\n'));
	int r = lanlet_config_set(config, key, value, error, size);
	REQUIRE((r < 0) == (error[0] != '\0'));
	return r;
}

static int record_entry(void *opaque, const char *key, const char *value, char *error, size_t size)
{
	g_string_append_printf(opaque, "%s=%s\n", key, value);
	return 0;
}

static void check_error(const GError *error)
{
	size_t prefix = strlen(PATH);
	REQUIRE(error && error->code == FAILURE_USAGE);
	REQUIRE(strncmp(error->message, PATH, prefix) == 0 && error->message[prefix] == ':');
	REQUIRE(error->message[prefix + 1] != '\0' && !strchr(error->message, '\n'));
}

static void read_settings(const char *text, size_t len)
{
	g_autoptr(GError) problem = NULL;
	struct lanlet_config *config;
	char error[256] = "";
	REQUIRE(lanlet_config_new(&config) == 0);
	if (ini_parse(PATH, text, len, set_entry, config, &problem)) {
		int r = settings_check(&config->settings, error, sizeof(error));
		REQUIRE((r < 0) == (error[0] != '\0'));
		if (r == 0)
			check_promises(&config->settings);
	} else {
		check_error(problem);
	}
	lanlet_config_free(config);
}

/* The entries of @text, and whether there was an error behind them. */
static char *entries(const char *text, size_t len)
{
	GString *out = g_string_new(NULL);
	bool whole = ini_parse(PATH, text, len, record_entry, out, NULL);
	g_string_append(out, whole ? "end" : "error");
	return g_string_free(out, FALSE);
}

static void read_with_white_space(const char *text, size_t len)
{
	g_autoptr(GString) spaced = g_string_new("# a comment\r\n");
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			g_string_append(spaced, " \r\n;\n\t");
		else
			g_string_append_c(spaced, text[i]);
	}
	g_autofree char *before = entries(text, len), *after = entries(spaced->str, spaced->len);
	REQUIRE(strcmp(before, after) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = MIN(size, (size_t)INPUT_MAX);
	g_autofree char *text = g_strndup((const char *)data, len);
	if (len > 0)
		memcpy(text, data, len); /* g_strndup() stops at a NUL */
	read_settings(text, len);
	read_with_white_space(text, len);
	return 0;
}
