/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that are valid, but do nothing in this network: nobody else would tell the user that one of them is missing or superfluous. */
#pragma once

struct log;
struct settings;

/* A warning for each of them. */
void idle_options_warn(const struct settings *s, struct log *log);
