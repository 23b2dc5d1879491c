/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/datagram.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "lan/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RX_FRAMES 64
/* A room takes the largest frame and one byte, to detect longer messages.  Not a power of two: rooms must not share cache sets. */
#define RX_ROOM_BYTES (((LINK_FRAME_MAX + 1) / 64 + 1) * 64)
#define TX_FRAMES 256
#define TX_IOV 1024
#define TX_QUEUE_BYTES ((size_t)1024 * 1024)
#define DRAIN_FRAMES 64
/* The kernel limits it to net.core.wmem_max. */
#define SOCKET_BUFFER_BYTES (1024 * 1024)

static_assert(TX_IOV >= FRAME_IOV_MAX, "a whole frame fits");

struct datagram_rooms {
	struct mmsghdr messages[RX_FRAMES];
	struct iovec iov[RX_FRAMES];
	uint8_t bytes[RX_FRAMES][RX_ROOM_BYTES];
};

/* Frames taken since the last flush; their bytes are borrowed. */
struct datagram_gather {
	struct mmsghdr messages[TX_FRAMES];
	struct iovec iov[TX_IOV];
	unsigned n_frames, n_iov;
};

int datagram_io_init(struct datagram_io *io, struct poller *poller, struct segment *segment)
{
	struct datagram_rooms *rooms = malloc(sizeof(*rooms)); /* not calloc(): pages that no frame needs stay untouched */
	if (!rooms)
		return -ENOMEM;
	for (unsigned i = 0; i < RX_FRAMES; i++) {
		rooms->iov[i] = (struct iovec){ .iov_base = rooms->bytes[i], .iov_len = LINK_FRAME_MAX + 1 };
		rooms->messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &rooms->iov[i], .msg_iovlen = 1 } };
	}
	*io = (struct datagram_io){ .poller = poller, .segment = segment, .rooms = rooms };
	return 0;
}

void datagram_io_done(struct datagram_io *io)
{
	free(io->rooms);
	io->rooms = NULL;
}

static void end(struct datagram_port *p, usec_t now, int error)
{
	if (p->is_over)
		return;
	p->is_over = true;
	poller_unwatch(p->io->poller, &p->watch);
	p->ended(p, now, error);
}

static void drop(struct datagram_port *p, enum drop_reason why)
{
	segment_drop(p->io->segment, &p->port, why, NULL);
}

/* --- out --- */

static size_t queued(const struct datagram_port *p)
{
	return p->queue_len - p->queue_at;
}

static void look_at_queue(struct datagram_port *p)
{
	p->port.crowded = queued(p) > TX_QUEUE_BYTES / 2;
}

static void append(struct datagram_port *p, const void *bytes, size_t len)
{
	memcpy(p->queue + p->queue_len, bytes, len);
	p->queue_len += len;
}

static void queue_frame(struct datagram_port *p, const struct iovec *iov, size_t n)
{
	uint32_t len = 0;
	for (size_t i = 0; i < n; i++)
		len += (uint32_t)iov[i].iov_len;
	if (!p->queue)
		p->queue = malloc(TX_QUEUE_BYTES);
	if (!p->queue || sizeof(len) + len > TX_QUEUE_BYTES - queued(p)) {
		struct frame f = { .iov = iov, .n_iov = (unsigned)n, .len = len, .checksum = FRAME_CHECKSUM_VERIFIED };
		segment_drop(p->io->segment, &p->port, DROP_PORT_FULL, &f);
		return;
	}
	if (sizeof(len) + len > TX_QUEUE_BYTES - p->queue_len) {
		memmove(p->queue, p->queue + p->queue_at, queued(p));
		p->queue_len -= p->queue_at;
		p->queue_at = 0;
	}
	append(p, &len, sizeof(len));
	for (size_t i = 0; i < n; i++)
		append(p, iov[i].iov_base, iov[i].iov_len);
	look_at_queue(p);
}

static void set_congested(struct datagram_port *p, bool congested)
{
	p->port.congested = congested;
	if (p->watch.active)
		poller_rewatch(p->io->poller, &p->watch, POLL_EVENT_IN | (congested ? POLL_EVENT_OUT : 0));
}

enum sent {
	SENT,   /* or skipped and counted */
	WAIT,   /* the socket is full */
	BROKEN, /* the port has ended */
};

