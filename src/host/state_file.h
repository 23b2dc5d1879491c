/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small files that outlive us: read whole, replaced whole by rename(), so that they are whole at any time somebody looks, or
 * kills us.  Not fsynced: that would stall every guest's packets.
 */
#pragma once

#include <stddef.h>

/*
 * All bytes of the regular file at @path, with a NUL behind them; to free().  Negative errno: -ENOENT, -EFBIG above 64 MiB,
 * -EINVAL for what is no regular file, which is not waited for either.
 */
int state_file_read(const char *path, char **ret, size_t *ret_len);
/* Puts a file of mode 0600 with these bytes at @path.  Negative errno, and the old file is still there. */
int state_file_replace(const char *path, const char *bytes, size_t len);
