/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames to the guest.  A frame is written, behind a net header, into as many of the guest's buffers as it needs (MRG_RXBUF), or into one.
 * When the ring has no room, the port is congested until the guest's next kick; meanwhile a copy of the frame waits in the queue's backlog.
 * When that is full the frame is dropped and counted.
 *
 * A room (port.h) is such buffers lent, into which the sender writes the frame itself.
 */
#include "link/vhost/device.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "lan/oversize.h"
#include "lan/segment.h"
#include "wire/eth.h"

#include <errno.h>

/* A room becomes a frame, so it may have fewer pieces than a frame. */
#define LENT_PIECES_MAX (FRAME_IOV_MAX - 4)
/* Rooms of one loan.  Small, so that the guest works on committed rooms while the next loan is filled. */
#define LENT_BYTES_MAX ((size_t)256 * 1024)
#define BACKLOG_TIME (100 * USEC_PER_MSEC)

static bool is_mergeable(const struct vhost_device *d)
{
	return feature_has(d->features, VIRTIO_NET_F_MRG_RXBUF);
}

/* --- rooms --- */

/*
 * Takes chains for @size bytes, net header included.  -ENOBUFS: there are too few, -EMSGSIZE: the driver's next buffer is too small,
 * -EBADMSG: the ring is broken.  Takes nothing on failure.
 */
static int take_chains(struct vhost_queue *q, size_t size, struct vhost_room *ret)
{
	struct vhost_device *d = q->device;
	struct vhost_rooms *rooms = d->rooms;
	struct ring *ring = &q->ring;
	struct vhost_room room = { .first_iov = rooms->n_iov, .first_chain = rooms->n_chains };
	size_t found = 0;
	int r = 1;
	while (r > 0 && found < size) {
		unsigned at = room.first_chain + room.n_chains, iov_at = room.first_iov + room.n_iov;
		if (at == VHOST_ROOM_PIECES || VHOST_ROOM_PIECES - iov_at < RING_PIECES_MAX || (room.n_chains > 0 && !is_mergeable(d))) {
			r = -EMSGSIZE;
			break;
		}
		r = ring_take(ring, RING_TO_DRIVER, &rooms->iov[iov_at], RING_PIECES_MAX, &rooms->chains[at]);
		if (r <= 0)
			break;
		room.n_chains++;
		room.n_iov += rooms->chains[at].n_iov;
		found += rooms->chains[at].len;
	}
	if (r <= 0) {
		ring_untake(ring, room.n_chains);
		return r == 0 ? -ENOBUFS : r;
	}
	room.size = found - net_header_len(d->features);
	rooms->n_iov += room.n_iov;
	rooms->n_chains += room.n_chains;
	*ret = room;
	return 0;
}

/* As take_chains(); when there are too few, asks for a kick and tries once more. */
static int take_or_wait(struct vhost_queue *q, size_t size, struct vhost_room *ret)
{
	int r = take_chains(q, size, ret);
	if (r == -ENOBUFS && ring_want_kicks(&q->ring))
		r = take_chains(q, size, ret);
	if (r == -ENOBUFS)
		q->device->port.congested = true;
	return r;
}

/* Gives back the chains of @room with @len bytes in them; returns how many were used. */
static unsigned give_chains(struct vhost_queue *q, const struct vhost_room *room, size_t len)
{
	const struct ring_chain *chains = &q->device->rooms->chains[room->first_chain];
	unsigned n = 0;
	while (len > 0) {
		size_t part = MIN(chains[n].len, len);
		ring_give(&q->ring, chains[n].head, (uint32_t)part);
		len -= part;
		n++;
	}
	return n;
}

/* How many chains of @room @len bytes need. */
static unsigned chains_for(struct vhost_device *d, const struct vhost_room *room, size_t len)
{
	const struct ring_chain *chains = &d->rooms->chains[room->first_chain];
	unsigned n = 0;
	for (; n < room->n_chains && len > 0; n++)
		len -= MIN(chains[n].len, len);
	return n;
}

/* --- writing --- */

/* The position of the next byte. */
struct cursor {
	const struct iovec *iov;
	size_t at;
};

/* The pieces have room for @len bytes; take_chains() made sure. */
static void write_bytes(struct cursor *c, const uint8_t *from, size_t len)
{
	while (len > 0) {
		size_t part = MIN(c->iov->iov_len - c->at, len);
		memcpy((uint8_t *)c->iov->iov_base + c->at, from, part);
		from += part;
		len -= part;
		c->at += part;
		if (c->at == c->iov->iov_len) {
			c->iov++;
			c->at = 0;
		}
	}
}

static void skip_bytes(struct cursor *c, size_t len)
{
	for (; len >= c->iov->iov_len - c->at; c->iov++, c->at = 0)
		len -= c->iov->iov_len - c->at;
	c->at += len;
}

