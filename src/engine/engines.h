/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of NAT engines in this build: the values of --engine. */
#pragma once

#include <stddef.h>

struct engine_ops;

/* The default of --engine. */
#define ENGINE_DEFAULT_NAME "native"

/* The engine at @index, or NULL behind the last one. */
const struct engine_ops *engine_at(size_t index);
/* NULL when there is no such engine. */
const struct engine_ops *engine_find(const char *name);
