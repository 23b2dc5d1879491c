/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parsed command line: the network, the shared flags, the command's own flags, and options of the network. Strings are
 * borrowed from argv. The values of network options are checked later, by the library.
 */
#pragma once

#include "lanlet.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct command;

/* An option of the network, as given. */
struct argument_setting {
	const char *name, *value;
};

#define ARGUMENTS_OPERANDS_MAX 32u /* a capture filter has many words */

struct arguments {
	const char *network;
	bool is_named;           /* the command line has the network's name, otherwise it is the default one */
	const char *runtime_dir; /* NULL: the default directory, see arguments_runtime_dir() */
	bool json, help;
	void *flags;                                      /* the struct that the command's own flags fill */
	const char *operands[ARGUMENTS_OPERANDS_MAX + 1]; /* ends with NULL */
	unsigned n_operands;
	const char *const *command; /* the words after "--", ends with NULL; NULL: there was no "--" */
	GArray *settings;           /* options of the network: struct argument_setting, in the order given */
};

/* Parses the words after the command's name, up to NULL. arguments_done() must be called on failure too. */
bool arguments_parse(const struct command *command, char **argv, struct arguments *ret, GError **error);
void arguments_done(struct arguments *a);

/* The directory with the network's sockets. A string to g_free(). */
char *arguments_runtime_dir(const struct arguments *a);
