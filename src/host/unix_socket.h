/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets in the file system, and what goes wrong with them said in words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A socket of @type at @path, which only this user may connect to: one that listens, or a bound SOCK_DGRAM.  A socket that nobody
 * serves any more is replaced.  Returns the descriptor (CLOEXEC, NONBLOCK) or a negative errno with one line in @error: -EADDRINUSE when
 * somebody does, -ENAMETOOLONG, -EEXIST when something else than a socket is there, …
 */
int unix_serve(const char *path, int type, char *error, size_t size);
/* The same for a stream socket. */
int unix_listen(const char *path, char *error, size_t size);

/* Whether a socket's address has room for @path. */
bool unix_path_fits(const char *path);
/* A stream socket connected to @path (CLOEXEC, NONBLOCK), or a negative errno, -EAGAIN while its backlog is full. */
int unix_connect(const char *path);
