/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Randomness of the kernel, for what pure code is configured with. */
#pragma once

#include <stddef.h>

/* Fills @to.  Waits, if ever, only in the first moments of a machine's life. */
void entropy_get(void *to, size_t len);
