/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Group records of IGMPv3 and MLDv2 reports (RFC 3376 §4.2, RFC 3810 §5.2), which differ in the size of addresses only.
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

/* The records of a report, checked to be complete.  Borrows the message. */
struct group_records {
	bool v6;
	uint16_t n; /* still to be read */
	struct bytes_reader bytes;
};

/* @r is at the byte behind the report's checksum.  -EBADMSG: truncated. */
int group_records_parse(struct bytes_reader *r, bool v6, struct group_records *ret);
/* The next record; false behind the last one. */
bool group_records_next(struct group_records *records, struct group_record *ret);

/* Whether the sender of @r wants the group, from any source or from some. */
bool group_record_joins(const struct group_record *r);
/* Whether the sender of @r wants nothing more of the group. */
bool group_record_leaves(const struct group_record *r);
