/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NAT engines of this build: what --engine chooses from. */
#pragma once

#include <stddef.h>

struct engine_ops;

/* The engine that is used when none is named. */
#define ENGINE_DEFAULT_NAME "native"

/* The engine at @index, or NULL behind the last one. */
const struct engine_ops *engine_at(size_t index);
/* NULL when there is no such engine. */
const struct engine_ops *engine_find(const char *name);
