/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of commands, from which the dispatcher, --help, the manual page and the completions are made.
 *
 * A new command is a file that defines `const struct command command_NAME` with its flags, and a row in COMMANDS.
 */
#pragma once

#include "app/flag.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct arguments;

struct command {
	const char *name;
	const char *summary; /* one sentence */
	const char *description;

	const struct flag *flags;  /* its own flags, up to FLAG_END; NULL: none */
	size_t flags_size;         /* of the struct that they fill */
	const void *flags_initial; /* its values before the command line is parsed; NULL: zeroes */
	unsigned shares;           /* shared flags beside FLAG_SHARED_BY_ALL, by enum flag_share */
	bool takes_options;        /* also options of the network: lanlet_option_at() */

	/* The operands, such as "GUEST PORT"; the network is then given by --network only. NULL: one operand, the network's name. */
	const char *operands;
	unsigned min_operands, max_operands;
	bool takes_command; /* ends with "-- COMMAND [ARGUMENT...]" */

	bool (*run)(const struct arguments *a, GError **error);
};

/* In the order of --help. */
#define COMMANDS(ROW) \
	ROW(run) \
	ROW(qemu) \
	ROW(exec) \
	ROW(status) \
	ROW(web) \
	ROW(ports) \
	ROW(forward) \
	ROW(leases) \
	ROW(wait) \
	ROW(connect) \
	ROW(proxy) \
	ROW(flows) \
	ROW(top) \
	ROW(drops) \
	ROW(events) \
	ROW(capture) \
	ROW(reserve) \
	ROW(names) \
	ROW(log_level) \
	ROW(reload) \
	ROW(import) \
	ROW(doctor)

#define COMMAND_DECLARED(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARED)
#undef COMMAND_DECLARED

/* The command at @index, or NULL behind the last one. */
const struct command *command_at(size_t index);
/* NULL when there is none. */
const struct command *command_find(const char *name);

/* The flag of @c at @index, first its own, then the shared ones; NULL behind the last one. */
const struct flag *command_flag_at(const struct command *c, size_t index);
