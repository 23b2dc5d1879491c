/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Macros that every layer may use. */
#pragma once

#include <assert.h>
#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Each argument is evaluated once.  These replace glib's macros, which evaluate it twice. */
#undef MIN
#undef MAX
#define MIN(a, b) \
	({ \
		__auto_type min_a = (a); \
		__auto_type min_b = (b); \
		min_a < min_b ? min_a : min_b; \
	})
#define MAX(a, b) \
	({ \
		__auto_type max_a = (a); \
		__auto_type max_b = (b); \
		max_a > max_b ? max_a : max_b; \
	})

/* The object of type @type whose member @member is at @ptr. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define LANLET_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
