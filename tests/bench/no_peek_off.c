/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LD_PRELOAD library that refuses SO_PEEK_OFF, as kernels before 6.9 do for TCP. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	if (level == SOL_SOCKET && option == SO_PEEK_OFF) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_setsockopt, fd, level, option, value, len);
}
