/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/group_record.h"

#include <errno.h>

static bool read_record(struct bytes_reader *r, bool v6, struct group_record *ret)
{
	struct group_record record = { .type = bytes_get_u8(r) };
	size_t aux_words = bytes_get_u8(r), address_size = v6 ? sizeof(record.group.b) : sizeof(ip4_t);
	record.n_sources = bytes_get_be16(r);
	if (v6)
		bytes_get(r, record.group.b, sizeof(record.group.b));
	else
		record.group = ip_from_ip4(bytes_get_be32(r));
	bytes_skip(r, address_size * record.n_sources + 4 * aux_words);
	if (r->failed)
		return false;
	*ret = record;
	return true;
}

int group_records_parse(struct bytes_reader *r, bool v6, struct group_records *ret)
{
	struct group_record record;
	bytes_skip(r, 2); /* reserved, or flags */
	struct group_records records = { .v6 = v6, .n = bytes_get_be16(r), .bytes = *r };
	for (unsigned i = 0; i < records.n; i++)
		if (!read_record(r, v6, &record))
			return -EBADMSG;
	*ret = records;
	return 0;
}

bool group_records_next(struct group_records *records, struct group_record *ret)
{
	if (records->n == 0)
		return false;
	records->n--;
	return read_record(&records->bytes, records->v6, ret);
}

bool group_record_joins(const struct group_record *r)
{
	switch (r->type) {
	case GROUP_IS_EXCLUDE:
	case GROUP_TO_EXCLUDE: return true;
	case GROUP_IS_INCLUDE:
	case GROUP_TO_INCLUDE:
	case GROUP_ALLOW: return r->n_sources > 0;
	default: return false;
	}
}

bool group_record_leaves(const struct group_record *r)
{
	return (r->type == GROUP_IS_INCLUDE || r->type == GROUP_TO_INCLUDE) && r->n_sources == 0;
}
