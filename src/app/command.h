/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands: one table, from which the dispatcher, --help and the manual page are made. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct arguments;

/* Bits of struct flag's commands. */
enum {
	COMMAND_RUN = 1 << 0,
	COMMAND_QEMU = 1 << 1,
	COMMAND_STATUS = 1 << 2,
	COMMAND_PORTS = 1 << 3,
	COMMAND_LEASES = 1 << 4,
	COMMAND_WAIT = 1 << 5,
	COMMAND_FLOWS = 1 << 6,
	COMMAND_TOP = 1 << 7,
	COMMAND_DROPS = 1 << 8,
	COMMAND_EVENTS = 1 << 9,
	COMMAND_RESERVE = 1 << 10,
	COMMAND_NAMES = 1 << 11,
	COMMAND_LOG_LEVEL = 1 << 12,
	COMMAND_RELOAD = 1 << 13,
	COMMAND_DOCTOR = 1 << 14,
	COMMAND_EXEC = 1 << 15,
	COMMAND_FORWARD = 1 << 16,
	COMMAND_CONNECT = 1 << 17,
	COMMAND_PROXY = 1 << 18,
	COMMAND_CAPTURE = 1 << 19,
	COMMAND_WEB = 1 << 20,
};

/* Those that ask a running network, and those that can answer in JSON. */
#define COMMANDS_LISTING \
	(COMMAND_PORTS | COMMAND_LEASES | COMMAND_FLOWS | COMMAND_DROPS | COMMAND_EVENTS | COMMAND_RESERVE | COMMAND_NAMES | \
	 COMMAND_LOG_LEVEL | COMMAND_RELOAD | COMMAND_FORWARD)
#define COMMANDS_ASKING \
	(COMMAND_STATUS | COMMAND_WEB | COMMAND_WAIT | COMMAND_CONNECT | COMMAND_PROXY | COMMAND_TOP | COMMAND_CAPTURE | COMMAND_DOCTOR | \
	 COMMANDS_LISTING)
#define COMMANDS_ALL (COMMAND_RUN | COMMAND_QEMU | COMMAND_EXEC | COMMANDS_ASKING)

struct command {
	const char *name;
	unsigned id;        /* COMMAND_RUN or another */
	bool takes_options; /* of the network: lanlet_option_at() */
	/* The words that follow, "GUEST PORT"; the network is then given by --network alone.  NULL: one, the network's name. */
	const char *operands;
	unsigned min_operands, max_operands;
	bool takes_command;  /* "-- COMMAND [ARGUMENT...]" at the end */
	const char *summary; /* a line */
	const char *description;
	bool (*run)(const struct arguments *a, GError **error);
};

/* The command at @index, or NULL behind the last one. */
const struct command *command_at(size_t index);
/* NULL when there is none. */
const struct command *command_find(const char *name);

bool command_run(const struct arguments *a, GError **error);
bool command_qemu(const struct arguments *a, GError **error);
bool command_exec(const struct arguments *a, GError **error);
bool command_status(const struct arguments *a, GError **error);
bool command_web(const struct arguments *a, GError **error);
bool command_forward(const struct arguments *a, GError **error);
bool command_connect(const struct arguments *a, GError **error);
bool command_proxy(const struct arguments *a, GError **error);
bool command_ports(const struct arguments *a, GError **error);
bool command_leases(const struct arguments *a, GError **error);
bool command_wait(const struct arguments *a, GError **error);
bool command_flows(const struct arguments *a, GError **error);
bool command_top(const struct arguments *a, GError **error);
bool command_drops(const struct arguments *a, GError **error);
bool command_capture(const struct arguments *a, GError **error);
bool command_events(const struct arguments *a, GError **error);
bool command_reserve(const struct arguments *a, GError **error);
bool command_names(const struct arguments *a, GError **error);
bool command_log_level(const struct arguments *a, GError **error);
bool command_reload(const struct arguments *a, GError **error);
bool command_doctor(const struct arguments *a, GError **error);
