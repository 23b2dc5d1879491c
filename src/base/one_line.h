/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts that are shown as one line and may quote a value with control characters. */
#pragma once

#include <stddef.h>

/* Replaces control characters of @text, which has a NUL unless @size is 0. */
static inline void one_line(char *text, size_t size)
{
	if (size == 0)
		return;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}
