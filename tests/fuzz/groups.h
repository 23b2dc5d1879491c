/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the targets of IGMP and MLD share. */
#pragma once

#include "wire/checksum.h"
#include "wire/group_record.h"

#include <stdlib.h>
#include <string.h>

static inline void check(bool condition)
{
	if (!condition)
		abort();
}

/* All that were promised are there, and none both joins and leaves. */
static inline void check_records(struct group_records *records)
{
	unsigned promised = records->n, n = 0;
	for (struct group_record r; group_records_next(records, &r); n++)
		check((records->v6 || ip_is_v4(&r.group)) && !(group_record_joins(&r) && group_record_leaves(&r)));
	check(n == promised);
}

/* Parses the message as it is, and with its checksum corrected; @pseudo is the sum of the pseudo-header. */
static inline void parse_both(const uint8_t *data, size_t size, struct checksum pseudo, void (*parse)(const uint8_t *data, size_t size))
{
	parse(data, size);
	uint8_t *mended = size >= 4 ? malloc(size) : NULL;
	if (!mended)
		return;
	memcpy(mended, data, size);
	mended[2] = mended[3] = 0;
	checksum_add(&pseudo, mended, size);
	mended[2] = (uint8_t)(checksum_value(&pseudo) >> 8);
	mended[3] = (uint8_t)checksum_value(&pseudo);
	parse(mended, size);
	free(mended);
}
