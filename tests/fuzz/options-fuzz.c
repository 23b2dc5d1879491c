/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options as an embedder or a configuration file may set them: lines of NAME=VALUE.  Settings that pass the check keep
 * the promises of settings.h.
 */
#include "base/macros.h"
#include "options/options.h"
#include "promises.h"

#include <stdint.h>
#include <string.h>

#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_line(struct settings *s, char *line)
{
	char error[100] = "";
	char *value = strchr(line, '=');
	if (!value)
		return;
	*value++ = '\0';
	int r = option_set(s, line, value, error, sizeof(error));
	REQUIRE((r < 0) == (error[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[INPUT_MAX + 1] = "", *at = text, *line, error[100] = "";
	struct settings s;
	memcpy(text, data, MIN(size, (size_t)INPUT_MAX));
	option_set_defaults(&s);
	while ((line = strsep(&at, "\n")))
		set_line(&s, line);
	int r = settings_check(&s, error, sizeof(error));
	REQUIRE((r < 0) == (error[0] != '\0'));
	if (r == 0)
		check_promises(&s);
	settings_done(&s);
	return 0;
}
