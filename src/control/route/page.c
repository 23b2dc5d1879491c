/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /: the web page. */
#include "control/page.h"
#include "control/request.h"

const struct page_header page_headers[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" }, /* for browsers that do not know frame-ancestors */
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ NULL },
};

static void get_page(struct request *r)
{
	request_set_header(r, "Content-Security-Policy", page_policy);
	for (const struct page_header *h = page_headers; h->name; h++)
		request_set_header(r, h->name, h->value);
	request_respond_text(r, PAGE_TYPE, g_string_new_len(page_html, (gssize)page_len));
}

const struct route routes_page[] = {
	{ "GET", "/", get_page },
	{ NULL },
};
