/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address of a peer's unix socket: a path, or bytes in the abstract namespace (unix(7)). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct unix_address {
	struct sockaddr_un name; /* zeros behind len bytes */
	socklen_t len;
};

/* For logs: "?" for bytes that are not printable, "@" in front of abstract names. */
#define UNIX_ADDRESS_TEXT_SIZE (sizeof(((struct sockaddr_un *)NULL)->sun_path) + 2)
const char *unix_address_format(const struct unix_address *a, char buf[static UNIX_ADDRESS_TEXT_SIZE]);

/* Takes @len bytes from recvmsg() or getsockname().  False when the socket is unnamed. */
bool unix_address_take(const struct sockaddr_un *name, size_t len, struct unix_address *ret);
bool unix_address_equal(const struct unix_address *a, const struct unix_address *b);

/*
 * Connects the datagram socket @fd to the socket with the name @a.  -EXDEV when the path leads to a socket with another name, such as
 * a symbolic link that the owner of the path has put there; -ENOTDIR when the path is relative; -EPERM when the peer is
 * connected to another socket; -ECONNREFUSED, -ENOENT, … when it does not exist any more.
 */
int unix_connect_back(int fd, const struct unix_address *a);
