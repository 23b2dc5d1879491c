/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to a network's own sockets. */
#pragma once

/* A blocking stream socket that is connected to @path and closed on exec, or a negative errno. */
int unix_socket_connect(const char *path);
