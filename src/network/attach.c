/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that the network's user names one by one: descriptors, sockets to connect to, UDP addresses. */
#include "network/attach.h"

#include "base/macros.h"
#include "host/socket_facts.h"
#include "host/udp_socket.h"
#include "link/dgram.h"
#include "link/packet.h"
#include "link/stream.h"
#include "link/vde/vde.h"
#include "link/vhost/vhost.h"
#include "network/network.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int type_of_socket(enum attachment_type type)
{
	return type == ATTACHMENT_TYPE_DGRAM ? SOCK_DGRAM : type == ATTACHMENT_TYPE_SEQPACKET ? SOCK_SEQPACKET : SOCK_STREAM;
}

static enum attachment_type type_of_facts(const struct socket_facts *f)
{
	switch (f->type) {
	case SOCK_STREAM: return ATTACHMENT_TYPE_STREAM;
	case SOCK_DGRAM: return ATTACHMENT_TYPE_DGRAM;
	default: return f->type == SOCK_SEQPACKET ? ATTACHMENT_TYPE_SEQPACKET : ATTACHMENT_TYPE_AUTO;
	}
}

/* One unix datagram socket for many: the senders' paths tell them apart. */
static bool is_shared(enum attachment_type type, const struct socket_facts *f)
{
	return f->listens || (type == ATTACHMENT_TYPE_DGRAM && f->domain == AF_UNIX && !f->is_connected);
}

/* Why a socket of these @f cannot be plugged in as @p says; NULL: it can. */
static const char *why_not(const struct attachment *p, enum attachment_type type, const struct socket_facts *f)
{
	bool is_unix = f->domain == AF_UNIX, is_inet = f->domain == AF_INET || f->domain == AF_INET6;
	if (type == ATTACHMENT_TYPE_AUTO || type_of_socket(type) != f->type)
		return "it is a socket of another type";
	if (!is_unix && !(is_inet && (type == ATTACHMENT_TYPE_STREAM || type == ATTACHMENT_TYPE_DGRAM)))
		return "it is a socket of another family";
	if (type == ATTACHMENT_TYPE_DGRAM && is_inet && !f->is_connected)
		return "a UDP socket takes one guest: connect() it to that";
	if (type == ATTACHMENT_TYPE_DGRAM && !f->is_connected && !f->is_bound)
		return "it is neither bound nor connected";
	if (type == ATTACHMENT_TYPE_VDE && !f->listens)
		return "it does not listen, as a VDE switch's socket does";
	if (type != ATTACHMENT_TYPE_DGRAM && !f->is_connected && !f->listens)
		return "it neither listens nor is connected";
	if (is_shared(type, f) && (p->identity.name[0] != '\0' || !mac_is_zero(p->identity.pinned)))
		return "many guests may come by it, and mac= and name= are for one";
	return NULL;
}

static int hand_over(struct lanlet_network *n, enum attachment_type type, const struct socket_facts *f, int fd,
		     const struct port_identity *identity)
{
	switch (type) {
	case ATTACHMENT_TYPE_STREAM:
		if (f->domain != AF_UNIX)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		return f->listens ? stream_link_listen(n->stream, fd) : stream_link_add(n->stream, fd, identity);
	case ATTACHMENT_TYPE_VHOST: return f->listens ? vhost_link_listen(n->vhost, fd) : vhost_link_add(n->vhost, fd, identity);
	case ATTACHMENT_TYPE_DGRAM: return is_shared(type, f) ? dgram_link_add(n->dgram, fd) : packet_link_add(n->packet, fd, identity);
	case ATTACHMENT_TYPE_SEQPACKET: return f->listens ? packet_link_listen(n->packet, fd) : packet_link_add(n->packet, fd, identity);
	default: return -EINVAL;
	}
}

static int attach_fd(struct lanlet_network *n, const struct attachment *p, char *error, size_t size)
{
	struct socket_facts facts;
	int r = socket_facts_get(p->fd, &facts);
	if (r < 0) {
		snprintf(error, size, "descriptor %d: %s", p->fd, socket_facts_explain(-r));
		return r;
	}
	enum attachment_type type = p->type == ATTACHMENT_TYPE_AUTO ? type_of_facts(&facts) : p->type;
	const char *why = why_not(p, type, &facts);
	if (why) {
		snprintf(error, size, "descriptor %d, type %s: %s", p->fd, attachment_type_name(type), why);
		return -EINVAL;
	}
	r = fcntl(p->fd, F_SETFL, fcntl(p->fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
	if (r == 0 && type == ATTACHMENT_TYPE_VDE)
		return vde_link_adopt(n->vde, p->fd, error, size);
	if (r == 0)
		r = hand_over(n, type, &facts, p->fd, &p->identity);
	if (r < 0)
		snprintf(error, size, "descriptor %d: %s", p->fd, strerror(-r));
	return r;
}

static int attach_path(struct lanlet_network *n, const struct attachment *p, char *error, size_t size)
{
	int r = p->type == ATTACHMENT_TYPE_VHOST ? vhost_link_connect(n->vhost, p->path, &p->identity)
						 : stream_link_connect(n->stream, p->path, &p->identity);
	if (r < 0)
		snprintf(error, size, "socket %s: %s", p->path, strerror(-r));
	return r;
}

static int attach_udp(struct lanlet_network *n, const struct attachment *p, char *error, size_t size)
{
	char text[IP_TEXT_SIZE];
	int fd = udp_open(&p->local, &p->peer);
	int r = fd < 0 ? fd : packet_link_add(n->packet, fd, &p->identity);
	if (r < 0 && fd >= 0)
		close(fd);
	if (r < 0)
		snprintf(error, size, "UDP port %u of %s: %s", p->local.port, ip_format(&p->local.addr, text), strerror(-r));
	return r;
}

static int attach(struct lanlet_network *n, const struct attachment *p, char *error, size_t size)
{
	switch (p->kind) {
	case ATTACHMENT_FD: return attach_fd(n, p, error, size);
	case ATTACHMENT_CONNECT: return attach_path(n, p, error, size);
	case ATTACHMENT_UDP: return attach_udp(n, p, error, size);
	}
	return -EINVAL;
}

int attach_all(struct lanlet_network *n, const struct attachment_list *list, char *error, size_t size)
{
	int r = 0;
	for (size_t i = 0; i < list->n && r == 0; i++)
		r = attach(n, &list->at[i], error, size);
	return r;
}

static int attach_text(struct lanlet_network *n, enum attachment_kind kind, const char *text, char *error, size_t size)
{
	struct attachment p;
	const char *why = "it is not understood";
	if (attachment_parse(kind, text, &p, &why) < 0) {
		snprintf(error, size, "\"%s\": %s", text, why);
		return -EINVAL;
	}
	return attach(n, &p, error, size);
}

int lanlet_network_plug_fd(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	return attach_text(n, ATTACHMENT_FD, text, error, size);
}

int lanlet_network_plug_connect(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	return attach_text(n, ATTACHMENT_CONNECT, text, error, size);
}

int lanlet_network_plug_udp(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	return attach_text(n, ATTACHMENT_UDP, text, error, size);
}
