/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet import` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/table.h"
#include "app/console.h"
#include "app/failure.h"
#include "app/libvirt/network.h"
#include "lanlet.h"

#include <stdio.h>

struct import {
	struct lanlet_config *config; /* checks each value */
	GString *text;                /* the configuration file */
	struct console console;
};

static int add_option(void *opaque, const char *key, const char *value, char *error, size_t size)
{
	struct import *i = opaque;
	int r = lanlet_config_set(i->config, key, value, error, size);
	if (r >= 0)
		g_string_append_printf(i->text, "%s = %s\n", key, value);
	return r;
}

static void warn(void *opaque, const char *line)
{
	struct import *i = opaque;
	console_log(&i->console, LANLET_LOG_WARNING, line);
}

static bool import_main(const struct arguments *a, GError **error)
{
	struct import i = { .text = g_string_new("[network]\n") };
	console_init(&i.console);
	struct libvirt_network_reader reader = { .option = add_option, .warning = warn, .opaque = &i };
	bool good = lanlet_config_new(&i.config) >= 0 || fail(error, FAILURE_GENERAL, "out of memory");
	good = good && libvirt_network_load(a->operands[0], &reader, error);
	if (good)
		fputs(i.text->str, stdout);
	lanlet_config_free(i.config);
	g_string_free(i.text, TRUE);
	return good && table_finish(error);
}

const struct command command_import = {
	.name = "import",
	.summary = "Print libvirt's description of a network as a configuration file.",
	.description = "Reads FILE, as virsh net-dumpxml prints it, and prints the options that make the same network, for"
		       " $XDG_CONFIG_HOME/lanlet/NAME.conf. What has no effect here is named on standard error, with the"
		       " reason. `lanlet run --libvirt-network FILE` runs such a network without a configuration file.",
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.run = import_main,
};
