/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IGMP, versions 1 to 3 (RFC 1112 appendix I, RFC 2236, RFC 3376): who wants which IPv4 group. */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define IGMP_QUERY_LEN 12 /* as version 3 has it */

enum igmp_type {
	IGMP_QUERY = 0x11,
	IGMP_V1_REPORT = 0x12,
	IGMP_V2_REPORT = 0x16,
	IGMP_V2_LEAVE = 0x17,
	IGMP_V3_REPORT = 0x22,
};

/* RFC 3376 §4.2.12, and with the same numbers RFC 3810 §5.2.12 */
enum group_record_type {
	GROUP_IS_INCLUDE = 1,
	GROUP_IS_EXCLUDE = 2,
	GROUP_TO_INCLUDE = 3,
	GROUP_TO_EXCLUDE = 4,
	GROUP_ALLOW = 5,
	GROUP_BLOCK = 6,
};

struct group_record {
	uint8_t type;
	uint16_t n_sources;
	struct ip_addr group;
};

/* Whether who sends @r wants the group, from whatever source. */
static inline bool group_record_joins(const struct group_record *r)
{
	switch (r->type) {
	case GROUP_IS_EXCLUDE:
	case GROUP_TO_EXCLUDE:
		return true;
	case GROUP_IS_INCLUDE:
	case GROUP_TO_INCLUDE:
	case GROUP_ALLOW:
		return r->n_sources > 0;
	default:
		return false;
	}
}

/* Whether it wants nothing more of it. */
static inline bool group_record_leaves(const struct group_record *r)
{
	return (r->type == GROUP_IS_INCLUDE || r->type == GROUP_TO_INCLUDE) && r->n_sources == 0;
}

struct igmp_message {
	uint8_t type;                /* enum igmp_type */
	ip4_t group;                 /* of all but version 3 reports; 0: of all groups */
	uint16_t n_records;          /* of a version 3 report, */
	struct bytes_reader records; /* whose bytes are there; borrowed */
};

/* A whole message.  -EBADMSG: truncated or a wrong checksum; -EPROTONOSUPPORT: another type. */
int igmp_parse(const void *message, size_t len, struct igmp_message *ret);
/* The next record of a version 3 report; false behind the last. */
bool igmp_next_record(struct igmp_message *m, struct group_record *ret);

/* A version 3 query for @group (0: all) that is to be answered within @tenths (below 128) of a second. */
void igmp_emit_query(struct bytes_writer *w, ip4_t group, uint8_t tenths, uint8_t interval_s);
