/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory of files for network boot.  Nothing outside of it can be opened, whatever the path and its symbolic links say: the kernel
 * resolves them beneath the directory (openat2(2), RESOLVE_BENEATH).
 */
#pragma once

#include "service/boot/files.h"

struct boot_directory {
	struct boot_files files;
	int fd;
};

/* Opens the directory @path.  -ENOTDIR, -ENOSYS where the kernel has no openat2() (before Linux 5.6), or another negative errno. */
int boot_directory_init(struct boot_directory *d, const char *path);
/* No file of it is open.  Harmless on a zeroed struct. */
void boot_directory_done(struct boot_directory *d);
