/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the benchmark's relays join: a tap device in a network namespace, a stream socket that carries frames behind their length
 * (4 bytes, network order), as QEMU's `-netdev stream` does, or datagrams, each of which is a frame.
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
	int fd; /* non-blocking, but for datagrams */
	enum endpoint_type type;
	struct sockaddr_un peer; /* of datagrams; not connected, or "" */
};

/* This process goes into the network namespace named by a path such as /proc/PID/ns/net.  Negative errno. */
int netns_enter(const char *path);

/*
 * Opens what @spec says.  Negative errno.
 *
 *     tap:NAME@NETNS          makes a tap device there (NETNS is a path; this process stays there)
 *     header-tap:NAME@NETNS   one whose frames begin with a virtio header
 *     offload-tap:NAME@NETNS  another that leaves checksum and TSO to the other end
 *     unix:PATH               connects
 *     dgram:PATH              makes a datagram socket beside PATH that sends there
 *     vde:DIRECTORY           plugs into a VDE switch
 */
int endpoint_open(const char *spec, struct endpoint *ret);
