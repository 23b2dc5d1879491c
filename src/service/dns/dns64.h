/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS64 (RFC 6147): a name that has IPv4 addresses only gets IPv6 addresses with those in them (gateway/nat64.h), so that guests without
 * IPv4 reach it.
 */
#pragma once

#include "service/dns/reply.h"

#include <stdbool.h>

/*
 * Whether @answer, of name servers outside, leaves the AAAA query @q without an address, so that the name's A records are to be asked for.
 * Not for clients that validate by themselves, to whom made-up records would be forged (§5.5).
 */
bool dns64_is_wanted(const struct dns_query *q, const uint8_t *answer, size_t len);
/* Whether @answer is to that question for A records. */
bool dns64_is_source(const struct dns_query *q, const uint8_t *answer, size_t len);
/* Writes the answer to @q from @answer, of which that is true: CNAME records as they are, and AAAA records in place of A. */
void dns64_emit(struct bytes_writer *w, const struct dns_query *q, const uint8_t *answer, size_t len);
/* The addresses of ipv4only.arpa, by which hosts find out the prefix (RFC 7050, RFC 8880 §7.2).  False: @q is about another name or type.
 */
bool dns64_answer_ipv4only(const struct dns_query *q, struct dns_reply *ret);
