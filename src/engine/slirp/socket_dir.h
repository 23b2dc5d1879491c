/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory for the unix sockets between this engine and libslirp: the private directory from the configuration, or one made
 * under $TMPDIR when first needed. Mode 0700, so that no other user can connect.
 */
#pragma once

#include <sys/un.h>

#define UNIX_PATH_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)

struct engine;

/* The path of the socket @name. -ENAMETOOLONG, or the error of creating the directory. */
int socket_dir_path(struct engine *e, const char *name, char ret[static UNIX_PATH_SIZE]);
/* Removes the directory if this engine created it; its sockets must be removed before. */
void socket_dir_done(struct engine *e);

/* Opens a listening socket at @path and replaces a stale one. Negative errno. */
int socket_dir_listen(const char *path, int *ret_fd);
/* Opens a socket connected to the listener at @path, without blocking. Negative errno. */
int socket_dir_connect(const char *path, int *ret_fd);
