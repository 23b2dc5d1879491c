/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device of one front end: what was negotiated, its memory, its queues and its port.  Owned by its connection.
 *
 * A queue runs once it has a size, addresses in mapped memory, a kick descriptor, and is enabled (SET_VRING_ENABLE).  Queue 2k carries
 * frames to the guest, queue 2k + 1 frames from it; steer.c chooses among several pairs.
 */
#pragma once

#include "base/drop.h"
#include "host/poller.h"
#include "lan/port.h"
#include "link/vhost/backlog.h"
#include "link/vhost/mapping.h"
#include "link/vhost/memory.h"
#include "link/vhost/net_header.h"
#include "link/vhost/notify.h"
#include "link/vhost/protocol.h"
#include "link/vhost/ring.h"
#include "link/vhost/vhost.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vhost_device;

#define VHOST_QUEUE_PAIRS 8
#define VHOST_QUEUES (2 * VHOST_QUEUE_PAIRS)

struct vhost_queue {
	struct vhost_device *device;
	unsigned index;
	struct ring ring;       /* not set up while the queue does not run */
	struct backlog backlog; /* of a running queue to the guest */
	struct ring_config setup;
	bool addressed; /* setup has addresses */
	bool enabled;
	bool failed;        /* must not start before it has been set up again */
	struct watch kick;  /* on kick_line's descriptor */
	struct list polled; /* in device->polled while it is polled instead of waiting for a kick */
	struct notify_line kick_line, call, error;
};

/* About as many entries as a busy guest has flows, so that few flows share one. */
#define VHOST_STEERING_SIZE 1024u

/* Scratch space for the chains that a frame to a guest is written to.  All devices of a link share it, because they use it one at a time.
 */
#define VHOST_ROOM_PIECES 4096u
#define VHOST_ROOMS 128u

struct vhost_room {
	unsigned first_iov, n_iov; /* net header included */
	unsigned first_chain, n_chains;
	size_t size; /* behind the net header */
};

struct vhost_rooms {
	struct iovec iov[VHOST_ROOM_PIECES];
	struct ring_chain chains[VHOST_ROOM_PIECES];
	unsigned n_iov, n_chains;
	struct iovec lent[VHOST_ROOM_PIECES]; /* the parts of iov behind the net headers */
	struct vhost_room rooms[VHOST_ROOMS];
	unsigned n;
	struct vhost_queue *lent_by; /* NULL: no loan */
};

struct vhost_device {
	struct port port;
	struct share share; /* of the loop's time, for all queues and messages */
	const struct link_config *config;
	struct vhost_rooms *rooms;
	struct notifier *notifier;
	struct list *polled; /* queues to be polled; NULL: no busy polling */
	uint64_t features, protocol_features;
	uint8_t status;
	int backend_request_fd; /* -1: none.  Never used, only kept open */
	struct memory memory;
	struct vhost_mapping mappings[MEMORY_REGIONS_MAX];
	struct vhost_queue queues[VHOST_QUEUES];
	unsigned n_pairs;                      /* pairs whose receive queues run, from the first on */
	uint8_t steering[VHOST_STEERING_SIZE]; /* by flow_hash(): the pair, from 1 on, that the guest sent the flow on; 0: none yet */
};

/* The most features that are offered. */
extern const uint64_t vhost_features;
extern const uint64_t vhost_protocol_features;

void vhost_device_init(struct vhost_device *d, const struct link_config *config, struct vhost_rooms *rooms, struct notifier *notifier,
		       struct list *polled);
/* Stops all queues, closes descriptors, unmaps memory.  The port must have been detached. */
void vhost_device_done(struct vhost_device *d);

/*
 * The answer to GET_FEATURES.  Several pairs of queues need a control queue (virtio 1.3 §5.1.3.1), which the front end provides.  A front
 * end without one, such as virtio_uml, would pass an offer of several pairs to a driver, which then refuses the device.
 */
