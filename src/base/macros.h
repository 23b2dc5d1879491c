/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Macros that every layer may use. */
#pragma once

#include <assert.h>
#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Each argument is evaluated once.  These replace glib's macros, which evaluate it twice. */
#undef MIN
#undef MAX
#ifdef __CPPCHECK__ /* version 2.10 gives up files with statement expressions */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#else
#define MIN(a, b) LANLET_CHOOSE(<, a, b, __COUNTER__)
#define MAX(a, b) LANLET_CHOOSE(>, a, b, __COUNTER__)
/* The number makes names of variables that do not shadow those of a MIN() or MAX() around it. */
#define LANLET_CHOOSE(operator, a, b, number) LANLET_CHOOSE_NUMBERED(operator, a, b, number)
#define LANLET_CHOOSE_NUMBERED(operator, a, b, number) \
	({ \
		__auto_type choose_a_##number = (a); \
		__auto_type choose_b_##number = (b); \
		choose_a_##number operator choose_b_##number ? choose_a_##number : choose_b_##number; \
	})
#endif

/* The object of type @type whose member @member is at @ptr. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define LANLET_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
