/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/device.h"

#include "base/macros.h"
#include "lan/segment.h"

#include <errno.h>

static void kicked(struct watch *w, usec_t now, unsigned events)
{
	struct vhost_queue *q = container_of(w, struct vhost_queue, kick);
	if (!vhost_queue_runs(q))
		return;
	if (q->index % 2 == 0)
		vhost_receive_kicked(q, now);
	else
		vhost_transmit_kicked(q, now);
}

void vhost_queue_init(struct vhost_queue *q, struct vhost_device *d, unsigned index)
{
	*q = (struct vhost_queue){
		.device = d,
		.index = index,
		.kick = { .ready = kicked, .fd = -1, .share = &d->share },
		.kick_line = NOTIFY_NONE,
		.call = NOTIFY_NONE,
		.error = NOTIFY_NONE,
	};
	list_init(&q->polled);
}

static void drop_kick(struct vhost_queue *q)
{
	poller_unwatch(q->device->config->poller, &q->kick);
	notify_line_set(&q->kick_line, -1, NULL);
	q->kick.fd = -1;
}

void vhost_queue_done(struct vhost_queue *q)
{
	drop_kick(q);
	notify_line_set(&q->call, -1, NULL);
	notify_line_set(&q->error, -1, NULL);
}

static bool may_run(const struct vhost_queue *q)
{
	bool needs_leave = feature_has(q->device->features, VHOST_USER_F_PROTOCOL_FEATURES);
	return q->kick.fd >= 0 && q->addressed && q->setup.size > 0 && !q->failed && (q->enabled || !needs_leave);
}

int vhost_queue_update(struct vhost_queue *q, usec_t now)
{
	struct vhost_device *d = q->device;
	if (vhost_queue_runs(q) && !may_run(q)) {
		vhost_queue_stop(q);
		/* Frames that waited for this queue take another one. */
		if (d->n_pairs > 0)
			vhost_receive_resume(d, now);
	}
	if (vhost_queue_runs(q) || !may_run(q))
		return 0;
	q->setup.memory = &d->memory;
	q->setup.event_idx = feature_has(d->features, VIRTIO_F_EVENT_IDX);
	q->setup.indirect = feature_has(d->features, VIRTIO_F_INDIRECT_DESC);
	int r = ring_init(&q->ring, &q->setup);
	if (r < 0)
		return r;
	vhost_steer_count_pairs(d);
	/* Notifications may have been lost while the ring was stopped: act as if there had been one each way. */
	notify_line_tell(&q->call, d->notifier);
	if (q->index % 2 == 0)
		vhost_receive_kicked(q, now);
	else
		vhost_queue_kick_again(q);
	return 0;
}

void vhost_queue_stop(struct vhost_queue *q)
{
	if (!vhost_queue_runs(q))
		return;
	struct vhost_device *d = q->device;
	if (d->rooms->lent_by == q)
		d->rooms->lent_by = NULL;
	q->setup.base = q->ring.next;
	q->ring = (struct ring){ 0 };
	list_remove(&q->polled);
	backlog_clear(&q->backlog);
	vhost_steer_count_pairs(d);
}

int vhost_queue_set_kick(struct vhost_queue *q, usec_t now, int fd)
{
	drop_kick(q);
	int r = notify_line_set(&q->kick_line, fd, NULL);
	if (r < 0 || fd < 0)
		return r;
	/* Only an eventfd works edge-triggered without being read. */
	if (q->kick_line.kind != NOTIFY_EVENTFD) {
		drop_kick(q);
		return -EINVAL;
	}
	q->kick.fd = q->kick_line.fd;
	/* Each kick is an edge, so the counter need not be read. */
	r = poller_watch(q->device->config->poller, &q->kick, q->kick.fd, POLL_EVENT_IN | POLL_EVENT_EDGE);
	if (r < 0) {
		drop_kick(q);
		return r;
	}
	return vhost_queue_update(q, now);
}

int vhost_queue_set_call(struct vhost_queue *q, int fd)
{
	int r = notify_line_set(&q->call, fd, q->device->notifier);
	/* A notification through the old descriptor may have been lost. */
	if (vhost_queue_runs(q))
		notify_line_tell(&q->call, q->device->notifier);
	return r;
}

void vhost_queue_publish(struct vhost_queue *q)
{
	if (ring_publish(&q->ring))
		notify_line_tell(&q->call, q->device->notifier);
}

bool vhost_queue_rest(struct vhost_queue *q)
{
	struct list *polled = q->device->polled;
	if (!polled)
		return ring_want_kicks(&q->ring);
	list_remove(&q->polled);
	list_append(polled, &q->polled);
	return false;
}

void vhost_queue_kick_again(struct vhost_queue *q)
{
	poller_again(q->device->config->poller, &q->kick, POLL_EVENT_IN);
}
