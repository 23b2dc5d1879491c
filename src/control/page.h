/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The web page: one HTML document that contains its style and scripts and asks the API for all that it shows.  It contains no secret.
 * page/embed.c makes it from the other files of that directory.
 */
#pragma once

#include <stddef.h>

extern const char page_html[];
extern const size_t page_len;
/* Allows its own script and style, and the API at its origin (CSP Level 3). */
extern const char page_policy[];

#define PAGE_TYPE "text/html; charset=utf-8"

struct page_header {
	const char *name, *value;
};

/* Headers that are sent with it, beside its type and policy; the last has no name. */
extern const struct page_header page_headers[];
