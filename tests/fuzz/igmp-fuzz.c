/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One IGMP message, as it is and with its checksum mended. */
#include "wire/checksum.h"
#include "wire/igmp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void parse(const uint8_t *data, size_t size)
{
	struct igmp_message m;
	struct group_record r;
	if (igmp_parse(data, size, &m) < 0)
		return;
	unsigned promised = m.n_records, n = 0;
	check(promised == 0 || m.type == IGMP_V3_REPORT);
	for (; igmp_next_record(&m, &r); n++)
		check(ip_is_v4(&r.group) && !(group_record_joins(&r) && group_record_leaves(&r)));
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
	checksum_add(&c, mended, size);
	mended[2] = (uint8_t)(checksum_value(&c) >> 8);
	mended[3] = (uint8_t)checksum_value(&c);
	parse(mended, size);
	free(mended);
	return 0;
}
