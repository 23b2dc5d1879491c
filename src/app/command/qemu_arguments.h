/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments that plug a QEMU into a network. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* When the user does not say how much memory a guest has. */
#define QEMU_DEFAULT_MEMORY "1G"

/* -netdev and -device for QEMU 7.2 and later, in one line, quoted for a shell where that is needed. */
char *qemu_arguments_stream(const char *stream_socket, const char *mac);

/* The same for a datagram socket; the guest's own end is at @local. */
char *qemu_arguments_dgram(const char *dgram_socket, const char *local, const char *mac);

/* The same for a VDE switch. */
char *qemu_arguments_vde(const char *directory, const char *mac);

/* The same for vhost-user, which shares the guest's @memory ("2G") with the network. */
char *qemu_arguments_vhost(const char *vhost_socket, const char *mac, const char *memory);
/* Whether @memory is a size that QEMU understands in both its places; usage errors name --memory. */
bool qemu_arguments_check_memory(const char *memory, GError **error);
