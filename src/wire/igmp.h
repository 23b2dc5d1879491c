/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IGMP, versions 1 to 3 (RFC 1112 appendix I, RFC 2236, RFC 3376): membership of IPv4 multicast groups. */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"
#include "wire/group_record.h"

#define IGMP_QUERY_LEN 12 /* of version 3, without sources */

enum igmp_type {
	IGMP_QUERY = 0x11,
	IGMP_V1_REPORT = 0x12,
	IGMP_V2_REPORT = 0x16,
	IGMP_V2_LEAVE = 0x17,
	IGMP_V3_REPORT = 0x22,
};

struct igmp_message {
	uint8_t type;                 /* enum igmp_type */
	ip4_t group;                  /* 0 in a general query and in version 3 reports */
	struct group_records records; /* of a version 3 report; otherwise empty */
};

/* Parses a whole message.  -EBADMSG: truncated or wrong checksum; -EPROTONOSUPPORT: another type. */
int igmp_parse(const void *message, size_t len, struct igmp_message *ret);

/* Writes a version 3 query for @group (0: all groups), to be answered within @tenths (below 128) of a second. */
void igmp_emit_query(struct bytes_writer *w, ip4_t group, uint8_t tenths, uint8_t interval_s);
