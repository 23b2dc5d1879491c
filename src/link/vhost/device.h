/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One front end's device: what was negotiated, its memory, its queues, and the port that it is.  Owned by its connection.
 *
 * A queue runs when it has everything: size, addresses that are in memory, a kick descriptor, and leave to (SET_VRING_ENABLE).
 * Queue 2k takes frames to the guest, 2k + 1 brings frames from it; of several pairs steer.c chooses.
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
	struct backlog backlog; /* of a queue to the guest that runs */
	struct ring_config setup;
	bool addressed; /* setup's addresses were given */
	bool enabled;
	bool failed;        /* not to be started again before it is set up anew */
	struct watch kick;  /* of kick_line's descriptor */
	struct list polled; /* in device->polled while its kicks are not wanted, though nothing is left to do */
	struct notify_line kick_line, call, error;
};

/* As many conversations as a busy guest has at a time, so that few share an entry. */
#define VHOST_STEERING_SIZE 1024u

/* Chains that frames to guests are written to; one at a time, so all devices of a link share it. */
#define VHOST_ROOM_PIECES 4096u
#define VHOST_ROOMS 128u

struct vhost_room {
	unsigned first_iov, n_iov; /* the net header's bytes included */
	unsigned first_chain, n_chains;
	size_t size; /* behind the net header */
};

struct vhost_rooms {
	struct iovec iov[VHOST_ROOM_PIECES];
	struct ring_chain chains[VHOST_ROOM_PIECES];
	unsigned n_iov, n_chains;
	struct iovec lent[VHOST_ROOM_PIECES]; /* what of iov is behind net headers */
	struct vhost_room rooms[VHOST_ROOMS];
	unsigned n;
	struct vhost_queue *lent_by; /* NULL: nothing is lent */
};

struct vhost_device {
	struct port port;
	const struct link_config *config;
	struct vhost_rooms *rooms;
	struct notifier *notifier;
	struct list *polled; /* queues that are looked at without a kick; NULL: none are */
	uint64_t features, protocol_features;
	uint8_t status;
	int backend_request_fd; /* -1: none; we ask for nothing */
	struct memory memory;
	struct vhost_mapping mappings[MEMORY_REGIONS_MAX];
	struct vhost_queue queues[VHOST_QUEUES];
	unsigned n_pairs;                      /* whose receive queues run, from the first on */
	uint8_t steering[VHOST_STEERING_SIZE]; /* by flow_hash(): number of the pair that the guest sent by, from 1 on; 0: it did not */
};

/* What is offered at most. */
extern const uint64_t vhost_features;
extern const uint64_t vhost_protocol_features;

void vhost_device_init(struct vhost_device *d, const struct link_config *config, struct vhost_rooms *rooms, struct notifier *notifier,
		       struct list *polled);
/* Stops everything, closes its descriptors, unmaps its memory.  The port must have been detached. */
void vhost_device_done(struct vhost_device *d);

/*
 * What GET_FEATURES answers.  Several pairs need a control queue (virtio 1.3 §5.1.3.1), which is the front end's: one that does not
 * know of them, as virtio_uml, hands our offer to a driver that refuses the whole card because there is none.
 */
uint64_t vhost_device_offers(const struct vhost_device *d);

/* These answer 0 or a negative errno, which the front end is told if it asked for an answer. */
int vhost_device_set_features(struct vhost_device *d, uint64_t features);
/* What the port takes follows from what was negotiated. */
void vhost_device_update_port(struct vhost_device *d);
/* Replaces all regions; @fds stay the caller's. */
int vhost_device_set_memory(struct vhost_device *d, usec_t now, const struct protocol_region *regions, const int *fds, unsigned n);
int vhost_device_add_memory(struct vhost_device *d, usec_t now, const struct protocol_region *region, int fd);
int vhost_device_remove_memory(struct vhost_device *d, usec_t now, const struct protocol_region *region);
/* As if it had just been connected, but for memory and features. */
void vhost_device_reset(struct vhost_device *d);

/* Counts @why, tells the front end and stops all queues until they are set up again. */
void vhost_device_fail(struct vhost_device *d, usec_t now, enum drop_reason why);
/* Whether all of its memory is still there; if not, the device has failed. */
bool vhost_device_check_memory(struct vhost_device *d, usec_t now);
void vhost_device_drop(struct vhost_device *d, enum drop_reason why, const struct frame *f);

/* --- queue.c --- */

void vhost_queue_init(struct vhost_queue *q, struct vhost_device *d, unsigned index);
void vhost_queue_done(struct vhost_queue *q);

static inline bool vhost_queue_runs(const struct vhost_queue *q)
{
	return q->ring.memory != NULL;
}

/* Starts @q if it has all that it needs and does not run.  -EINVAL when the ring is not in memory. */
int vhost_queue_update(struct vhost_queue *q, usec_t now);
/* Stops @q, which can be started again where it was. */
void vhost_queue_stop(struct vhost_queue *q);
/* @fd is owned from now on, whatever is returned; -1: none. */
int vhost_queue_set_kick(struct vhost_queue *q, usec_t now, int fd);
int vhost_queue_set_call(struct vhost_queue *q, int fd);
/* Shows the driver what was given and calls it if it wants. */
void vhost_queue_publish(struct vhost_queue *q);
/* Nothing is left to do: waits for a kick, or to be polled.  True when there is something after all. */
bool vhost_queue_rest(struct vhost_queue *q);
/* Makes the queue's kick come again, because there was more than one turn's work. */
void vhost_queue_kick_again(struct vhost_queue *q);

/* --- steer.c --- */

/* To be called whenever a queue starts or stops. */
void vhost_steer_count_pairs(struct vhost_device *d);
/* The guest sent @f by @q. */
void vhost_steer_learn(struct vhost_queue *q, const struct frame *f);
/* The receive queue for frames of @flow; n_pairs > 0. */
struct vhost_queue *vhost_steer_to(struct vhost_device *d, uint32_t flow);
/* The same for @f; NULL when none runs. */
struct vhost_queue *vhost_steer_frame(struct vhost_device *d, const struct frame *f);

/* --- transmit.c, receive.c --- */

/* Frames of the guest's wait in @q. */
void vhost_transmit_kicked(struct vhost_queue *q, usec_t now);
/* There are receive buffers in @q again. */
void vhost_receive_kicked(struct vhost_queue *q, usec_t now);
/* There may be room in the guest's rings again. */
void vhost_receive_resume(struct vhost_device *d, usec_t now);
extern const struct port_ops vhost_port_ops;

/* --- request.c --- */

/* Does what @m says, with @fds, which it takes from (-1) what it keeps.  Writes a reply and returns its length; 0: none. */
size_t vhost_request(struct vhost_device *d, usec_t now, const struct protocol_message *m, int *fds,
		     uint8_t reply[static PROTOCOL_REPLY_SIZE_MAX]);
