/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help text for a terminal, made from the tables of commands, flags and options. */
#pragma once

struct command;

/* Strings to g_free(). */
char *help_program(void);
char *help_command(const struct command *command);