uint64_t vhost_device_offers(const struct vhost_device *d);

/* These return 0 or a negative errno, which the front end gets if it asked for a reply. */
int vhost_device_set_features(struct vhost_device *d, uint64_t features);
/* Sets what the port takes from what was negotiated. */
void vhost_device_update_port(struct vhost_device *d);
/* Replaces all regions.  The caller keeps @fds. */
int vhost_device_set_memory(struct vhost_device *d, usec_t now, const struct protocol_region *regions, const int *fds, unsigned n);
int vhost_device_add_memory(struct vhost_device *d, usec_t now, const struct protocol_region *region, int fd);
int vhost_device_remove_memory(struct vhost_device *d, usec_t now, const struct protocol_region *region);
/* Resets the device to the state after connecting, apart from memory and features. */
void vhost_device_reset(struct vhost_device *d);

/* Counts @why, signals the error to the front end and stops all queues until they are set up again. */
void vhost_device_fail(struct vhost_device *d, usec_t now, enum drop_reason why);
/* Whether all memory is still there; if not, the device has failed. */
bool vhost_device_check_memory(struct vhost_device *d, usec_t now);
void vhost_device_drop(struct vhost_device *d, enum drop_reason why, const struct frame *f);

/* --- queue.c --- */

void vhost_queue_init(struct vhost_queue *q, struct vhost_device *d, unsigned index);
void vhost_queue_done(struct vhost_queue *q);

static inline bool vhost_queue_runs(const struct vhost_queue *q)
{
	return q->ring.memory != NULL;
}

/* Starts @q if it has all that it needs and does not run yet.  -EINVAL when the ring is not in mapped memory. */
int vhost_queue_update(struct vhost_queue *q, usec_t now);
/* Stops @q; a later start goes on at the same place. */
void vhost_queue_stop(struct vhost_queue *q);
/* Owns @fd from now on, even after a failure; -1: none. */
int vhost_queue_set_kick(struct vhost_queue *q, usec_t now, int fd);
int vhost_queue_set_call(struct vhost_queue *q, int fd);
/* Shows the driver the chains that were given back, and notifies it if it asked for that. */
void vhost_queue_publish(struct vhost_queue *q);
/* All work is done: waits for a kick, or to be polled.  True when there is work after all. */
bool vhost_queue_rest(struct vhost_queue *q);
/* Acts as if the guest kicked again in the next turn, because work is left. */
void vhost_queue_kick_again(struct vhost_queue *q);

/* --- steer.c --- */

/* Call it whenever a queue starts or stops. */
void vhost_steer_count_pairs(struct vhost_device *d);
/* Notes that the guest sent @f on @q. */
void vhost_steer_learn(struct vhost_queue *q, const struct frame *f);
/* The receive queue for frames of @flow; n_pairs > 0. */
struct vhost_queue *vhost_steer_to(struct vhost_device *d, uint32_t flow);
/* As above for the flow of @f; NULL when no receive queue runs. */
struct vhost_queue *vhost_steer_frame(struct vhost_device *d, const struct frame *f);

/* --- transmit.c, receive.c --- */

/* Frames from the guest wait in @q. */
void vhost_transmit_kicked(struct vhost_queue *q, usec_t now);
/* The guest has posted receive buffers in @q. */
void vhost_receive_kicked(struct vhost_queue *q, usec_t now);
/* There may be room in the guest's rings again. */
void vhost_receive_resume(struct vhost_device *d, usec_t now);
extern const struct port_ops vhost_port_ops;

/* --- request.c --- */

/* Carries out @m.  Of @fds it sets those to -1 that it keeps.  Writes a reply and returns its length; 0: none. */
size_t vhost_request(struct vhost_device *d, usec_t now, const struct protocol_message *m, int *fds,
		     uint8_t reply[static PROTOCOL_REPLY_SIZE_MAX]);
