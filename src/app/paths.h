/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the files of a network are: XDG base directories, and what stands in for them when the
 * environment does not say.  Nothing here touches the file system but to look.
 */
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

/* Whether @name can be a network's: it becomes part of paths. */
bool network_name_check(const char *name, GError **error);

/* $XDG_RUNTIME_DIR/lanlet/NAME; without the variable /run/user/UID if that is ours, else ${TMPDIR:-/tmp}/lanlet-UID/NAME. */
char *path_default_runtime_dir(const char *name);
/* $XDG_STATE_HOME/lanlet/NAME, by default ~/.local/state. */
char *path_default_state_dir(const char *name);
/* $XDG_CONFIG_HOME/lanlet/NAME.conf, by default ~/.config. */
char *path_default_config(const char *name);

/* DIR/NAME if that is short enough for a unix socket's address. */
char *path_socket(const char *dir, const char *name, GError **error);
/* Where the guest with @mac has its own end of a datagram socket, below @dir. */
char *path_guest_socket(const char *dir, const char *mac, GError **error);
