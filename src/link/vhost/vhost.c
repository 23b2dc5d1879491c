/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A front end's connection: reads a header, then the payload, and lets the device carry out the message.  Descriptors come with the first
 * byte of a message; those that the request does not keep are closed.
 */
#include "link/vhost/vhost.h"

#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "lan/segment.h"
#include "link/connector.h"
#include "link/listener.h"
#include "link/vhost/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Messages per turn, so that other descriptors get their turn. */
#define MESSAGES_PER_TURN 64

struct vhost_link {
	struct link link;
	struct link_config config;
	struct listener listener;
	struct connector connector;
	struct list connections;
	struct vhost_rooms *rooms; /* shared by all ports, which use it one after another */
	struct notifier *notifier;
	struct list polled; /* queues to poll */
};

struct connection {
	struct vhost_device device;
	struct list node;
	struct vhost_link *link;
	struct watch watch;
	struct connector_target *target; /* NULL: the front end connected to lanlet */
	struct deferred end;
	bool ending;
	uint8_t in[PROTOCOL_HEADER_LEN + PROTOCOL_PAYLOAD_MAX]; /* the message being read */
	size_t in_len;
	int fds[PROTOCOL_FDS_MAX]; /* that came with it */
	unsigned n_fds;
};

/* Frees the connection after the current round of events. */
static void end_later(struct connection *c)
{
	if (c->ending)
		return;
	c->ending = true;
	poller_unwatch(c->link->config.poller, &c->watch);
	poller_defer(c->link->config.poller, &c->end);
}

static void close_fds(struct connection *c)
{
	for (unsigned i = 0; i < c->n_fds; i++)
		if (c->fds[i] >= 0)
			close(c->fds[i]);
	c->n_fds = 0;
}

static void connection_free(struct connection *c, usec_t now)
{
	list_remove(&c->end.node);
	poller_unwatch(c->link->config.poller, &c->watch);
	if (c->device.port.segment)
		segment_detach(c->link->config.segment, now, &c->device.port);
	vhost_device_done(&c->device);
	list_remove(&c->node);
	close_fds(c);
	close(c->watch.fd);
	connector_lost(c->target, now);
	free(c);
}

static void run_end(struct deferred *d, usec_t now)
{
	struct connection *c = container_of(d, struct connection, end);
	struct vhost_link *l = c->link;
	log_info(l->config.log, "port %s: detached", c->device.port.name);
	connection_free(c, now);
	listener_resume(&l->listener, now); /* descriptors are free now */
}

/* --- messages --- */

static void violated(struct connection *c, usec_t now)
{
	vhost_device_drop(&c->device, DROP_VHOST_MESSAGE, NULL);
	log_limited(c->link->config.log, &c->device.port.log_limit, now, LOG_LEVEL_WARNING,
		    "port %s: the front end violates the vhost-user protocol, closing the connection", c->device.port.name);
	end_later(c);
}

static void reply(struct connection *c, const uint8_t *bytes, size_t len)
{
	/* A front end that does not read its replies is disconnected. */
	if (len > 0 && send(c->watch.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
		end_later(c);
}

static void refuse_unknown(struct connection *c, const struct protocol_header *h)
{
	uint8_t bytes[PROTOCOL_REPLY_SIZE_MAX];
	log_debug(c->link->config.log, "port %s: vhost-user request %u is unknown", c->device.port.name, h->request);
	if (h->need_reply && feature_has(c->device.protocol_features, PROTOCOL_F_REPLY_ACK))
		reply(c, bytes, protocol_emit_number(bytes, h->request, 1));
}

static void handle(struct connection *c, usec_t now, const struct protocol_header *h)
{
	uint8_t bytes[PROTOCOL_REPLY_SIZE_MAX];
	struct protocol_message m;
	int r = protocol_parse(h, c->in + PROTOCOL_HEADER_LEN, c->n_fds, &m);
	if (r == -ENOSYS)
		refuse_unknown(c, h);
	else if (r < 0)
		violated(c, now);
	else
		reply(c, bytes, vhost_request(&c->device, now, &m, c->fds, bytes));
	close_fds(c);
	c->in_len = 0;
}

static bool keep_descriptors(struct connection *c, struct msghdr *m)
{
	bool fit = !(m->msg_flags & MSG_CTRUNC);
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(m); cm; cm = CMSG_NXTHDR(m, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(fd), sizeof(fd));
			if (c->n_fds < PROTOCOL_FDS_MAX) {
				c->fds[c->n_fds++] = fd;
			} else {
				close(fd);
				fit = false;
			}
		}
	}
	return fit;
}

