/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the values of options, one function for each kind.  0, or -EINVAL with @ret untouched. */
#pragma once

#include "base/addr.h"
#include "service/dhcp/rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, from @min to @max. */
int value_unsigned(const char *text, uint32_t min, uint32_t max, uint32_t *ret);
/* "true", "yes", "on", "1" and their opposites. */
int value_switch(const char *text, bool *ret);
/*
 * Seconds, or a number with one of the letters s, m, h, d, w.  "infinite" is @infinite, and all other values have to be less.
 */
int value_duration(const char *text, uint32_t infinite, uint32_t *ret);
/* "A.B.C.D:PORT" or "[V6ADDRESS]:PORT". */
int value_endpoint(const char *text, struct ip_endpoint *ret);
/* The time of a DHCP lease: a duration of at least 10 seconds, or UINT32_MAX for "infinite". */
int value_lease_time(const char *text, uint32_t *ret);
/* A tag of DHCP clients: letters, digits, '-' and '_'.  -EINVAL: *@ret_why says so. */
int value_tag(const char *text, char ret[static DHCP_TAG_SIZE], const char **ret_why);
/* Two addresses, the lower one first, with "-" or "," between them. */
int value_ip4_range(const char *text, ip4_t *ret_first, ip4_t *ret_last);
/* One label of a host name (RFC 1123 §2.1, and inner '_'), in lower case; @size includes the NUL. */
int value_label(const char *text, char *ret, size_t size);
/* Labels with dots between them, in lower case; a dot at the end is removed. */
int value_domain(const char *text, char *ret, size_t size);
/* Any name that records can have, of @len bytes, whose labels may have underscores anywhere (RFC 8552); otherwise likewise. */
int value_dns_name(const char *text, size_t len, char *ret, size_t size);
/* Whether @text is not empty and has no control characters, so that it can be shown in one line. */
bool value_is_text(const char *text);
