/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of state that survive a restart.  They are read and replaced as a whole, by rename(), so that a reader or a crash never
 * sees half a file.  There is no fsync(): it would delay the packets of all guests.
 */
#pragma once

#include <stddef.h>

/*
 * Reads the regular file at @path.  The caller frees *@ret, which has a NUL behind its *@ret_len bytes.  -ENOENT; -EFBIG over 64
 * MiB; -EINVAL, without blocking, when it is not a regular file; or another negative errno.
 */
int state_file_read(const char *path, char **ret, size_t *ret_len);
/* Replaces @path by a file with mode 0600 and these bytes.  Negative errno; then the old file is unchanged. */
int state_file_replace(const char *path, const char *bytes, size_t len);
