/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets in the file system, with errors as text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens a socket of @type at @path, listening or a bound SOCK_DGRAM, that only this user may connect to.  Replaces a stale socket.
 * Returns the descriptor (CLOEXEC, NONBLOCK) or a negative errno with one line in @error: -EADDRINUSE when a process serves the
 * socket, -ENAMETOOLONG, -EEXIST when the path is not a socket, …
 */
int unix_serve(const char *path, int type, char *error, size_t size);
/* The same for a stream socket. */
int unix_listen(const char *path, char *error, size_t size);

/* Whether @path fits into a socket address. */
bool unix_path_fits(const char *path);
/* Opens a stream socket connected to @path (CLOEXEC, NONBLOCK); a negative errno, -EAGAIN while the backlog is full. */
int unix_connect(const char *path);
