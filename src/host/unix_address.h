/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of somebody's unix socket, as the kernel tells it: a path, or bytes in the abstract name space (unix(7)). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct unix_address {
	struct sockaddr_un name; /* zero behind its end */
	socklen_t len;
};

/* For a log: what is not printable is a question mark, "@" stands for the abstract name space. */
#define UNIX_ADDRESS_TEXT_SIZE (sizeof(((struct sockaddr_un *)NULL)->sun_path) + 2)
const char *unix_address_format(const struct unix_address *a, char buf[static UNIX_ADDRESS_TEXT_SIZE]);

/* What recvmsg() or getsockname() said, @len bytes.  False when the socket has no name. */
bool unix_address_take(const struct sockaddr_un *name, size_t len, struct unix_address *ret);
bool unix_address_equal(const struct unix_address *a, const struct unix_address *b);

/*
 * Connects @fd, a datagram socket, to the socket whose name @a is: not to what its path leads to when that is another socket,
 * with another name, because its owner has put a link there.  -EXDEV then; -ENOTDIR when the path is relative; -EPERM when
 * the socket is connected to another one; -ECONNREFUSED, -ENOENT, … when it is no more.
 */
int unix_connect_back(int fd, const struct unix_address *a);