/* Reads until the message has @wanted bytes.  1 when it has, 0 when not yet, or a negative errno. */
static int fill(struct connection *c, size_t wanted)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(PROTOCOL_FDS_MAX * sizeof(int))];
	} control;
	if (c->in_len >= wanted)
		return 1;
	struct iovec iov = { .iov_base = c->in + c->in_len, .iov_len = wanted - c->in_len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(c->watch.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!keep_descriptors(c, &m))
		return -EBADMSG;
	c->in_len += (size_t)n;
	return n == 0 ? -ECONNRESET : c->in_len == wanted;
}

/* True when a whole message was read and handled. */
static bool read_message(struct connection *c, usec_t now)
{
	struct protocol_header h;
	int r = fill(c, PROTOCOL_HEADER_LEN);
	if (r > 0)
		r = protocol_header_parse(c->in, &h);
	else if (r == 0)
		return false;
	if (r == 0)
		r = fill(c, PROTOCOL_HEADER_LEN + h.size);
	if (r > 0)
		handle(c, now, &h);
	else if (r == -EBADMSG)
		violated(c, now);
	else if (r < 0)
		end_later(c);
	return r > 0;
}

static void connection_ready(struct watch *w, usec_t now, unsigned events)
{
	struct connection *c = container_of(w, struct connection, watch);
	for (unsigned n = 0; n < MESSAGES_PER_TURN && !c->ending && read_message(c, now); n++)
		;
}

/* --- connections --- */

static int add(struct vhost_link *l, int fd, const struct port_identity *identity, struct connector_target *target)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	vhost_device_init(&c->device, &l->config, l->rooms, l->notifier, l->config.busy_poll ? &l->polled : NULL);
	c->link = l;
	c->target = target;
	c->watch = (struct watch){ .ready = connection_ready, .fd = fd, .share = &c->device.share };
	c->end.run = run_end;
	list_init(&c->end.node);
	int r = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
	if (r == 0)
		r = poller_watch(l->config.poller, &c->watch, fd, POLL_EVENT_IN);
	if (r < 0) {
		free(c);
		return r;
	}
	struct port *p = &c->device.port;
	list_append(&l->connections, &c->node);
	segment_attach(l->config.segment, p);
	port_identify(p, "vhost", identity);
	log_info(l->config.log, "port %s: attached%s%s", p->name, target ? ", connected to " : "", target ? target->path : "");
	return 0;
}

static struct vhost_link *vhost_link_of(const struct link *link)
{
	return container_of(link, struct vhost_link, link);
}

static int vhost_add(struct link *link, int fd, const struct port_identity *identity)
{
	return add(vhost_link_of(link), fd, identity, NULL);
}

static int connected(struct connector *connector, struct connector_target *target, usec_t now, int fd)
{
	return add(container_of(connector, struct vhost_link, connector), fd, &target->identity, target);
}

static int vhost_connect(struct link *link, const char *path, const struct port_identity *identity)
{
	return connector_add(&vhost_link_of(link)->connector, path, identity);
}

static void vhost_for_each_target(const struct link *link, link_target_f f, void *opaque)
{
	connector_for_each(&vhost_link_of(link)->connector, f, opaque);
}

