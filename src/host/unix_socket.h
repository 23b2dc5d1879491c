/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets in the file system, and what goes wrong with them said in words. */
#pragma once

#include <stddef.h>

/*
 * A listening stream socket at @path, which only this user may connect to.  A socket that nobody listens on any more is
 * replaced.  Returns the descriptor (CLOEXEC, NONBLOCK) or a negative errno with one line in @error: -EADDRINUSE when
 * somebody listens there, -ENAMETOOLONG, -EEXIST when something else than a socket is there, …
 */
int unix_listen(const char *path, char *error, size_t size);
