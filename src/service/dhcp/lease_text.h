/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The format of dnsmasq's lease file, which other tools can read: one line for each lease,
 *
 *     1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu 01:52:54:00:75:dd:1a
 *
 * expiry (Unix seconds; 0: never), MAC, address, host name or "*", client id or "*".  Leases of DHCPv6 come behind a line with the
 * server's DUID; they have an IAID instead of the MAC, and the client's DUID as client id:
 *
 *     duid 00:03:00:01:52:54:00:8a:64:15
 *     1441525677 7654321 fd12:3456:789a::c0a8:7a06 ubuntu 00:03:00:01:52:54:00:75:dd:1a
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEASE_TEXT_NAME_SIZE 256
#define LEASE_TEXT_CLIENT_ID_MAX 255
/* The longest line, with line feed and NUL. */
#define LEASE_TEXT_LINE_SIZE (20 + 1 + MAC_TEXT_SIZE + IP_TEXT_SIZE + LEASE_TEXT_NAME_SIZE + 3 * LEASE_TEXT_CLIENT_ID_MAX + 2)

struct lease_line {
	uint64_t expires_s; /* Unix time; 0: never */
	struct mac mac;
	ip4_t ip;           /* 0: the lease is one of DHCPv6 */
	struct ip_addr ip6; /* of DHCPv6 only, as the IAID */
	uint32_t iaid;
	char name[LEASE_TEXT_NAME_SIZE]; /* "": no name.  dnsmasq's may have several labels. */
	size_t client_id_len;            /* 0: no client id */
	uint8_t client_id[LEASE_TEXT_CLIENT_ID_MAX];
};

/* Parses one line without its line feed.  -EINVAL. */
int lease_text_parse(const char *line, size_t len, struct lease_line *ret);
/* Writes the line of the server's DUID with its line feed, in at most LEASE_TEXT_LINE_SIZE bytes; returns its length. */
size_t lease_text_format_duid(const uint8_t *duid, size_t len, char ret[static LEASE_TEXT_LINE_SIZE]);
/* Writes the line with its line feed; returns its length. */
size_t lease_text_format(const struct lease_line *l, char ret[static LEASE_TEXT_LINE_SIZE]);

/*
 * Calls @each for every valid line of @text that has a lease, and returns the number of invalid lines.  A last line counts without a line
 * feed, too: an editor may have left it out.  Were it cut by a crash, no more than the end of the client id could be missing.  @each may
 * return false to count a line as invalid.
 */
size_t lease_text_parse_all(const char *text, size_t len, bool (*each)(void *opaque, const struct lease_line *l), void *opaque);
