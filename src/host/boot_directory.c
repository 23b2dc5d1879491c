/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/boot_directory.h"

#include "base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct boot_file {
	int fd;
};

static int open_beneath(int directory, const char *path, unsigned flags)
{
	struct open_how how = {
		.flags = O_CLOEXEC | flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/* As the contract has them: a path that leads out of the directory, or is no path, is not accessible. */
static int error_of(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG: return -ENOENT;
	case -EACCES:
	case -EPERM:
	case -EXDEV:
	case -ELOOP:
	case -EINVAL:
	case -ENXIO: return -EACCES;
	default: return err;
	}
}

static int open_file(struct boot_files *f, const char *path, struct boot_file **ret, uint64_t *ret_size)
{
	const struct boot_directory *d = container_of(f, struct boot_directory, files);
	struct stat st;
	while (*path == '/')
		path++;
	/* O_NONBLOCK: a FIFO in the directory does not block the network. */
	int fd = open_beneath(d->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_of(fd);
	int r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EACCES;
	struct boot_file *file = r == 0 ? malloc(sizeof(*file)) : NULL;
	if (!file) {
		close(fd);
		return r < 0 ? r : -ENOMEM;
	}
	file->fd = fd;
	*ret = file;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

static ssize_t read_file(struct boot_file *file, uint64_t offset, void *ret, size_t len)
{
	ssize_t n;
	do
		n = pread(file->fd, ret, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static void close_file(struct boot_file *file)
{
	close(file->fd);
	free(file);
}

static const struct boot_files_ops ops = { .open = open_file, .read = read_file, .close = close_file };

int boot_directory_init(struct boot_directory *d, const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* That needs permission to search the directory, as files in it do. */
	int probe = open_beneath(fd, ".", O_PATH);
	if (probe < 0) {
		close(fd);
		return probe;
	}
	close(probe);
	*d = (struct boot_directory){ .files = { &ops }, .fd = fd };
	return 0;
}

void boot_directory_done(struct boot_directory *d)
{
	if (!d->files.ops)
		return;
	close(d->fd);
	*d = (struct boot_directory){ 0 };
}
