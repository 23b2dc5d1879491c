/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole lease file: every line that is accepted can be written, and reads back the same. */
#include "service/dhcp/lease_text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static bool write_and_read(void *opaque, const struct lease_line *l)
{
	char text[LEASE_TEXT_LINE_SIZE];
	struct lease_line again;
	size_t len = lease_text_format(l, text);
	check(len < sizeof(text) && text[len - 1] == '\n' && text[len] == '\0');
	check(lease_text_parse(text, len - 1, &again) == 0);
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c): both were zeroed as a whole */
	check(memcmp(l, &again, sizeof(again)) == 0);
	(*(size_t *)opaque)++;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t good = 0;
	size_t damaged = lease_text_parse_all((const char *)data, size, write_and_read, &good);
	check(good + damaged <= size);
	return 0;
}
