/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files to boot in memory: "small" (5 bytes), "even" (1024), "large" (200000) and "shrinks", which is shorter than it says. */
#pragma once

#include "base/macros.h"
#include "service/boot/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct boot_file {
	uint64_t size, readable;
	unsigned *n_open;
};

struct boot_memory {
	struct boot_files files;
	unsigned n_open;
};

/* The byte at @at of every file. */
static inline uint8_t boot_memory_byte(uint64_t at)
{
	return (uint8_t)(at * 31 + at / 256);
}

static inline int boot_memory_open(struct boot_files *f, const char *path, struct boot_file **ret, uint64_t *ret_size)
{
	static const struct {
		const char *name;
		uint64_t size, readable;
	} all[] = { { "small", 5, 5 }, { "even", 1024, 1024 }, { "large", 200000, 200000 }, { "shrinks", 5000, 100 }, { "empty", 0, 0 } };
	struct boot_memory *m = container_of(f, struct boot_memory, files);
	path += *path == '/';
	if (strcmp(path, "secret") == 0)
		return -EACCES;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (strcmp(all[i].name, path) != 0)
			continue;
		struct boot_file *file = malloc(sizeof(*file));
		*file = (struct boot_file){ all[i].size, all[i].readable, &m->n_open };
		m->n_open++;
		*ret = file;
		*ret_size = all[i].size;
		return 0;
	}
	return -ENOENT;
}

static inline ssize_t boot_memory_read(struct boot_file *file, uint64_t offset, void *ret, size_t len)
{
	size_t n = offset < file->readable ? (size_t)MIN((uint64_t)len, file->readable - offset) : 0;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)ret)[i] = boot_memory_byte(offset + i);
	return (ssize_t)n;
}

static inline void boot_memory_close(struct boot_file *file)
{
	--*file->n_open;
	free(file);
}

static const struct boot_files_ops boot_memory_ops = { boot_memory_open, boot_memory_read, boot_memory_close };
