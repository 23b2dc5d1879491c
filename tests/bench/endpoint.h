/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An endpoint of the benchmark's relays: a tap device in a network namespace; a stream socket where each frame follows its length (4
 * bytes, network order), as in QEMU's `-netdev stream`; or a datagram socket with one frame in each datagram.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

/* struct virtio_net_hdr_mrg_rxbuf, IP packet of 65,535 bytes, Ethernet header and one 802.1Q tag. */
#define FRAME_MAX_BYTES (12 + 65535 + 14 + 4)
#define LENGTH_BYTES 4

enum endpoint_type {
	ENDPOINT_TAP,
	ENDPOINT_STREAM,
	ENDPOINT_DATAGRAM,
};

struct endpoint {
	int fd; /* non-blocking, except for datagrams */
	enum endpoint_type type;
	struct sockaddr_un peer; /* of datagrams; not connected, or "" */
};

/* Moves this process into the network namespace at a path such as /proc/PID/ns/net.  Returns 0 or negative errno. */
int netns_enter(const char *path);

/*
 * Opens the endpoint that @spec describes.  Returns 0 or negative errno.
 *
 *     tap:NAME@NETNS          creates a tap device there (NETNS is a path; this process stays in it)
 *     header-tap:NAME@NETNS   the same, with a virtio header before each frame
 *     offload-tap:NAME@NETNS  the same, with checksum and TSO left to the other end
 *     unix:PATH               connects
 *     dgram:PATH              creates a datagram socket beside PATH that sends there
 *     vde:DIRECTORY           connects to a VDE switch
 */
int endpoint_open(const char *spec, struct endpoint *ret);
