/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/dgram_batch.h"

#include "lan/segment.h"
#include "link/datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A unix socket queues net.unix.max_dgram_qlen datagrams: 10, or 512 where systemd has set it. */
#define BATCH 64u
/* One byte more than a frame, to see that a datagram is longer.  No power of two: rooms must not share cache sets. */
#define ROOM_BYTES (((DATAGRAM_FRAME_MAX + 1) / 64 + 1) * 64)

/* Memory is touched only as far as datagrams reach. */
struct dgram_batch {
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_un sources[BATCH];
	uint8_t bytes[BATCH][ROOM_BYTES];
};

int dgram_batch_new(struct dgram_batch **ret)
{
	struct dgram_batch *b = malloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	for (unsigned i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){ .iov_base = b->bytes[i], .iov_len = DATAGRAM_FRAME_MAX + 1 };
		b->messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &b->iov[i], .msg_iovlen = 1, .msg_name = &b->sources[i] } };
	}
	*ret = b;
	return 0;
}

void dgram_batch_free(struct dgram_batch *b)
{
	free(b);
}

int dgram_batch_read(struct dgram_batch *b, int fd)
{
	for (unsigned i = 0; i < BATCH; i++)
		b->messages[i].msg_hdr.msg_namelen = sizeof(b->sources[i]);
	int n = recvmmsg(fd, b->messages, BATCH, MSG_DONTWAIT, NULL);
	return n < 0 ? -errno : n;
}

struct dgram_packet dgram_batch_at(const struct dgram_batch *b, unsigned i)
{
	return (struct dgram_packet){
		.bytes = b->bytes[i],
		.len = b->messages[i].msg_len,
		.source = &b->sources[i],
		.source_len = b->messages[i].msg_hdr.msg_namelen,
	};
}

static void deliver_frame(void *opaque, const struct frame *f)
{
	struct dgram_delivery *d = opaque;
	segment_input(d->segment, d->now, d->from, f);
}

void dgram_delivery_begin(struct dgram_delivery *d, struct segment *segment, usec_t now)
{
	d->segment = segment;
	d->now = now;
	d->from = NULL;
	gro_init(&d->gro, segment->gateway.mac, &segment->arena, deliver_frame, d);
}

void dgram_delivery_add(struct dgram_delivery *d, struct port *from, const struct dgram_packet *packet)
{
	if (from != d->from)
		gro_flush(&d->gro);
	d->from = from;
	if (packet->len > DATAGRAM_FRAME_MAX) {
		segment_drop(d->segment, from, DROP_DATAGRAM_LENGTH, NULL);
		return;
	}
	struct iovec iov;
	struct frame f = frame_of(&iov, packet->bytes, packet->len);
	f.ingress = from;
	segment_show(d->segment, from, &f);
	gro_input(&d->gro, &f);
}

void dgram_delivery_end(struct dgram_delivery *d)
{
	gro_flush(&d->gro);
	segment_flush(d->segment, d->now);
}
