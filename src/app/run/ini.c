/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/run/ini.h"

#include "app/failure.h"

#include <string.h>

#define SECTION "[network]"

struct ini {
	ini_entry_func entry;
	void *opaque;
	bool in_section;
};

/* Parses a line without its line feed and surrounding white space; modifies it. False: @error has the reason. */
static bool take_line(struct ini *ini, char *line, char *error, size_t size)
{
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return true;
	if (line[0] == '[') {
		ini->in_section = strcmp(line, SECTION) == 0;
		if (!ini->in_section)
			g_snprintf(error, size, "%s: the only section is " SECTION, line);
		return ini->in_section;
	}
	char *equals = strchr(line, '=');
	if (!ini->in_section || !equals) {
		g_snprintf(error, size, "\"%s\": expected %s", line, ini->in_section ? "KEY = VALUE" : SECTION " before it");
		return false;
	}
	*equals = '\0';
	return ini->entry(ini->opaque, g_strchomp(line), g_strchug(equals + 1), error, size) >= 0;
}

bool ini_parse(const char *path, const char *text, size_t len, ini_entry_func entry, void *opaque, GError **error)
{
	if (memchr(text, '\0', len))
		return fail(error, FAILURE_USAGE, "%s: not a text file", path);
	struct ini ini = { .entry = entry, .opaque = opaque };
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		char reason[512] = "";
		if (!take_line(&ini, g_strstrip(lines[i]), reason, sizeof(reason)))
			return fail(error, FAILURE_USAGE, "%s:%zu: %s", path, i + 1, reason);
	}
	return true;
}

bool ini_load(const char *path, ini_entry_func entry, void *opaque, GError **error)
{
	g_autofree char *text = NULL;
	size_t len;
	return g_file_get_contents(path, &text, &len, error) && ini_parse(path, text, len, entry, opaque, error);
}
