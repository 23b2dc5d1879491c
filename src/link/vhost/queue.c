/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/device.h"

#include "base/macros.h"
#include "lan/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * A descriptor of the front end's that we write to.  It must not make us wait, which eventfds that are full and pipes would; the mode
 * belongs to the open file, so the front end has it too.
 */
static void make_nonblocking(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void vhost_queue_notify(int fd)
{
	if (fd < 0)
		return;
	/* Full means that it was told already, anything else that it does not want to know. */
	ssize_t n = write(fd, &(uint64_t){ 1 }, sizeof(uint64_t));
	(void)n;
}

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
		.kick = { .ready = kicked, .fd = -1 },
		.call_fd = -1,
		.error_fd = -1,
	};
}

static void drop_kick(struct vhost_queue *q)
{
	poller_unwatch(q->device->config->poller, &q->kick);
	close_fd(&q->kick.fd);
}

void vhost_queue_done(struct vhost_queue *q)
{
	drop_kick(q);
	close_fd(&q->call_fd);
	close_fd(&q->error_fd);
}

static bool may_run(const struct vhost_queue *q)
{
	bool needs_leave = feature_has(q->device->features, VHOST_USER_F_PROTOCOL_FEATURES);
	return q->kick.fd >= 0 && q->addressed && q->setup.size > 0 && !q->failed && (q->enabled || !needs_leave);
}

int vhost_queue_update(struct vhost_queue *q, usec_t now)
{
	struct vhost_device *d = q->device;
	if (vhost_queue_runs(q) && !may_run(q))
		vhost_queue_stop(q);
	if (vhost_queue_runs(q) || !may_run(q))
		return 0;
	q->setup.memory = &d->memory;
	q->setup.event_idx = feature_has(d->features, VIRTIO_F_EVENT_IDX);
	q->setup.indirect = feature_has(d->features, VIRTIO_F_INDIRECT_DESC);
	int r = ring_init(&q->ring, &q->setup);
	if (r < 0)
		return r;
	/* What was called or kicked while nobody worked on the ring may be lost: neither side must wait for it. */
	vhost_queue_notify(q->call_fd);
	if (q->index % 2 == 0)
		ring_refuse_kicks(&q->ring);
	if (q->index == 0)
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
	if (q->index == 0 && d->rooms->lent_by == d)
		d->rooms->lent_by = NULL;
	q->setup.base = q->ring.next;
	q->ring = (struct ring){ 0 };
}

int vhost_queue_set_kick(struct vhost_queue *q, usec_t now, int fd)
{
	drop_kick(q);
	if (fd < 0)
		return 0;
	make_nonblocking(fd);
	q->kick.fd = fd;
	/* Every kick is an edge; the counter need not be read. */
	int r = poller_watch(q->device->config->poller, &q->kick, fd, POLL_EVENT_IN | POLL_EVENT_EDGE);
	if (r < 0) {
		close_fd(&q->kick.fd);
		return r;
	}
	return vhost_queue_update(q, now);
}

void vhost_queue_set_call(struct vhost_queue *q, int fd)
{
	close_fd(&q->call_fd);
	make_nonblocking(fd);
	q->call_fd = fd;
	/* It may have missed one by the old descriptor. */
	if (vhost_queue_runs(q))
		vhost_queue_notify(fd);
}

void vhost_queue_set_error(struct vhost_queue *q, int fd)
{
	close_fd(&q->error_fd);
	make_nonblocking(fd);
	q->error_fd = fd;
}

void vhost_queue_publish(struct vhost_queue *q)
{
	if (ring_publish(&q->ring))
		vhost_queue_notify(q->call_fd);
}

void vhost_queue_kick_again(struct vhost_queue *q)
{
	vhost_queue_notify(q->kick.fd);
}
