/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DNS records that the user has given (--name, lanlet names), as the table that DNS answers from. */
#pragma once

struct dns_records;
struct settings;

/* Fills @ret, whose key is set.  A name of one label is in the guests' domain, too.  -ENOMEM, and @ret is empty. */
int given_records_make(const struct settings *s, struct dns_records *ret);
