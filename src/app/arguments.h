/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line as values: which network, the shared flags, the command's own flags and the network's options.  Strings are borrowed
 * from argv.  Values of network options are not looked at here: the library knows them.
 */
#pragma once

#include "lanlet.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct command;

/* One network option as it was given. */
struct argument_setting {
	const char *name, *value;
};

#define ARGUMENTS_OPERANDS_MAX 32u /* a filter has many words */

struct arguments {
	const char *network;
	const char *runtime_dir; /* NULL: the default directory */
	bool json, help;
	void *flags;                                      /* the command's own struct */
	const char *operands[ARGUMENTS_OPERANDS_MAX + 1]; /* NULL behind the last one given */
	unsigned n_operands;
	const char *const *command; /* what follows "--", NULL behind the last word; NULL: nothing was given or the command takes none */
	GArray *settings;           /* options of the network: struct argument_setting, in order */
};

/* Reads what follows the command's name, up to NULL.  On failure too, arguments_done() is to be called. */
bool arguments_parse(const struct command *command, char **argv, struct arguments *ret, GError **error);
void arguments_done(struct arguments *a);

/* The directory with the network's sockets, as it was given or the default.  A string to g_free(). */
char *arguments_runtime_dir(const struct arguments *a);
