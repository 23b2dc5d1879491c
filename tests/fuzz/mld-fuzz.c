/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One ICMPv6 message of MLD from fe80::2 to ff02::16, as it is and with its checksum mended. */
#include "wire/checksum.h"
#include "wire/ipv6.h"
#include "wire/mld.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ip_addr src = { { 0xfe, 0x80, [15] = 2 } }, dst = { { 0xff, 2, [15] = 0x16 } };

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void parse(const uint8_t *data, size_t size)
{
	struct mld_message m;
	struct group_record r;
	if (mld_parse(&src, &dst, data, size, &m) < 0)
		return;
	check(mld_is_type(m.type));
	unsigned promised = m.n_records, n = 0;
	check(promised == 0 || m.type == MLD_V2_REPORT);
	for (; mld_next_record(&m, &r); n++)
		check(!(group_record_joins(&r) && group_record_leaves(&r)));
	check(n == promised);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse(data, size);
	uint8_t *mended = size >= 4 ? malloc(size) : NULL;
	if (!mended)
		return 0;
	memcpy(mended, data, size);
	mended[2] = mended[3] = 0;
	struct checksum c = { 0 };
	checksum_add_pseudo6(&c, &src, &dst, IPV6_NEXT_ICMP, (uint32_t)size);
	checksum_add(&c, mended, size);
	mended[2] = (uint8_t)(checksum_value(&c) >> 8);
	mended[3] = (uint8_t)checksum_value(&c);
	parse(mended, size);
	free(mended);
	return 0;
}
