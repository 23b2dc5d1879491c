/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/igmp.h"

#include "wire/checksum.h"

#include <errno.h>

#define MESSAGE_MIN 8u
#define ROBUSTNESS 2u /* RFC 3376 §8.1 */

int igmp_parse(const void *message, size_t len, struct igmp_message *ret)
{
	struct checksum c = { 0 };
	checksum_add(&c, message, len);
	if (len < MESSAGE_MIN || !checksum_is_right(&c))
		return -EBADMSG;
	struct bytes_reader r = bytes_reader(message, len);
	struct igmp_message m = { .type = bytes_get_u8(&r) };
	bytes_skip(&r, 3);
	int error = 0;
	switch (m.type) {
	case IGMP_QUERY:
	case IGMP_V1_REPORT:
	case IGMP_V2_REPORT:
	case IGMP_V2_LEAVE: m.group = bytes_get_be32(&r); break;
	case IGMP_V3_REPORT: error = group_records_parse(&r, false, &m.records); break;
	default: error = -EPROTONOSUPPORT;
	}
	if (error == 0)
		*ret = m;
	return error;
}

void igmp_emit_query(struct bytes_writer *w, ip4_t group, uint8_t tenths, uint8_t interval_s)
{
	uint8_t bytes[IGMP_QUERY_LEN];
	struct bytes_writer m = bytes_writer(bytes, sizeof(bytes));
	bytes_put(&m, (uint8_t[]){ IGMP_QUERY, tenths, 0, 0 }, 4);
	bytes_put_be32(&m, group);
	bytes_put(&m, (uint8_t[]){ ROBUSTNESS, interval_s, 0, 0 }, 4);
	struct checksum c = { 0 };
	checksum_add(&c, bytes, sizeof(bytes));
	struct bytes_writer field = bytes_writer(bytes + 2, 2);
	bytes_put_be16(&field, checksum_value(&c));
	bytes_put(w, bytes, sizeof(bytes));
}
