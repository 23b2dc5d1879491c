/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments that plug a QEMU into a network. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* When the user does not say how much memory a guest has. */
#define QEMU_DEFAULT_MEMORY "1G"

/* A MAC for the guest called @guest on the network called @network: the same names give the same MAC. */
char *qemu_mac_for_guest(const char *network, const char *guest);
/* A MAC that most likely nobody has. */
char *qemu_mac_random(void);
/* Whether @mac can be a guest's; usage errors name --mac. */
bool qemu_mac_check(const char *mac, GError **error);

/* -netdev and -device for QEMU 7.2 and later, in one line, quoted for a shell where that is needed. */
char *qemu_arguments(const char *stream_socket, const char *mac);

/* The same for a datagram socket; the guest's own end is at @local. */
char *qemu_dgram_arguments(const char *dgram_socket, const char *local, const char *mac);

/* The same for a VDE switch. */
char *qemu_vde_arguments(const char *directory, const char *mac);

/* The same for vhost-user, which shares the guest's @memory ("2G") with the network. */
char *qemu_vhost_arguments(const char *vhost_socket, const char *mac, const char *memory);
/* Whether @memory is a size that QEMU understands in both its places; usage errors name --memory. */
bool qemu_memory_check(const char *memory, GError **error);
