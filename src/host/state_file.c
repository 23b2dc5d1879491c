/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)65536)

static int read_all(int fd, char **ret, size_t *ret_len)
{
	char *bytes = NULL;
	size_t len = 0, size = 0;
	for (;;) {
		if (size - len < CHUNK + 1) {
			char *grown = realloc(bytes, size = 2 * size + CHUNK + 1);
			if (!grown)
				break;
			bytes = grown;
		}
		ssize_t n = read(fd, bytes + len, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		len += n > 0 ? (size_t)n : 0;
		if (n == 0) {
			bytes[len] = '\0';
			*ret = bytes;
			*ret_len = len;
			return 0;
		}
		if (len > STATE_FILE_BYTES_MAX)
			errno = EFBIG;
		if (n < 0 || len > STATE_FILE_BYTES_MAX)
			break;
	}
	int r = -errno;
	free(bytes);
	return r;
}

int state_file_read(const char *path, char **ret, size_t *ret_len)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	int r = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read_all(fd, ret, ret_len) : -EINVAL;
	close(fd);
	return r;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int write_new(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int r = write_all(fd, bytes, len);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int state_file_replace(const char *path, const char *bytes, size_t len)
{
	char temporary[PATH_MAX];
	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	int r = write_new(temporary, bytes, len);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}

static int append(int fd, size_t size, const char *bytes, size_t len)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != (off_t)size)
		return -ESTALE;
	int r = write_all(fd, bytes, len);
	if (r < 0 && ftruncate(fd, (off_t)size) < 0)
		return -errno;
	return r;
}

int state_file_append(const char *path, size_t size, const char *bytes, size_t len)
{
	if (len > STATE_FILE_BYTES_MAX || size > STATE_FILE_BYTES_MAX - len)
		return -EFBIG;
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	int r = append(fd, size, bytes, len);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}
