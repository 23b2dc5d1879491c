/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One IGMP message, as it is, and with a corrected checksum. */
#include "wire/igmp.h"

#include "groups.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const uint8_t *data, size_t size)
{
	struct igmp_message m;
	if (igmp_parse(data, size, &m) < 0)
		return;
	check(m.records.n == 0 || m.type == IGMP_V3_REPORT);
	check_records(&m.records);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_both(data, size, (struct checksum){ 0 }, parse);
	return 0;
}
