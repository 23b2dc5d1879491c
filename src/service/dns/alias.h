/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answer to a query for an alias of the user's (CNAME) that leads to a name outside. */
#pragma once

#include "service/dns/reply.h"

/*
 * Writes the answer to @q: the CNAME records of @reply, then the answer section of @answer, which name servers outside have given for the
 * last link, with its code.
 */
void dns_alias_emit(struct bytes_writer *w, const struct dns_query *q, const struct dns_reply *reply, const uint8_t *answer, size_t len);
