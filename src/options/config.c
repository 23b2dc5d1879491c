/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/config.h"

#include "options/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int lanlet_config_new(struct lanlet_config **ret)
{
	struct lanlet_config *config = calloc(1, sizeof(*config));
	if (!config)
		return -ENOMEM;
	option_set_defaults(&config->settings);
	*ret = config;
	return 0;
}

void lanlet_config_free(struct lanlet_config *config)
{
	if (!config)
		return;
	settings_done(&config->settings);
	free(config->state_dir);
	free(config->runtime_dir);
	free(config);
}

int lanlet_config_set(struct lanlet_config *config, const char *name, const char *value, char *error, size_t size)
{
	return option_set(&config->settings, name, value, error, size);
}

void lanlet_config_set_log(struct lanlet_config *config, void (*log)(void *opaque, enum lanlet_log_level level, const char *line),
			   void *opaque)
{
	config->log = log;
	config->log_opaque = opaque;
}

static int replace_text(char **at, const char *text)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

int lanlet_config_set_state_dir(struct lanlet_config *config, const char *path)
{
	return replace_text(&config->state_dir, path);
}

int lanlet_config_set_runtime_dir(struct lanlet_config *config, const char *path)
{
	return replace_text(&config->runtime_dir, path);
}
