/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory whose files guests may read: a contract, implemented by host/boot_directory.c, and by a few files in memory in tests. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct boot_file;
struct boot_files;

struct boot_files_ops {
	/*
	 * Opens the regular file @path, relative to the directory; a "/" in front means nothing.  -ENOENT; -EACCES: it is not readable, not
	 * a regular file, or not in the directory; -EMFILE and other negative errnos.
	 */
	int (*open)(struct boot_files *f, const char *path, struct boot_file **ret, uint64_t *ret_size);
	/* Reads up to @len bytes at @offset; 0 at the end of the file.  Negative errno. */
	ssize_t (*read)(struct boot_file *file, uint64_t offset, void *ret, size_t len);
	void (*close)(struct boot_file *file);
};

struct boot_files {
	const struct boot_files_ops *ops;
};