/* The peer refused the first of the messages with @error. */
static enum sent refused(struct datagram_port *p, usec_t now, int error, unsigned *ret_done)
{
	enum datagram_refusal r = p->refused ? p->refused(p, error) : DATAGRAM_ENDED;
	if (r == DATAGRAM_ENDED) {
		end(p, now, error);
		return BROKEN;
	}
	if (r == DATAGRAM_LOST || p->tried_again) {
		drop(p, DROP_PEER_UNREACHABLE);
		*ret_done = 1;
	}
	p->tried_again = r == DATAGRAM_AGAIN;
	return SENT;
}

/*
 * Sends some of @n messages; *@ret_done is how many are dealt with, which is 0 when SENT asks for another try.  A message that cannot be
 * sent is skipped and counted: it is too long for the socket's buffer, or lies in the memory of a guest that has gone.
 */
static enum sent send_some(struct datagram_port *p, usec_t now, struct mmsghdr *messages, unsigned n, unsigned *ret_done)
{
	*ret_done = 0;
	int r = sendmmsg(p->watch.fd, messages, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r >= 0) {
		p->tried_again = false;
		*ret_done = (unsigned)r;
		return SENT;
	}
	int error = errno;
	switch (error) {
	case EINTR: return SENT;
	case EAGAIN:
	case ENOBUFS: return WAIT;
	case EMSGSIZE:
	case EFAULT:
		drop(p, error == EMSGSIZE ? DROP_OVERSIZE : DROP_NO_MEMORY);
		*ret_done = 1;
		return SENT;
	default: return refused(p, now, error, ret_done);
	}
}

static void write_gathered(struct datagram_port *p, usec_t now)
{
	struct datagram_gather *g = p->out;
	unsigned at = 0, done;
	enum sent sent = p->is_over ? BROKEN : SENT;
	while (sent == SENT && at < g->n_frames) {
		sent = send_some(p, now, g->messages + at, g->n_frames - at, &done);
		at += done;
	}
	for (; sent == WAIT && at < g->n_frames; at++)
		queue_frame(p, g->messages[at].msg_hdr.msg_iov, g->messages[at].msg_hdr.msg_iovlen);
	g->n_frames = g->n_iov = 0;
	if (queued(p) > 0 && sent == WAIT)
		set_congested(p, true);
}

static void gather_frame(struct datagram_gather *g, const struct frame *frame)
{
	struct iovec *iov = g->iov + g->n_iov;
	memcpy(iov, frame->iov, frame->n_iov * sizeof(*iov));
	g->messages[g->n_frames++] = (struct mmsghdr){ .msg_hdr = { .msg_iov = iov, .msg_iovlen = frame->n_iov } };
	g->n_iov += frame->n_iov;
}

static void datagram_send(struct port *port, usec_t now, const struct frame *frame)
{
	struct datagram_port *p = container_of(port, struct datagram_port, port);
	if (p->is_over)
		return;
	if (!p->out)
		p->out = calloc(1, sizeof(*p->out));
	if (!p->out || frame->n_iov > FRAME_IOV_MAX) {
		segment_drop(p->io->segment, port, DROP_PORT_FULL, frame);
		return;
	}
	if (port->congested) {
		queue_frame(p, frame->iov, frame->n_iov);
		return;
	}
	if (p->out->n_frames == TX_FRAMES || p->out->n_iov + frame->n_iov > TX_IOV)
		write_gathered(p, now);
	if (port->congested)
		queue_frame(p, frame->iov, frame->n_iov);
	else
		gather_frame(p->out, frame);
}

static void datagram_flush(struct port *port, usec_t now)
{
	struct datagram_port *p = container_of(port, struct datagram_port, port);
	if (p->out && p->out->n_frames > 0)
		write_gathered(p, now);
}

/* Makes messages of the first frames in the queue; returns how many. */
static unsigned queue_messages(const struct datagram_port *p, struct mmsghdr messages[static DRAIN_FRAMES],
			       struct iovec iov[static DRAIN_FRAMES])
{
	unsigned n = 0;
	for (size_t at = p->queue_at; at < p->queue_len && n < DRAIN_FRAMES; n++) {
		uint32_t len;
		memcpy(&len, p->queue + at, sizeof(len));
		iov[n] = (struct iovec){ .iov_base = p->queue + at + sizeof(len), .iov_len = len };
		messages[n] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[n], .msg_iovlen = 1 } };
		at += sizeof(len) + len;
	}
	return n;
}

