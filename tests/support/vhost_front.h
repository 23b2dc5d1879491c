/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost-user front end for tests: a driver with one or two queue pairs in a memfd, on one end of a socket pair.  The back end
 * runs in the same thread; code that waits for it calls vhost_front.turn().
 */
#pragma once

#include "link/vhost/net_header.h"
#include "link/vhost/protocol.h"
#include "support/vring.h"

#include <glib.h>

#define VHOST_FRONT_RING 256u
#define VHOST_FRONT_MEMORY ((size_t)4 << 20)
#define VHOST_FRONT_BUFFER 2048u /* of a receive buffer */

enum { VHOST_FRONT_RX, VHOST_FRONT_TX, VHOST_FRONT_QUEUES };

#define VHOST_FRONT_PAIRS 2u

struct vhost_front {
	int socket;
	int memory_fd;
	uint8_t *memory;
	size_t memory_size;
	unsigned ring_size;
	uint64_t features;
	unsigned n_rings; /* number of rings with descriptors */
	unsigned n_pairs; /* pairs to start; default 1 */
	unsigned pair;    /* pair that frames and buffers use */
	struct vring rings[VHOST_FRONT_PAIRS * VHOST_FRONT_QUEUES];
	int kick[VHOST_FRONT_PAIRS * VHOST_FRONT_QUEUES], call[VHOST_FRONT_PAIRS * VHOST_FRONT_QUEUES];
	int error[VHOST_FRONT_PAIRS * VHOST_FRONT_QUEUES];
	unsigned next_tx, next_rx;
	size_t rx_size; /* of posted buffers */
	void (*turn)(void *opaque);
	void *opaque;
};

/* Creates memory and descriptors; owns @socket. */
void vhost_front_init(struct vhost_front *f, int socket, void (*turn)(void *opaque), void *opaque);
/* The same with @memory_size bytes of memory and rings of @ring_size entries, which lie in its first megabyte. */
void vhost_front_init_sized(struct vhost_front *f, int socket, size_t memory_size, unsigned ring_size, void (*turn)(void *opaque),
			    void *opaque);
/* Closes everything, as the exit of a process does. */
void vhost_front_done(struct vhost_front *f);

/* Sends a message with @n_fds descriptors and runs the back end. */
void vhost_front_tell(struct vhost_front *f, uint32_t request, uint32_t flags, const void *payload, uint32_t len, const int *fds,
		      unsigned n_fds);
/* Reads a reply to @request of @len bytes of payload, for which a back end in another process has time; fails the test when there is none.
 */
void vhost_front_hear(struct vhost_front *f, uint32_t request, void *payload, uint32_t len);
uint64_t vhost_front_ask(struct vhost_front *f, uint32_t request);
/* Sends a message with a number and NEED_REPLY; returns the acknowledgement. */
uint64_t vhost_front_set(struct vhost_front *f, uint32_t request, uint64_t value);
/* GET_VRING_BASE, which stops the ring. */
uint32_t vhost_front_stop(struct vhost_front *f, unsigned ring);
/* Whether the back end has closed the connection. */
gboolean vhost_front_is_closed(struct vhost_front *f);

/* The whole handshake with @features, memory and new rings. */
void vhost_front_start(struct vhost_front *f, uint64_t features);
void vhost_front_set_memory(struct vhost_front *f);
/* Sets up ring @ring to continue at @base. */
void vhost_front_start_ring(struct vhost_front *f, unsigned ring, uint32_t base);

void vhost_front_kick(struct vhost_front *f, unsigned ring);
/* The number of call notifications since the last time. */
uint64_t vhost_front_calls(struct vhost_front *f, unsigned ring);
/* The same once there are some: without asynchronous I/O in the kernel they come from another thread. */
uint64_t vhost_front_await_calls(struct vhost_front *f, unsigned ring);

/* Sends @frame behind @header (NULL: zeros) in buffers of @piece bytes. */
void vhost_front_send(struct vhost_front *f, const uint8_t header[NET_HEADER_LEN], const void *frame, size_t len, size_t piece);
/* Posts @n receive buffers of @size bytes, without a kick. */
void vhost_front_post(struct vhost_front *f, unsigned n, size_t size);
/* The next received frame, with its header in @ret_header; NULL when there is none. */
GBytes *vhost_front_receive(struct vhost_front *f, uint8_t ret_header[NET_HEADER_LEN]);
