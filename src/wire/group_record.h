/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who wants how much of a multicast group, as IGMPv3's and MLDv2's reports say it (RFC 3376 §4.2, RFC 3810 §5.2): the same but for
 * the size of addresses.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>

/* RFC 3376 §4.2.12, RFC 3810 §5.2.12 */
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

/* Those of a report, which were checked to be there; their bytes are borrowed. */
struct group_records {
	bool v6;
	uint16_t n; /* that are left */
	struct bytes_reader bytes;
};

/* @r is behind the report's checksum.  -EBADMSG: truncated. */
int group_records_parse(struct bytes_reader *r, bool v6, struct group_records *ret);
/* The next one; false behind the last. */
bool group_records_next(struct group_records *records, struct group_record *ret);

/* Whether who sends @r wants the group, from whatever source. */
bool group_record_joins(const struct group_record *r);
/* Whether it wants nothing more of it. */
bool group_record_leaves(const struct group_record *r);
