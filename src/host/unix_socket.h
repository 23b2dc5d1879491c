/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets in the file system, and what goes wrong with them said in words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A listening stream socket at @path, which only this user may connect to.  A socket that nobody listens on any more is
 * replaced.  Returns the descriptor (CLOEXEC, NONBLOCK) or a negative errno with one line in @error: -EADDRINUSE when
 * somebody listens there, -ENAMETOOLONG, -EEXIST when something else than a socket is there, …
 */
int unix_listen(const char *path, char *error, size_t size);

/* Whether a socket's address has room for @path. */
bool unix_path_fits(const char *path);
/* A stream socket connected to @path (CLOEXEC, NONBLOCK), or a negative errno, -EAGAIN while its backlog is full. */
int unix_connect(const char *path);
