/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page that a browser shows of a network: one HTML document with its style and scripts in it, which asks the API for everything
 * it shows.  It holds nothing that would be worth a secret.  page/embed.c makes it from the other files of that directory.
 */
#pragma once

#include <stddef.h>

extern const char page_html[];
extern const size_t page_len;
/* Nothing but its own script and style, and the API where it came from (CSP Level 3). */
extern const char page_policy[];

#define PAGE_TYPE "text/html; charset=utf-8"

struct page_header {
	const char *name, *value;
};

/* Headers to be sent with it, its type and policy apart; the last has no name. */
extern const struct page_header page_headers[];
