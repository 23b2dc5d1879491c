/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/entropy.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

void entropy_get(void *to, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = getrandom((uint8_t *)to + at, len - at, 0);
		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno != EINTR)
			abort(); /* a kernel older than 3.17: there is no safe alternative */
	}
}
