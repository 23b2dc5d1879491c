/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP options by their names (IANA, "BOOTP Vendor Extensions and DHCP Options"), and their values as text: "ntp-server" and
 * "10.0.0.1,10.0.0.2".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DHCP_OPTION_VALUE_MAX 255u /* bytes; longer ones would be split (RFC 3396) */

enum dhcp_option_kind {
	DHCP_KIND_UNKNOWN, /* addresses if the text has them, else text; or what a word before it says, as "u16:1500" */
	DHCP_KIND_ADDRESS, /* one IPv4 address */
	DHCP_KIND_ADDRESSES,
	DHCP_KIND_TEXT,
	DHCP_KIND_U8,
	DHCP_KIND_U16,
	DHCP_KIND_U32,
	DHCP_KIND_FLAG,    /* 0 or 1 */
	DHCP_KIND_DOMAINS, /* RFC 3397, without compression */
	DHCP_KIND_ROUTES,  /* "PREFIX,ROUTER" pairs (RFC 3442) */
	DHCP_KIND_BYTES,   /* hexadecimal digits, pairs may have ":" between them */
};

/* The code and kind of the option @name, which may be a number from 1 to 254.  -ENOENT. */
int dhcp_option_find(const char *name, uint8_t *ret_code, enum dhcp_option_kind *ret_kind);

/*
 * Parses the value @text of an option of @kind into @ret; returns its length.  -EINVAL, and *@ret_why is a static text that says what is
 * expected.
 */
int dhcp_option_parse(enum dhcp_option_kind kind, const char *text, uint8_t ret[static DHCP_OPTION_VALUE_MAX], const char **ret_why);
