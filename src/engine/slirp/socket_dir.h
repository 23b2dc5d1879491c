/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where this engine puts the unix sockets over which it and libslirp meet: the private directory it was
 * given, or one of its own under $TMPDIR, made when first needed.  Nobody else may connect: 0700.
 */
#pragma once

#include <sys/un.h>

#define UNIX_PATH_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)

struct engine;

/* The path for a socket called @name.  -ENAMETOOLONG, or the errno of making the directory. */
int socket_dir_path(struct engine *e, const char *name, char ret[static UNIX_PATH_SIZE]);
/* Removes the directory if it is ours; the sockets must be gone. */
void socket_dir_done(struct engine *e);

/* A listening socket at @path, where a left-over is replaced.  Negative errno. */
int socket_dir_listen(const char *path, int *ret_fd);
/* A socket connected, without waiting, to the one that listens at @path.  Negative errno. */
int socket_dir_connect(const char *path, int *ret_fd);
