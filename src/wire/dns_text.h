/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data of DNS records as text that a user writes (RFC 1035 §5.1), as far as records can be given. */
#pragma once

#include "wire/dns.h"

/* "A", "AAAA", "CNAME", "MX", "PTR", "SRV", "TXT", in any case.  -EINVAL: another one. */
int dns_type_parse(const char *text, size_t len, uint16_t *ret);
/* The name of one of those types. */
const char *dns_type_name(uint16_t type);

/*
 * Writes the data that @text means: an address; a domain name; for MX the preference and a name; for SRV priority, weight, port and a name;
 * for TXT strings in double quotes with white space between them, in which \" and \\ stand for " and \, or text without quotes, which is
 * cut into strings of 255 bytes.  -EINVAL; -ENOSPC: @w is full.
 */
int dns_data_from_text(uint16_t type, const char *text, struct bytes_writer *w);
