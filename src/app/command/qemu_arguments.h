/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU arguments that connect a guest to a network. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The guest's memory by default. */
#define QEMU_DEFAULT_MEMORY "1G"

/*
 * For @mac: an expression that bash and other shells (POSIX) replace with a MAC that is new each time, so that the same line can start any
 * number of guests.
 */
#define QEMU_NEW_MAC "$(printf 52:54:00:%s:%s:%s $(od -An -N3 -tx1 /dev/urandom))"

/* -netdev and -device for QEMU 7.2 and later, in one line, quoted for a shell where needed. */
char *qemu_arguments_stream(const char *stream_socket, const char *mac);

/* The same for the datagram socket; QEMU creates the guest's own socket at @local. */
char *qemu_arguments_dgram(const char *dgram_socket, const char *local, const char *mac);
/* The same with QEMU_NEW_MAC, and with a new name each time for the guest's own socket, in @directory. */
char *qemu_arguments_dgram_new(const char *dgram_socket, const char *directory);

/* The same for the VDE switch at @directory. */
char *qemu_arguments_vde(const char *directory, const char *mac);

/* The same for vhost-user, which shares the guest's @memory ("2G"). */
char *qemu_arguments_vhost(const char *vhost_socket, const char *mac, const char *memory);
/* Whether QEMU accepts the size @memory both for -m and for a memory object; usage errors name --memory. */
bool qemu_arguments_check_memory(const char *memory, GError **error);
