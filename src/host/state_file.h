/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of state that survive a restart.  They are read as a whole and replaced as a whole, by rename(), so that a reader or a crash never
 * sees half a file; a file of lines may also be appended to.  There is no fsync(): it would delay the packets of all guests.
 */
#pragma once

#include <stddef.h>

/* Many times the size of the largest file. */
#define STATE_FILE_BYTES_MAX ((size_t)64 << 20)

/*
 * Reads the regular file at @path.  The caller frees *@ret, which has a NUL behind its *@ret_len bytes.  -ENOENT; -EFBIG over
 * STATE_FILE_BYTES_MAX; -EINVAL, without blocking, when it is not a regular file; or another negative errno.
 */
int state_file_read(const char *path, char **ret, size_t *ret_len);
/* Replaces @path by a file with mode 0600 and these bytes.  Negative errno; then the old file is unchanged. */
int state_file_replace(const char *path, const char *bytes, size_t len);
/*
 * Appends to the file at @path, which has @size bytes.  -ESTALE: it has another size, so another program has changed it; -EFBIG;
 * or another negative errno.  Then the file is unchanged, unless it could not be made shorter again either.
 */
int state_file_append(const char *path, size_t size, const char *bytes, size_t len);
