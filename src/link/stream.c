/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In: an event reads up to a buffer's size, in pieces.  Frames are not copied; the segment is flushed before the buffer is used again.
 * Frames that are left when the connection's slice of time is over (base/shares.h) stay in the buffer, and nothing more is read meanwhile.
 * Buffers come from a pool, and a connection keeps one only while it holds frames or a part of one, so idle connections need no buffer.
 *
 * Out: stream_out.h.
 */
#include "link/stream.h"

#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "host/poller.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "link/connector.h"
#include "link/listener.h"
#include "link/stream_out.h"
#include "wire/eth.h"
#include "wire/framing.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than a unix socket holds, and than the largest frame. */
#define RX_BUFFER_BYTES ((size_t)512 * 1024)
#define RX_POOL_MAX 4
/*
 * The first recv() of a batch, and the others of one with small frames.  A guest that sends small frames one by one, as QEMU does, makes
 * the kernel take a third of a microsecond for each, and the clock is looked at only between two calls.
 */
#define RX_PIECE_BYTES ((size_t)64 * 1024)
#define SMALL_FRAME_BYTES 512u
/* The kernel limits it to net.core.wmem_max. */
#define SOCKET_BUFFER_BYTES (4 * 1024 * 1024)

/* Edge-triggered: a descriptor that was read empty is not polled once more before each sleep. */
#define EVENTS (POLL_EVENT_IN | POLL_EVENT_PEER_SHUT | POLL_EVENT_EDGE)

static_assert(RX_BUFFER_BYTES > LINK_FRAME_MAX + FRAMING_LENGTH_BYTES, "a whole frame fits");

struct rx_buffer {
	struct list node;
	uint8_t bytes[RX_BUFFER_BYTES];
};

struct stream_link {
	struct link link;
	struct link_config config;
	struct listener listener;
	struct connector connector;
	struct list connections;
	struct list rx_pool;
	unsigned n_rx_pool;
	struct stream_pool tx_pool;
};

struct connection {
	struct port port;
	struct list node;
	struct stream_link *link;
	struct connector_target *target; /* NULL: the guest connected to lanlet */
	struct watch watch;
	struct share share;
	struct deferred end;
	int fd;
	bool ending;
	bool has_frames;      /* whole ones wait in the buffer */
	bool are_small;       /* the last ones, on average */
	struct rx_buffer *rx; /* NULL while it would be empty */
	size_t rx_at, rx_len; /* bytes [rx_at … rx_len) of it are used */
	struct stream_out out;
};

static struct rx_buffer *take_rx_buffer(struct stream_link *l)
{
	if (list_empty(&l->rx_pool))
		return malloc(sizeof(struct rx_buffer));
	struct rx_buffer *b = container_of(l->rx_pool.next, struct rx_buffer, node);
	list_remove(&b->node);
	l->n_rx_pool--;
	return b;
}

static void give_rx_buffer(struct stream_link *l, struct rx_buffer *b)
{
	if (l->n_rx_pool >= RX_POOL_MAX) {
		free(b);
		return;
	}
	list_append(&l->rx_pool, &b->node);
	l->n_rx_pool++;
}

/* Frees the connection after the current round of events. */
static void end_later(struct connection *c)
{
	if (c->ending)
		return;
	c->ending = true;
	poller_unwatch(c->link->config.poller, &c->watch);
	poller_defer(c->link->config.poller, &c->end);
}

static void connection_free(struct connection *c, usec_t now)
{
	struct stream_link *l = c->link;
	list_remove(&c->end.node);
	poller_unwatch(l->config.poller, &c->watch);
	share_done(&c->share);
	if (c->port.segment)
		segment_detach(l->config.segment, now, &c->port);
	list_remove(&c->node);
	if (c->rx)
		give_rx_buffer(l, c->rx);
	close(c->fd);
	connector_lost(c->target, now);
	stream_out_done(&c->out);
	free(c);
}

static void run_end(struct deferred *d, usec_t now)
{
	struct connection *c = container_of(d, struct connection, end);
	struct stream_link *l = c->link;
	log_info(l->config.log, "port %s: detached", c->port.name);
	connection_free(c, now);
	listener_resume(&l->listener, now); /* a descriptor is free now */
}

/* --- out --- */

static void set_congested(struct connection *c, bool congested)
{
	c->port.congested = congested;
	if (c->watch.active)
		poller_rewatch(c->link->config.poller, &c->watch, EVENTS | (congested ? POLL_EVENT_OUT : 0));
}

static void frame_dropped(struct stream_out *o, const struct frame *frame)
{
	struct connection *c = container_of(o, struct connection, out);
	segment_drop(c->link->config.segment, &c->port, DROP_PORT_FULL, frame);
}

/* Acts on @r, the last result of c->out. */
static void settle(struct connection *c, int r)
{
	c->port.crowded = stream_out_is_crowded(&c->out);
	if (r < 0)
		end_later(c);
	else if (stream_out_waits(&c->out))
		set_congested(c, true);
}