static int accepted(struct listener *listener, int fd, const struct port_identity *identity)
{
	return add(container_of(listener, struct vhost_link, listener), fd, identity, NULL);
}

static int vhost_listen(struct link *link, int fd, const struct port_identity *identity, char *error, size_t size)
{
	return listener_add(&vhost_link_of(link)->listener, fd, identity);
}

static void vhost_unlisten(struct link *link, usec_t now, int fd)
{
	listener_remove(&vhost_link_of(link)->listener, fd);
}

static usec_t vhost_deadline(const struct link *link)
{
	const struct vhost_link *l = vhost_link_of(link);
	return MIN(listener_deadline(&l->listener), connector_deadline(&l->connector));
}

static void vhost_expire(struct link *link, usec_t now)
{
	struct vhost_link *l = vhost_link_of(link);
	listener_expire(&l->listener, now);
	connector_expire(&l->connector, now);
}

static bool vhost_has_work(const struct link *link)
{
	const struct vhost_link *l = vhost_link_of(link);
	list_for_each(node, &l->polled) {
		struct vhost_queue *q = container_of(node, struct vhost_queue, polled);
		if (ring_waiting(&q->ring) > 0 || q->ring.broken)
			return true;
	}
	return false;
}

static void vhost_poll(struct link *link, usec_t now)
{
	struct vhost_link *l = vhost_link_of(link);
	/* The round that follows serves them in turn with the others; a queue without further work is appended again. */
	while (!list_empty(&l->polled)) {
		struct vhost_queue *q = container_of(l->polled.next, struct vhost_queue, polled);
		list_remove(&q->polled);
		vhost_queue_kick_again(q);
	}
}

static void vhost_settle(struct link *link)
{
	struct vhost_link *l = vhost_link_of(link);
	while (!list_empty(&l->polled)) {
		struct vhost_queue *q = container_of(l->polled.next, struct vhost_queue, polled);
		list_remove(&q->polled);
		if (ring_want_kicks(&q->ring))
			vhost_queue_kick_again(q);
	}
}

static int vhost_new(const struct link_config *config, struct link **ret)
{
	struct vhost_link *l = calloc(1, sizeof(*l));
	struct vhost_rooms *rooms = calloc(1, sizeof(*rooms));
	struct notifier *notifier = NULL;
	int r = l && rooms ? notifier_new(&notifier) : -ENOMEM;
	if (r < 0) {
		free(l);
		free(rooms);
		return r;
	}
	*l = (struct vhost_link){ .link.ops = &vhost_link_ops, .config = *config, .rooms = rooms, .notifier = notifier };
	listener_init(&l->listener, config->poller, config->log, accepted);
	connector_init(&l->connector, config->log, connected);
	list_init(&l->connections);
	list_init(&l->polled);
	*ret = &l->link;
	return 0;
}

static void vhost_free(struct link *link, usec_t now)
{
	struct vhost_link *l = vhost_link_of(link);
	listener_done(&l->listener);
	list_for_each(node, &l->connections)
		connection_free(container_of(node, struct connection, node), now);
	connector_done(&l->connector);
	notifier_free(l->notifier);
	free(l->rooms);
	free(l);
}

const struct link_ops vhost_link_ops = {
	.name = "vhost",
	.mtu = 1500, /* guests have segmentation offload and gain nothing by a larger one */
	.sockets = { { "vhost", SOCK_STREAM, LINK_SOCKET_LISTENS | LINK_SOCKET_CONNECTED | LINK_SOCKET_TARGET } },
	.listen_type = SOCK_STREAM,
	.new = vhost_new,
	.free = vhost_free,
	.listen = vhost_listen,
	.unlisten = vhost_unlisten,
	.connect = vhost_connect,
	.add = vhost_add,
	.for_each_target = vhost_for_each_target,
	.deadline = vhost_deadline,
	.expire = vhost_expire,
	.has_work = vhost_has_work,
	.poll = vhost_poll,
	.settle = vhost_settle,
};
