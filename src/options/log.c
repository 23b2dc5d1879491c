/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log. */
#include "base/macros.h"
#include "options/option.h"
#include "options/settings.h"

#include <errno.h>
#include <string.h>

static const char *const log_levels[][2] = {
	[LOG_LEVEL_ERROR] = { "error", "faults that keep the network from working" },
	[LOG_LEVEL_WARNING] = { "warning", "what an administrator should look at" },
	[LOG_LEVEL_INFO] = { "info", "guests that connect and disconnect, and their leases" },
	[LOG_LEVEL_DEBUG] = { "debug", "everything" },
};

static const char *log_level_choice(size_t index, const char **ret_help)
{
	if (index >= ARRAY_SIZE(log_levels))
		return NULL;
	*ret_help = log_levels[index][1];
	return log_levels[index][0];
}

static int set_log_level(struct settings *s, const char *value, const char **ret_why)
{
	for (size_t i = 0; i < ARRAY_SIZE(log_levels); i++) {
		if (strcmp(value, log_levels[i][0]) == 0) {
			s->log_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static const struct option options[] = {
	{
		.public = {
			.name = "log-level",
			.argument = "LEVEL",
			.default_value = "info",
			.help = "The least important messages that are logged.",
		},
		.set = set_log_level,
		.choice = log_level_choice,
		.place = OPTION_PLACE(log_level),
		.live = true,
	},
};

const struct option_group options_of_log = { "Log", options, ARRAY_SIZE(options) };