static void stream_send(struct port *p, usec_t now, const struct frame *frame)
{
	struct connection *c = container_of(p, struct connection, port);
	if (c->ending)
		return;
	int r = stream_out_frame(&c->out, frame);
	if (r < 0 || stream_out_waits(&c->out))
		settle(c, r);
}

static void stream_flush(struct port *p, usec_t now)
{
	struct connection *c = container_of(p, struct connection, port);
	if (c->ending)
		stream_out_forget(&c->out);
	else
		settle(c, stream_out_write(&c->out));
}

static const struct port_ops stream_port_ops = {
	.kind = "stream",
	.send = stream_send,
	.flush = stream_flush,
};

static void drain_queue(struct connection *c, usec_t now)
{
	int r = stream_out_drain(&c->out);
	settle(c, r);
	if (r <= 0)
		return;
	set_congested(c, false);
	segment_port_writable(c->link->config.segment, now, &c->port);
	segment_flush(c->link->config.segment, now);
}

/* --- in --- */

/* Delivers complete frames of the buffer until the slice is over.  -EBADMSG at an invalid length. */
static int deliver_frames(struct connection *c, usec_t now)
{
	struct bytes_reader r = bytes_reader(c->rx->bytes + c->rx_at, c->rx_len - c->rx_at);
	const uint8_t *bytes;
	size_t len, n = 0, all = r.left;
	enum framing_next next;
	c->has_frames = false;
	while ((next = framing_take(&r, ETH_HEADER_LEN, LINK_FRAME_MAX, &bytes, &len)) == FRAMING_FRAME) {
		segment_input_batch(c->link->config.segment, now, &c->port, bytes, len, r.left > 0);
		n++;
		if (poller_slice_is_over(c->link->config.poller, 1) && r.left > 0) {
			c->has_frames = true;
			break;
		}
	}
	c->rx_at = c->rx_len - r.left;
	c->are_small = n * SMALL_FRAME_BYTES > all - r.left;
	return next == FRAMING_BROKEN ? -EBADMSG : 0;
}

static void give_empty_buffer(struct connection *c)
{
	if (c->rx_at < c->rx_len)
		return;
	c->rx_at = c->rx_len = 0;
	give_rx_buffer(c->link, c->rx);
	c->rx = NULL;
}

/* Moves the part of a frame that is left to the front of the buffer. */
static void move_rest(struct connection *c)
{
	if (c->rx_at > 0)
		memmove(c->rx->bytes, c->rx->bytes + c->rx_at, c->rx_len - c->rx_at);
	c->rx_len -= c->rx_at;
	c->rx_at = 0;
}

static bool has_buffer(struct connection *c)
{
	if (!c->rx)
		c->rx = take_rx_buffer(c->link);
	if (c->rx)
		return true;
	segment_drop(c->link->config.segment, &c->port, DROP_NO_MEMORY, NULL);
	end_later(c);
	return false;
}

enum rx_next {
	RX_MORE,  /* in the socket, perhaps, or in the buffer */
	RX_EMPTY, /* the socket is */
	RX_END,
	RX_BROKEN,
};

/* Reads a piece behind what is in the buffer and delivers its frames. */
static enum rx_next read_piece(struct connection *c, usec_t now)
{
	size_t all = RX_BUFFER_BYTES - c->rx_len;
	size_t room = c->rx_len < RX_PIECE_BYTES || c->are_small ? MIN(all, RX_PIECE_BYTES) : all;
	ssize_t n = recv(c->fd, c->rx->bytes + c->rx_len, room, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? RX_EMPTY : RX_END;
	c->rx_len += (size_t)n;
	if (deliver_frames(c, now) < 0)
		return RX_BROKEN;
	return (size_t)n == room || c->has_frames ? RX_MORE : RX_EMPTY;
}

/* Reads a batch: what the buffer holds, or less when the slice is over before. */
static enum rx_next read_batch(struct connection *c, usec_t now)
{
	enum rx_next next;
	move_rest(c);
	do
		next = read_piece(c, now);
	while (next == RX_MORE && c->rx_len < RX_BUFFER_BYTES && !c->has_frames && !poller_slice_is_over(c->link->config.poller, 1));
	return next;
}

/* Reads only when no frames wait in the buffer.  True when there may be more. */
static bool read_frames(struct connection *c, usec_t now)
{
	struct segment *segment = c->link->config.segment;
	if (!has_buffer(c))
		return false;
	enum rx_next next = RX_MORE;
	if (!c->has_frames)
		next = read_batch(c, now);
	else if (deliver_frames(c, now) < 0)
		next = RX_BROKEN;
	segment_flush(segment, now);
	give_empty_buffer(c);
	if (next == RX_BROKEN) {
		segment_drop(segment, &c->port, DROP_STREAM_LENGTH, NULL);
		log_limited(c->link->config.log, &c->port.log_limit, now, LOG_LEVEL_WARNING,
			    "port %s: impossible frame length, closing the connection", c->port.name);
	}
	if (next == RX_BROKEN || next == RX_END)
		end_later(c);
	return next == RX_MORE;
}

static void connection_ready(struct watch *w, usec_t now, unsigned events)
{
	struct connection *c = container_of(w, struct connection, watch);
	bool ends = events & (POLL_EVENT_PEER_SHUT | POLL_EVENT_HANGUP | POLL_EVENT_ERROR);
	if (events & POLL_EVENT_OUT)
		drain_queue(c, now);
	if (c->ending)
		return;
	bool reads = events & POLL_EVENT_IN || c->has_frames;
	bool more = reads && read_frames(c, now);
	if (c->ending)
		return;
	/* No further edge may come for the rest, which may be frames and the end of the stream. */
	if (more || (ends && reads))
		poller_again(c->link->config.poller, &c->watch, (events & ~POLL_EVENT_OUT) | POLL_EVENT_IN);
	else if (ends)
		end_later(c);
}

/* --- connections --- */

static int add(struct stream_link *l, int fd, const struct port_identity *identity, struct connector_target *target)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	port_init(&c->port, &stream_port_ops, "stream", LINK_FRAME_MAX, l->config.mtu);
	c->link = l;
	c->target = target;
	c->fd = fd;
	stream_out_init(&c->out, fd, &l->tx_pool, frame_dropped);
	share_init(&c->share);
	c->watch.ready = connection_ready;
	c->watch.share = &c->share;
	c->end.run = run_end;
	list_init(&c->end.node);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ SOCKET_BUFFER_BYTES }, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* fails on a unix socket, where it is not needed */
	int r = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
	if (r == 0)
		r = poller_watch(l->config.poller, &c->watch, fd, EVENTS);
	if (r < 0) {
		free(c);
		return r;
	}
	list_append(&l->connections, &c->node);
	segment_attach(l->config.segment, &c->port);
	port_identify(&c->port, "stream", identity);
	log_info(l->config.log, "port %s: attached%s%s", c->port.name, target ? ", connected to " : "", target ? target->path : "");
	return 0;
}

