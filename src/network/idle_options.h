/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that are valid, but have no effect in this network: the user may look for the fault in a guest otherwise. */
#pragma once

struct log;
struct settings;

/* Logs a warning for each of them. */
void idle_options_warn(const struct settings *s, struct log *log);
