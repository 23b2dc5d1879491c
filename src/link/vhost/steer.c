/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chooses the pair of queues for a flow to the guest: the pair on which the guest last sent that flow, so that the flow stays on one
 * processor (virtio 1.3 §5.1.6.5.6, automatic receive steering).  Other flows are spread by their hash.
 *
 * Flows that share an entry may change queues often, which can reorder their frames but does no other harm.
 */
#include "link/vhost/device.h"

#include "lan/flow_hash.h"

static unsigned entry_of(uint32_t flow)
{
	return flow % VHOST_STEERING_SIZE;
}

void vhost_steer_count_pairs(struct vhost_device *d)
{
	d->n_pairs = 0;
	while (d->n_pairs < VHOST_QUEUE_PAIRS && vhost_queue_runs(&d->queues[2 * d->n_pairs]))
		d->n_pairs++;
}

void vhost_steer_learn(struct vhost_queue *q, const struct frame *f)
{
	struct vhost_device *d = q->device;
	if (d->n_pairs > 1)
		d->steering[entry_of(flow_hash_frame(f, FLOW_END_SOURCE))] = (uint8_t)(q->index / 2 + 1);
}

struct vhost_queue *vhost_steer_to(struct vhost_device *d, uint32_t flow)
{
	unsigned learned = d->steering[entry_of(flow)];
	unsigned pair = learned > 0 && learned <= d->n_pairs ? learned - 1 : flow % d->n_pairs;
	return &d->queues[2 * pair];
}

struct vhost_queue *vhost_steer_frame(struct vhost_device *d, const struct frame *f)
{
	if (d->n_pairs <= 1)
		return d->n_pairs == 1 ? &d->queues[0] : NULL;
	return vhost_steer_to(d, flow_hash_frame(f, FLOW_END_DESTINATION));
}
