/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration: lanlet_config_*() fill it in, and lanlet_network_new() copies from it. */
#pragma once

#include "lanlet.h"
#include "options/settings.h"

struct lanlet_config {
	struct settings settings;                                                 /* not yet checked */
	void (*log)(void *opaque, enum lanlet_log_level level, const char *line); /* may be NULL */
	void *log_opaque;
	char *state_dir, *runtime_dir; /* may be NULL */
};
