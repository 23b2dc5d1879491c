/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unix sockets in the file system that outlived the process that made them: nothing removes their names by itself.
 *
 * Only what nobody is bound to is ever removed, though somebody binds anew at that path meanwhile.
 */
#pragma once

#include <stdbool.h>

/* Removes @path when it is a socket that nobody is bound to. */
void dead_socket_remove(const char *path);
/* Does so with everything directly in @directory whose name @matches. */
void dead_socket_sweep(const char *directory, bool (*matches)(const char *name));
