/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NAT engines of this build: what --engine chooses from. */
#pragma once

#include <stddef.h>

struct engine_ops;

/* The engine that is used when none is named. */
#ifdef HAVE_SLIRP
#define ENGINE_DEFAULT_NAME "libslirp"
#else
#define ENGINE_DEFAULT_NAME "native"
#endif

/* The engine at @index, or NULL behind the last one. */
const struct engine_ops *engine_at(size_t index);
/* NULL when there is no such engine. */
const struct engine_ops *engine_find(const char *name);