static void drain_queue(struct datagram_port *p, usec_t now)
{
	struct mmsghdr messages[DRAIN_FRAMES];
	struct iovec iov[DRAIN_FRAMES];
	enum sent sent = SENT;
	while (sent == SENT && queued(p) > 0) {
		unsigned done, n = queue_messages(p, messages, iov);
		sent = send_some(p, now, messages, n, &done);
		for (unsigned i = 0; i < done; i++)
			p->queue_at += sizeof(uint32_t) + iov[i].iov_len;
	}
	look_at_queue(p);
	if (sent != SENT)
		return;
	free(p->queue);
	p->queue = NULL;
	p->queue_at = p->queue_len = 0;
	set_congested(p, false);
	segment_port_writable(p->io->segment, now, &p->port);
	segment_flush(p->io->segment, now);
}

/* --- in --- */

/* Delivers @n messages; false when one of them ends the connection. */
static bool deliver(struct datagram_port *p, usec_t now, unsigned n)
{
	struct segment *segment = p->io->segment;
	struct datagram_rooms *rooms = p->io->rooms;
	bool open = true;
	unsigned in_time = n;
	for (unsigned i = 0; i < n && open; i++) {
		size_t len = rooms->messages[i].msg_len;
		if (len == 0 && p->counts_empty)
			open = false;
		else if (len > LINK_FRAME_MAX)
			drop(p, DROP_DATAGRAM_LENGTH);
		else
			segment_input_batch(segment, now, &p->port, rooms->bytes[i], len, i + 1 < n);
		if (in_time == n && poller_slice_is_over(p->io->poller, 1))
			in_time = i + 1;
	}
	appetite_served(&p->appetite, n, in_time);
	segment_flush(segment, now);
	return open;
}

/* The error is about an earlier message.  Only the next send shows whether the peer is still there. */
static bool is_passing(int error)
{
	return error == EAGAIN || error == EINTR || error == ECONNRESET || error == ECONNREFUSED || error == ENOBUFS;
}

static void failed(struct datagram_port *p, usec_t now, int error)
{
	if (!p->refused || p->refused(p, error) == DATAGRAM_ENDED)
		end(p, now, error);
}

static void read_frames(struct datagram_port *p, usec_t now)
{
	int n = recvmmsg(p->watch.fd, p->io->rooms->messages, p->appetite.n, MSG_DONTWAIT, NULL);
	if (n > 0 && !deliver(p, now, (unsigned)n))
		end(p, now, 0);
	else if (n < 0 && !is_passing(errno))
		failed(p, now, errno);
}

static void datagram_ready(struct watch *w, usec_t now, unsigned events)
{
	struct datagram_port *p = container_of(w, struct datagram_port, watch);
	if (events & POLL_EVENT_OUT && queued(p) > 0)
		drain_queue(p, now);
	if (p->is_over)
		return;
	if (events & (POLL_EVENT_IN | POLL_EVENT_ERROR))
		read_frames(p, now);
	else if (events & POLL_EVENT_HANGUP)
		end(p, now, 0);
}

/* --- life --- */

void datagram_port_init(struct datagram_port *p, struct datagram_io *io, const char *kind, size_t max_frame, size_t mtu,
			void (*ended)(struct datagram_port *p, usec_t now, int error))
{
	*p = (struct datagram_port){
		.ops = { .kind = kind, .send = datagram_send, .flush = datagram_flush },
		.io = io,
		.ended = ended,
		.watch = { .ready = datagram_ready, .fd = -1 },
	};
	share_init(&p->share);
	p->appetite = appetite_of(RX_FRAMES);
	p->watch.share = &p->share;
	port_init(&p->port, &p->ops, kind, max_frame, mtu);
}

int datagram_port_start(struct datagram_port *p, int fd)
{
	int type = SOCK_DGRAM;
	socklen_t size = sizeof(type);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	p->counts_empty = type == SOCK_SEQPACKET;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ SOCKET_BUFFER_BYTES }, sizeof(int));
	int r = poller_watch(p->io->poller, &p->watch, fd, POLL_EVENT_IN);
	if (r < 0)
		return r;
	p->watch.fd = fd;
	segment_attach(p->io->segment, &p->port);
	return 0;
}

void datagram_port_done(struct datagram_port *p, usec_t now)
{
	poller_unwatch(p->io->poller, &p->watch);
	share_done(&p->share);
	if (p->port.segment)
		segment_detach(p->io->segment, now, &p->port);
	if (p->watch.fd >= 0)
		close(p->watch.fd);
	free(p->out);
	free(p->queue);
	*p = (struct datagram_port){ .watch.fd = -1, .io = p->io };
}
