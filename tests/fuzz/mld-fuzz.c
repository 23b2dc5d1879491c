/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One ICMPv6 message of MLD from fe80::2 to ff02::16, as it is, and with a corrected checksum. */
#include "wire/mld.h"

#include "groups.h"
#include "wire/ipv6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ip_addr src = { { 0xfe, 0x80, [15] = 2 } }, dst = { { 0xff, 2, [15] = 0x16 } };

static void parse(const uint8_t *data, size_t size)
{
	struct mld_message m;
	if (mld_parse(&src, &dst, data, size, &m) < 0)
		return;
	check(mld_is_type(m.type));
	check(m.records.n == 0 || m.type == MLD_V2_REPORT);
	check_records(&m.records);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct checksum pseudo = { 0 };
	checksum_add_pseudo6(&pseudo, &src, &dst, IPV6_NEXT_ICMP, (uint32_t)size);
	parse_both(data, size, pseudo, parse);
	return 0;
}
