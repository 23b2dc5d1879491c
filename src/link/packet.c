/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/packet.h"

#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "host/poller.h"
#include "lan/segment.h"
#include "link/datagram.h"
#include "link/listener.h"
#include "wire/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define UDP_PAYLOAD_MAX ((size_t)IPV4_PACKET_MAX - IPV4_HEADER_LEN - UDP_HEADER_LEN)
/* The path MTU of a UDP socket is not known; IP would fragment larger frames. */
#define UDP_MTU 1500
/* The kernel limits it to net.core.rmem_max. */
#define RECEIVE_BUFFER_BYTES (4 * 1024 * 1024)

struct packet_link {
	struct link link;
	struct link_config config;
	struct listener listener;
	struct list connections;
	struct datagram_io io;
};

struct connection {
	struct datagram_port port;
	struct list node;
	struct packet_link *link;
	struct deferred end;
};

static void connection_free(struct connection *c, usec_t now)
{
	list_remove(&c->end.node);
	list_remove(&c->node);
	datagram_port_done(&c->port, now);
	free(c);
}

static void run_end(struct deferred *d, usec_t now)
{
	struct connection *c = container_of(d, struct connection, end);
	struct packet_link *l = c->link;
	log_info(l->config.log, "port %s: detached", c->port.port.name);
	connection_free(c, now);
	listener_resume(&l->listener, now); /* a descriptor is free now */
}

/* Frees the connection after the current round of events. */
static void ended(struct datagram_port *p, usec_t now, int error)
{
	struct connection *c = container_of(p, struct connection, port);
	poller_defer(c->link->config.poller, &c->end);
}

/* UDP reports errors of earlier datagrams, and the peer may come back. */
static enum datagram_refusal refused_by_udp(struct datagram_port *p, int error)
{
	return error == ECONNREFUSED ? DATAGRAM_AGAIN : DATAGRAM_LOST;
}

/* --- connections --- */

static int socket_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -errno : value;
}

static bool is_udp(int fd)
{
	int domain = socket_option(fd, SO_DOMAIN);
	return domain == AF_INET || domain == AF_INET6;
}

/* Returns the kind of the port. */
static const char *connection_init(struct connection *c, struct packet_link *l, int fd)
{
	bool udp = is_udp(fd);
	size_t mtu = udp ? MIN(l->config.mtu, (size_t)UDP_MTU) : l->config.mtu;
	const char *kind = udp ? "udp" : socket_option(fd, SO_TYPE) == SOCK_SEQPACKET ? "seqpacket" : "dgram";
	datagram_port_init(&c->port, &l->io, kind, udp ? UDP_PAYLOAD_MAX : LINK_FRAME_MAX, mtu, ended);
	if (udp)
		c->port.refused = refused_by_udp;
	c->link = l;
	c->end.run = run_end;
	list_init(&c->end.node);
	return kind;
}

static int add(struct packet_link *l, int fd, const struct port_identity *identity)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	const char *kind = connection_init(c, l, fd);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ RECEIVE_BUFFER_BYTES }, sizeof(int));
	int r = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
	if (r == 0)
		r = datagram_port_start(&c->port, fd);
	if (r < 0) {
		free(c);
		return r;
	}
	list_append(&l->connections, &c->node);
	port_identify(&c->port.port, kind, identity);
	log_info(l->config.log, "port %s: attached", c->port.port.name);
	return 0;
}

static int accepted(struct listener *listener, int fd, const struct port_identity *identity)
{
	return add(container_of(listener, struct packet_link, listener), fd, identity);
}

static struct packet_link *packet_link_of(const struct link *link)
{
	return container_of(link, struct packet_link, link);
}

static int packet_add(struct link *link, int fd, const struct port_identity *identity)
{
	return add(packet_link_of(link), fd, identity);
}

static usec_t packet_deadline(const struct link *link)
{
	return listener_deadline(&packet_link_of(link)->listener);
}

static void packet_expire(struct link *link, usec_t now)
{
	listener_expire(&packet_link_of(link)->listener, now);
}

static int packet_listen(struct link *link, int fd, const struct port_identity *identity, char *error, size_t size)
{
	return listener_add(&packet_link_of(link)->listener, fd, identity);
}

static void packet_unlisten(struct link *link, usec_t now, int fd)
{
	listener_remove(&packet_link_of(link)->listener, fd);
}

static int packet_new(const struct link_config *config, struct link **ret)
{
	struct packet_link *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->link.ops = &packet_link_ops;
	l->config = *config;
	listener_init(&l->listener, config->poller, config->log, accepted);
	list_init(&l->connections);
	int r = datagram_io_init(&l->io, config->poller, config->segment);
	if (r < 0) {
		free(l);
		return r;
	}
	*ret = &l->link;
	return 0;
}

static void packet_free(struct link *link, usec_t now)
{
	struct packet_link *l = packet_link_of(link);
	listener_done(&l->listener);
	list_for_each(node, &l->connections)
		connection_free(container_of(node, struct connection, node), now);
	datagram_io_done(&l->io);
	free(l);
}

const struct link_ops packet_link_ops = {
	.name = "packet",
	.mtu = LINK_MTU_MAX,
	.sockets = { { "seqpacket", SOCK_SEQPACKET, LINK_SOCKET_LISTENS | LINK_SOCKET_CONNECTED | LINK_SOCKET_DEFAULT },
		     { "dgram", SOCK_DGRAM, LINK_SOCKET_CONNECTED | LINK_SOCKET_INET | LINK_SOCKET_DEFAULT } },
	.listen_type = SOCK_SEQPACKET,
	.new = packet_new,
	.free = packet_free,
	.listen = packet_listen,
	.unlisten = packet_unlisten,
	.add = packet_add,
	.deadline = packet_deadline,
	.expire = packet_expire,
};
