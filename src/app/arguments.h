/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line as values: which command, which network, the command's own flags and the network's
 * options.  Strings are borrowed from argv.  Values of network options are not looked at here: the library
 * knows them.
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
	const char *operands[ARGUMENTS_OPERANDS_MAX + 1]; /* NULL behind the last one given */
	unsigned n_operands;
	const char *const *command; /* what follows "--", NULL behind the last word; NULL: nothing was given or the command takes none */
	const char *name;
	bool json, libvirt, all, drops, check, no_open;
	const char *write, *snaplen;                                   /* NULL: not given */
	guint64 ring;                                                  /* bytes; 0: not given */
	const char *remove, *protocol, *state, *port, *remote, *after; /* NULL: not given */
	double timeout, interval, wait;                                /* seconds; timeout 0: none */
	bool pass_fd;
	const char *api_listen;              /* NULL: not given */
	const char *config;                  /* NULL: the default file, if it is there */
	const char *runtime_dir, *state_dir; /* NULL: the default directories */
	const char *guest, *mac, *memory;    /* NULL: not given */
	bool vhost_user, dgram, vde;
	int ready_fd; /* -1: none; else open, closed on exec */
	bool help;
	GArray *settings; /* of struct argument_setting, in order */
};

/* Reads what follows the command's name, up to NULL.  On failure too, arguments_done() is to be called. */
bool arguments_parse(const struct command *command, char **argv, struct arguments *ret, GError **error);
void arguments_done(struct arguments *a);
