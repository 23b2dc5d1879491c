/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that are named one by one: by a descriptor, a socket to connect to, or two UDP addresses. */
#include "network/attach.h"

#include "base/macros.h"
#include "base/one_line.h"
#include "host/socket_facts.h"
#include "host/udp_socket.h"
#include "network/network_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whether many guests may use it: it listens, or it is a unix datagram socket, whose senders differ by their paths. */
static bool is_shared(const struct socket_facts *f)
{
	return f->listens || (f->type == SOCK_DGRAM && f->domain == AF_UNIX && !f->is_connected);
}

static unsigned use_of(const struct socket_facts *f)
{
	return is_shared(f) ? LINK_SOCKET_LISTENS : LINK_SOCKET_CONNECTED;
}

/* Why a socket of these facts cannot be attached as @a says; NULL: it can. */
static const char *why_not(const struct attachment *a, const struct socket_facts *f)
{
	const char *word = a->type;
	bool is_unix = f->domain == AF_UNIX, is_inet = f->domain == AF_INET || f->domain == AF_INET6;
	if (!link_socket_find(word, f->type, 0))
		return "it is a socket of another type";
	if (!is_unix && !(is_inet && link_socket_find(word, f->type, LINK_SOCKET_INET)))
		return "it is a socket of another family";
	if (f->type == SOCK_DGRAM && is_inet && !f->is_connected)
		return "a UDP socket is for one guest: connect() it to that guest's address";
	if (f->type == SOCK_DGRAM && !f->is_connected && !f->is_bound)
		return "it is neither bound nor connected";
	if (!link_socket_find(word, f->type, use_of(f)))
		return is_shared(f) ? "it is not connected to a guest" : "it does not listen";
	if (f->type != SOCK_DGRAM && !f->is_connected && !f->listens)
		return "it neither listens nor is connected";
	if (is_shared(f) && (a->identity.name[0] != '\0' || !mac_is_zero(a->identity.pinned)))
		return "mac= and name= are for one guest, and many guests may use this socket";
	return NULL;
}

static int refuse_fd(const struct attachment *a, const struct socket_facts *f, const char *why, char *error, size_t size)
{
	const struct link_socket *s = link_socket_find(a->type, f->type, 0);
	snprintf(error, size, "descriptor %d, type %s: %s", a->fd, s ? s->word : a->type ? a->type : "auto", why);
	return -EINVAL;
}

static int hand_over(struct lanlet_network *n, const struct attachment *a, const struct socket_facts *f, char *error, size_t size)
{
	struct link *l = links_find_socket(&n->links, a->type, f->type, use_of(f));
	return is_shared(f) ? l->ops->listen(l, a->fd, &a->identity, error, size) : l->ops->add(l, a->fd, &a->identity);
}

static int attach_fd(struct lanlet_network *n, const struct attachment *a, char *error, size_t size)
{
	struct socket_facts facts;
	int r = socket_facts_get(a->fd, &facts);
	if (r < 0) {
		snprintf(error, size, "descriptor %d: %s", a->fd, socket_facts_explain(-r));
		return r;
	}
	const char *why = why_not(a, &facts);
	if (why)
		return refuse_fd(a, &facts, why, error, size);
	char more[256] = "";
	r = fcntl(a->fd, F_SETFL, fcntl(a->fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
	if (r == 0)
		r = hand_over(n, a, &facts, more, sizeof(more));
	if (r < 0 && more[0] != '\0')
		snprintf(error, size, "%s", more);
	else if (r < 0)
		snprintf(error, size, "descriptor %d: %s", a->fd, strerror(-r));
	return r;
}

static int attach_path(struct lanlet_network *n, const struct attachment *a, char *error, size_t size)
{
	struct link *l = links_find_socket(&n->links, a->type, 0, LINK_SOCKET_TARGET);
	int r = l->ops->connect(l, a->path, &a->identity);
	if (r < 0)
		snprintf(error, size, "socket %s: %s", a->path, strerror(-r));
	return r;
}

static int attach_udp(struct lanlet_network *n, const struct attachment *p, char *error, size_t size)
{
	struct link *l = links_find_socket(&n->links, NULL, SOCK_DGRAM, LINK_SOCKET_CONNECTED | LINK_SOCKET_INET);
	char text[IP_TEXT_SIZE];
	int fd = udp_open(&p->local, &p->peer);
	int r = fd < 0 ? fd : l->ops->add(l, fd, &p->identity);
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
		one_line(error, size);
		return -EINVAL;
	}
	return attach(n, &p, error, size);
}

int lanlet_network_attach_fd(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	return attach_text(n, ATTACHMENT_FD, text, error, size);
}

int lanlet_network_attach_connect(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	return attach_text(n, ATTACHMENT_CONNECT, text, error, size);
}

int lanlet_network_attach_udp(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	return attach_text(n, ATTACHMENT_UDP, text, error, size);
}