static void write_header(struct vhost_device *d, const struct vhost_room *room, const struct frame *f, struct cursor *c)
{
	uint8_t header[NET_HEADER_LEN];
	size_t len = net_header_len(d->features);
	net_header_emit(f, d->features, (uint16_t)chains_for(d, room, len + f->len), header);
	*c = (struct cursor){ .iov = &d->rooms->iov[room->first_iov] };
	write_bytes(c, header, len);
}

/* Writes @f into the ring.  Errors of take_chains(). */
static int place_now(struct vhost_queue *q, const struct frame *f)
{
	struct vhost_device *d = q->device;
	size_t header_len = net_header_len(d->features);
	struct vhost_room room;
	d->rooms->n_iov = d->rooms->n_chains = 0;
	int r = take_or_wait(q, header_len + f->len, &room);
	if (r < 0)
		return r;
	struct cursor c;
	write_header(d, &room, f, &c);
	for (unsigned i = 0; i < f->n_iov; i++)
		write_bytes(&c, f->iov[i].iov_base, f->iov[i].iov_len);
	give_chains(q, &room, header_len + f->len);
	/* Lets the guest work on these frames while more are copied. */
	if (ring_unpublished(&q->ring) >= q->ring.size / 4)
		vhost_queue_publish(q);
	return 0;
}

static enum drop_reason drop_reason_of(int error)
{
	switch (error) {
	case -ENOTCONN: return DROP_VHOST_STOPPED;
	case -EMSGSIZE: return DROP_VHOST_BUFFER;
	case -ENOMEM: return DROP_NO_MEMORY;
	default: return DROP_PORT_FULL;
	}
}

/* Keeps the order of frames: while some wait, later ones wait behind them. */
static void place(struct vhost_device *d, usec_t now, const struct frame *f)
{
	struct vhost_queue *q = d->rooms->lent_by ? NULL : vhost_steer_frame(d, f);
	int r = !q ? -ENOTCONN : backlog_is_empty(&q->backlog) ? place_now(q, f) : -ENOBUFS;
	if (r == -ENOBUFS) {
		r = backlog_put(&q->backlog, now, f);
		d->port.crowded = q->backlog.bytes > BACKLOG_BYTES_MAX / 2;
	}
	if (r < 0)
		vhost_device_drop(d, drop_reason_of(r), f);
}

static void vhost_flush(struct port *p, usec_t now)
{
	struct vhost_device *d = container_of(p, struct vhost_device, port);
	if (d->n_pairs == 0 || !vhost_device_check_memory(d, now))
		return;
	bool broken = false;
	for (unsigned i = 0; i < d->n_pairs; i++) {
		vhost_queue_publish(&d->queues[2 * i]);
		broken |= d->queues[2 * i].ring.broken;
	}
	if (broken)
		vhost_device_fail(d, now, DROP_VHOST_RING);
}

/* Writes frames of the backlog into the ring; false when some still wait, or the device has failed. */
static bool place_backlog(struct vhost_queue *q, usec_t now)
{
	struct vhost_device *d = q->device;
	if (backlog_is_empty(&q->backlog))
		return true;
	int r;
	while (!backlog_is_empty(&q->backlog) && (r = place_now(q, backlog_first(&q->backlog))) != -ENOBUFS) {
		if (r < 0)
			vhost_device_drop(d, drop_reason_of(r), backlog_first(&q->backlog));
		backlog_drop_first(&q->backlog);
	}
	d->port.crowded = q->backlog.bytes > BACKLOG_BYTES_MAX / 2;
	vhost_flush(&d->port, now);
	return backlog_is_empty(&q->backlog);
}

/*
 * A driver may have posted all its buffers, and they are too few for the first frame of the backlog.  Then no kick comes, so the frame is
 * dropped after a while, or it would block all others.
 */
static void give_up_old(struct vhost_queue *q, usec_t now)
{
	while (!backlog_is_empty(&q->backlog) && now - backlog_since(&q->backlog) > BACKLOG_TIME && !place_backlog(q, now)) {
		vhost_device_drop(q->device, DROP_PORT_FULL, backlog_first(&q->backlog));
		backlog_drop_first(&q->backlog);
	}
}

/* --- the port --- */

struct sending {
	struct vhost_device *device;
	usec_t now;
};

static void place_segment(void *opaque, const struct frame *f)
{
	const struct sending *s = opaque;
	place(s->device, s->now, f);
}

