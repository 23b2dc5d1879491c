/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/guest_name.h"

/* @c as it may stand in a label; NUL when it may not. */
static char clean_char(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
		return c;
	return c == ' ' ? '-' : '\0';
}

static bool is_inner(char c)
{
	return c == '-' || c == '_';
}

bool guest_name_clean(const void *raw, size_t len, char ret[static GUEST_NAME_SIZE])
{
	const char *from = raw;
	size_t n = 0;
	ret[0] = '\0';
	/* A client may end its strings with NUL (RFC 2132 §2). */
	for (size_t i = 0; i < len && from[i] != '\0' && from[i] != '.'; i++, n++) {
		char c = clean_char(from[i]);
		if (c == '\0' || n == GUEST_NAME_SIZE - 1) {
			ret[0] = '\0';
			return false;
		}
		ret[n] = c;
	}
	ret[n] = '\0';
	if (n > 0 && !is_inner(ret[0]) && !is_inner(ret[n - 1]))
		return true;
	ret[0] = '\0';
	return false;
}
