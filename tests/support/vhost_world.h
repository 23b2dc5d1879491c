/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A segment with one vhost-user port, its front end, and a memory port; the clock does not advance. */
#pragma once

#include "base/log.h"
#include "host/loop.h"
#include "lan/segment.h"
#include "link/vhost/vhost.h"
#include "support/memory_port.h"
#include "support/vhost_front.h"

#define VHOST_WORLD_FRAME_MAX (65535 + 14)
#define VHOST_BIT(n) (UINT64_C(1) << (n))
#define VHOST_MODERN (VHOST_BIT(VIRTIO_F_VERSION_1) | VHOST_BIT(VHOST_USER_F_PROTOCOL_FEATURES))
#define VHOST_OFFLOADS \
	(VHOST_BIT(VIRTIO_NET_F_CSUM) | VHOST_BIT(VIRTIO_NET_F_GUEST_CSUM) | VHOST_BIT(VIRTIO_NET_F_HOST_TSO4) | \
	 VHOST_BIT(VIRTIO_NET_F_HOST_TSO6) | VHOST_BIT(VIRTIO_NET_F_GUEST_TSO4) | VHOST_BIT(VIRTIO_NET_F_GUEST_TSO6))
#define VHOST_LINUX \
	(VHOST_MODERN | VHOST_OFFLOADS | VHOST_BIT(VIRTIO_NET_F_MRG_RXBUF) | VHOST_BIT(VIRTIO_F_EVENT_IDX) | \
	 VHOST_BIT(VIRTIO_F_INDIRECT_DESC))

struct vhost_world {
	struct loop loop;
	struct segment segment;
	struct link *link;
	struct memory_port other;
	struct vhost_front front;
	struct log log;
	unsigned n_warnings; /* in the log */
};

void vhost_world_set_up(struct vhost_world *w, gconstpointer data);
void vhost_world_tear_down(struct vhost_world *w, gconstpointer data);
/* Runs the back end until it has nothing to do. */
void vhost_world_turn(void *w);
/* Another front end, or another connection of an existing one. */
void vhost_world_plug(struct vhost_world *w, struct vhost_front *f);
int vhost_world_connect(struct vhost_world *w);
/* The port that was attached last. */
struct port *vhost_world_port(struct vhost_world *w);
/* A broadcast frame of @len bytes, filled with a pattern. */
GBytes *vhost_world_frame(size_t len, uint8_t source);
