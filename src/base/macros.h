/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small language helpers that every layer may use. */
#pragma once

#include <assert.h>
#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The object of type @type whose member @member is at @ptr. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define LANLET_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
