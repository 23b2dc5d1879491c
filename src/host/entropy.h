/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random bytes from the kernel, for the keys that pure code is configured with. */
#pragma once

#include <stddef.h>

/* Fills @to.  Blocks only while the host boots, until the kernel's generator is initialised. */
void entropy_get(void *to, size_t len);
