/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes the files of unix sockets whose process has ended: the kernel does not remove them.
 *
 * A socket that is still bound is never removed, even if a process binds to the path at the same time.
 */
#pragma once

#include <stdbool.h>

/* Removes @path if it is a socket that no process is bound to. */
void dead_socket_remove(const char *path);
/* The same for each file in @directory whose name @matches. */
void dead_socket_sweep(const char *directory, bool (*matches)(const char *name));