static void vhost_send(struct port *p, usec_t now, const struct frame *f)
{
	struct vhost_device *d = container_of(p, struct vhost_device, port);
	for (unsigned i = 0; i < d->n_pairs; i++)
		give_up_old(&d->queues[2 * i], now);
	if (f->gso == FRAME_GSO_NONE || feature_has(d->features, VIRTIO_NET_F_GUEST_ECN) || !net_header_needs_ecn(f)) {
		place(d, now, f);
		return;
	}
	struct oversize_limits plain = { .max_frame = p->max_frame, .offloads = p->offloads & PORT_OFFLOAD_CHECKSUM };
	struct oversize_result r = oversize_pass_frame(f, &plain, &d->config->segment->arena, place_segment, &(struct sending){ d, now });
	if (r.verdict != OVERSIZE_EMITTED)
		vhost_device_drop(d, r.why, f);
}

static unsigned vhost_reserve(struct port *p, uint32_t flow, unsigned n, size_t size, struct port_room *ret)
{
	struct vhost_device *d = container_of(p, struct vhost_device, port);
	struct vhost_rooms *rooms = d->rooms;
	size_t header_len = net_header_len(d->features);
	size = MAX(size, (size_t)ETH_FRAME_MIN); /* finish_room() pads */
	if (d->n_pairs == 0 || rooms->lent_by)
		return 0;
	struct vhost_queue *q = vhost_steer_to(d, flow);
	if (!backlog_is_empty(&q->backlog)) {
		p->congested = true;
		return 0;
	}
	rooms->n = rooms->n_iov = rooms->n_chains = 0;
	unsigned n_lent = 0, n_wanted = MIN(MIN(n, VHOST_ROOMS), (unsigned)MAX(LENT_BYTES_MAX / size, (size_t)1));
	for (; rooms->n < n_wanted; rooms->n++) {
		struct vhost_room *room = &rooms->rooms[rooms->n];
		/* The first room is needed now; the others may fail. */
		if ((rooms->n == 0 ? take_or_wait(q, header_len + size, room) : take_chains(q, header_len + size, room)) < 0)
			break;
		const struct iovec *first = &rooms->iov[room->first_iov];
		if (first->iov_len < header_len + ETH_HEADER_LEN || room->n_iov > LENT_PIECES_MAX) {
			/* Legal but unusual: such buffers are served by send(). */
			ring_untake(&q->ring, room->n_chains);
			rooms->n_chains -= room->n_chains;
			break;
		}
		memcpy(&rooms->lent[n_lent], first, room->n_iov * sizeof(*first));
		rooms->lent[n_lent].iov_base = (uint8_t *)first->iov_base + header_len;
		rooms->lent[n_lent].iov_len -= header_len;
		ret[rooms->n] = (struct port_room){ .iov = &rooms->lent[n_lent], .n_iov = room->n_iov, .size = room->size };
		n_lent += room->n_iov;
	}
	if (rooms->n > 0)
		rooms->lent_by = q;
	return rooms->n;
}

/* Completes @room, which holds @f behind the room for a net header, and gives it to the guest.  Returns how many chains were used. */
static unsigned finish_room(struct vhost_queue *q, const struct vhost_room *room, const struct frame *f)
{
	static const uint8_t zeros[ETH_FRAME_MIN];
	struct frame padded = *f;
	struct cursor c;
	padded.len = MAX(f->len, (size_t)ETH_FRAME_MIN);
	write_header(q->device, room, &padded, &c);
	if (padded.len > f->len) {
		skip_bytes(&c, f->len);
		write_bytes(&c, zeros, padded.len - f->len);
	}
	return give_chains(q, room, net_header_len(q->device->features) + padded.len);
}

static void vhost_commit(struct port *p, usec_t now, const struct frame *frames, unsigned k)
{
	struct vhost_device *d = container_of(p, struct vhost_device, port);
	struct vhost_rooms *rooms = d->rooms;
	struct vhost_queue *q = rooms->lent_by;
	if (!q || q->device != d)
		return;
	rooms->lent_by = NULL;
	unsigned used = 0;
	for (unsigned i = 0; i < k; i++)
		used += finish_room(q, &rooms->rooms[i], &frames[i]);
	ring_untake(&q->ring, rooms->n_chains - used);
	vhost_queue_publish(q);
}

void vhost_receive_resume(struct vhost_device *d, usec_t now)
{
	if (!d->port.congested)
		return;
	d->port.congested = false;
	segment_port_writable(d->config->segment, now, &d->port);
	segment_flush(d->config->segment, now);
}

void vhost_receive_kicked(struct vhost_queue *q, usec_t now)
{
	ring_refuse_kicks(&q->ring);
	if (place_backlog(q, now))
		vhost_receive_resume(q->device, now);
}

const struct port_ops vhost_port_ops = {
	.kind = "vhost-user",
	.send = vhost_send,
	.flush = vhost_flush,
	.reserve = vhost_reserve,
	.commit = vhost_commit,
};
