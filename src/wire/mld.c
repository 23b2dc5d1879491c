/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/mld.h"

#include "wire/checksum.h"
#include "wire/icmp6.h"
#include "wire/ipv6.h"

#include <errno.h>

#define ROBUSTNESS 2u /* RFC 3810 §9.1 */

static bool checksum_is_good(const struct ip_addr *src, const struct ip_addr *dst, const void *message, size_t len)
{
	struct checksum c = { 0 };
	checksum_add_pseudo6(&c, src, dst, IPV6_NEXT_ICMP, (uint32_t)len);
	checksum_add(&c, message, len);
	return checksum_is_right(&c);
}

int mld_parse(const struct ip_addr *src, const struct ip_addr *dst, const void *message, size_t len, struct mld_message *ret)
{
	struct bytes_reader r = bytes_reader(message, len);
	struct mld_message m = { .type = bytes_get_u8(&r) };
	bytes_skip(&r, 3);
	if (r.failed || !checksum_is_good(src, dst, message, len))
		return -EBADMSG;
	if (!mld_is_type(m.type))
		return -EPROTONOSUPPORT;
	if (m.type == MLD_V2_REPORT) {
		int error = group_records_parse(&r, true, &m.records);
		if (error < 0)
			return error;
	} else {
		bytes_skip(&r, 4); /* delay and reserved */
		bytes_get(&r, m.group.b, sizeof(m.group.b));
	}
	if (r.failed)
		return -EBADMSG;
	*ret = m;
	return 0;
}

void mld_emit_query(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, const struct ip_addr *group, uint16_t ms,
		    uint8_t interval_s)
{
	uint8_t body[MLD_QUERY_LEN - ICMP6_HEADER_LEN];
	struct bytes_writer b = bytes_writer(body, sizeof(body));
	bytes_put(&b, group->b, sizeof(group->b));
	bytes_put(&b, (uint8_t[]){ ROBUSTNESS, interval_s, 0, 0 }, 4);
	icmp6_emit(w, src, dst, &(struct icmp6_header){ .type = MLD_QUERY, .rest = (uint32_t)ms << 16 }, body, sizeof(body));
}
