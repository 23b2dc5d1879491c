/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MLD, versions 1 and 2 (RFC 2710, RFC 3810): membership of IPv6 multicast groups, in ICMPv6 messages. */
#pragma once

#include "wire/group_record.h"

#define MLD_QUERY_LEN 28 /* of version 2, without sources */

enum mld_type {
	MLD_QUERY = 130,
	MLD_V1_REPORT = 131,
	MLD_V1_DONE = 132,
	MLD_V2_REPORT = 143,
};

static inline bool mld_is_type(uint8_t icmp6_type)
{
	return (icmp6_type >= MLD_QUERY && icmp6_type <= MLD_V1_DONE) || icmp6_type == MLD_V2_REPORT;
}

struct mld_message {
	uint8_t type;                 /* enum mld_type */
	struct ip_addr group;         /* "::" in a general query and in version 2 reports */
	struct group_records records; /* of a version 2 report; otherwise empty */
};

/* Parses a whole ICMPv6 message from @src to @dst.  -EBADMSG: truncated or wrong checksum; -EPROTONOSUPPORT: another type. */
int mld_parse(const struct ip_addr *src, const struct ip_addr *dst, const void *message, size_t len, struct mld_message *ret);

/* Writes a version 2 query for @group ("::": all groups), to be answered within @ms (below 32768) milliseconds. */
void mld_emit_query(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, const struct ip_addr *group, uint16_t ms,
		    uint8_t interval_s);
