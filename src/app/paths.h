/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of a network's files, by the XDG base directories or their defaults. These functions do not change the file system. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define NETWORK_DEFAULT_NAME "default"

#define STREAM_SOCKET "stream.sock"
#define VHOST_SOCKET "vhost.sock"
#define DGRAM_SOCKET "dgram.sock"
#define SEQPACKET_SOCKET "seqpacket.sock"
#define API_SOCKET "api.sock"
#define VDE_DIRECTORY "vde"

/* Whether @name is valid as a network's name, which becomes part of paths. */
bool network_name_check(const char *name, GError **error);

/*
 * $XDG_RUNTIME_DIR/lanlet/NAME; if the variable is not set, in /run/user/UID if the user owns that, else
 * ${TMPDIR:-/tmp}/lanlet-UID/NAME.
 */
char *path_default_runtime_dir(const char *name);
/* $XDG_STATE_HOME/lanlet/NAME; default ~/.local/state. */
char *path_default_state_dir(const char *name);
/* $XDG_CONFIG_HOME/lanlet/NAME.conf; default ~/.config. */
char *path_default_config(const char *name);

/* DIR/NAME; an error if that is too long for the address of a unix socket. */
char *path_socket(const char *dir, const char *name, GError **error);
/* The directory in @dir with the sockets of the declared guest @name. */
char *path_guest_directory(const char *dir, const char *name);
/* The path of the socket @name there; an error if that is too long. */
char *path_own_socket(const char *dir, const char *guest, const char *name, GError **error);
/* The path of the datagram socket of the guest with @mac, in @dir. */
char *path_guest_socket(const char *dir, const char *mac, GError **error);