static struct stream_link *stream_link_of(const struct link *link)
{
	return container_of(link, struct stream_link, link);
}

static int stream_add(struct link *link, int fd, const struct port_identity *identity)
{
	return add(stream_link_of(link), fd, identity, NULL);
}

static int connected(struct connector *connector, struct connector_target *target, usec_t now, int fd)
{
	return add(container_of(connector, struct stream_link, connector), fd, &target->identity, target);
}

static int stream_connect(struct link *link, const char *path, const struct port_identity *identity)
{
	return connector_add(&stream_link_of(link)->connector, path, identity);
}

static void stream_for_each_target(const struct link *link, link_target_f f, void *opaque)
{
	connector_for_each(&stream_link_of(link)->connector, f, opaque);
}

static int accepted(struct listener *listener, int fd, const struct port_identity *identity)
{
	return add(container_of(listener, struct stream_link, listener), fd, identity, NULL);
}

static usec_t stream_deadline(const struct link *link)
{
	const struct stream_link *l = stream_link_of(link);
	return MIN(listener_deadline(&l->listener), connector_deadline(&l->connector));
}

static void stream_expire(struct link *link, usec_t now)
{
	struct stream_link *l = stream_link_of(link);
	listener_expire(&l->listener, now);
	connector_expire(&l->connector, now);
}

static int stream_listen(struct link *link, int fd, const struct port_identity *identity, char *error, size_t size)
{
	return listener_add(&stream_link_of(link)->listener, fd, identity);
}

static void stream_unlisten(struct link *link, usec_t now, int fd)
{
	listener_remove(&stream_link_of(link)->listener, fd);
}

static int stream_new(const struct link_config *config, struct link **ret)
{
	struct stream_link *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->link.ops = &stream_link_ops;
	l->config = *config;
	listener_init(&l->listener, config->poller, config->log, accepted);
	connector_init(&l->connector, config->log, connected);
	list_init(&l->connections);
	list_init(&l->rx_pool);
	*ret = &l->link;
	return 0;
}

static void stream_free(struct link *link, usec_t now)
{
	struct stream_link *l = stream_link_of(link);
	listener_done(&l->listener);
	list_for_each(node, &l->connections)
		connection_free(container_of(node, struct connection, node), now);
	connector_done(&l->connector);
	list_for_each(node, &l->rx_pool) {
		list_remove(node);
		free(container_of(node, struct rx_buffer, node));
	}
	stream_pool_done(&l->tx_pool);
	free(l);
}

const struct link_ops stream_link_ops = {
	.name = "stream",
	.mtu = LINK_MTU_MAX,
	.sockets = { { "stream", SOCK_STREAM,
		       LINK_SOCKET_LISTENS | LINK_SOCKET_CONNECTED | LINK_SOCKET_TARGET | LINK_SOCKET_INET | LINK_SOCKET_DEFAULT } },
	.listen_type = SOCK_STREAM,
	.new = stream_new,
	.free = stream_free,
	.listen = stream_listen,
	.unlisten = stream_unlisten,
	.connect = stream_connect,
	.add = stream_add,
	.for_each_target = stream_for_each_target,
	.deadline = stream_deadline,
	.expire = stream_expire,
};
