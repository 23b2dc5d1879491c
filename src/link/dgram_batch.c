/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/dgram_batch.h"

#include "link/datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A unix socket queues net.unix.max_dgram_qlen datagrams: 10, or 512 where systemd has set it. */
#define BATCH DGRAM_BATCH_MAX
/* One byte more than a frame, to detect longer datagrams.  Not a power of two: rooms must not share cache sets. */
#define ROOM_BYTES (((LINK_FRAME_MAX + 1) / 64 + 1) * 64)

/* Pages that no datagram needs stay untouched. */
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
		b->iov[i] = (struct iovec){ .iov_base = b->bytes[i], .iov_len = LINK_FRAME_MAX + 1 };
		b->messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &b->iov[i], .msg_iovlen = 1, .msg_name = &b->sources[i] } };
	}
	*ret = b;
	return 0;
}

void dgram_batch_free(struct dgram_batch *b)
{
	free(b);
}

int dgram_batch_read(struct dgram_batch *b, int fd, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		b->messages[i].msg_hdr.msg_namelen = sizeof(b->sources[i]);
	int got = recvmmsg(fd, b->messages, n, MSG_DONTWAIT, NULL);
	return got < 0 ? -errno : got;
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
