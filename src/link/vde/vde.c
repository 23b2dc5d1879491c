/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *     accepted ── request, valid ──> attached ─── control connection ends, or data socket refuses ──> gone
 *        └──── anything else, or no request in time ────────────────────────────────────────────────────┘
 *
 * A client names a socket, and lanlet connects to it.  The socket must belong to the client's user: otherwise a client could have frames
 * sent to any datagram socket of the host, such as the system log.
 */
#include "link/vde/vde.h"

#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "host/dead_socket.h"
#include "host/unix_socket.h"
#include "lan/segment.h"
#include "link/datagram.h"
#include "link/listener.h"
#include "link/vde/request.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Time limit for a client's request. */
#define REQUEST_TIME (10 * USEC_PER_SEC)
/* "/.PPPPPPP-NNNNN": the name that libvdeplug gives to a client's socket. */
#define CLIENT_NAME_MAX 15u
/* The socket that clients connect to. */
#define CTL "/ctl"

struct vde_link {
	struct link link;
	struct link_config config;
	struct datagram_io io;
	struct list directories;
	struct list waiting; /* clients without a request, oldest first */
	struct list attached;
};

struct directory {
	struct list node;
	struct vde_link *link;
	struct listener listener;
	bool is_adopted;                   /* another program made its socket and removes it */
	struct port_properties properties; /* of its ports */
	unsigned n_clients;
	bool taken[VDE_PORTS_MAX + 1]; /* port numbers */
	char path[VDE_PATH_SIZE];
};

struct client {
	struct datagram_port data;
	struct list node; /* in waiting or attached */
	struct directory *directory;
	struct watch control;
	struct deferred end;
	bool ending;
	usec_t since;             /* when it was accepted; USEC_INFINITY: set by the next expire() */
	unsigned number;          /* from 1 on; 0: none yet */
	char path[VDE_PATH_SIZE]; /* of lanlet's data socket; "": none */
	char peer[VDE_PATH_SIZE]; /* of the client's data socket */
	uint8_t in[VDE_REQUEST_SIZE];
	size_t in_len;
};

/* --- names --- */

/* "NNN.FD", the names that open_data() gives to sockets. */
static bool is_data_socket(const char *name)
{
	size_t number = strspn(name, "0123456789");
	return number >= 3 && name[number] == '.' && name[number + 1] != '\0' &&
	       name[number + 1 + strspn(name + number + 1, "0123456789")] == '\0';
}

/* ".PID-NUMBER", the names that libvdeplug gives to clients' sockets. */
static bool is_client_socket(const char *name)
{
	size_t pid = name[0] == '.' ? strspn(name + 1, "0123456789") : 0;
	if (pid == 0 || name[1 + pid] != '-')
		return false;
	const char *number = name + 1 + pid + 1;
	return number[0] != '\0' && number[strspn(number, "0123456789")] == '\0';
}

static bool is_left_behind(const char *name)
{
	return is_data_socket(name) || is_client_socket(name);
}

/* --- going --- */

static void end_later(struct client *c)
{
	if (c->ending)
		return;
	c->ending = true;
	poller_unwatch(c->directory->link->config.poller, &c->control);
	poller_defer(c->directory->link->config.poller, &c->end);
}

/* Removes the client's socket if a client that died left it in the directory. */
static void remove_socket_of(const struct client *c)
{
	size_t len = strlen(c->directory->path);
	if (strncmp(c->peer, c->directory->path, len) == 0 && c->peer[len] == '/' && is_client_socket(c->peer + len + 1))
		dead_socket_remove(c->peer);
}

static void client_free(struct client *c, usec_t now)
{
	struct directory *d = c->directory;
	list_remove(&c->end.node);
	list_remove(&c->node);
	datagram_port_done(&c->data, now);
	poller_unwatch(d->link->config.poller, &c->control);
	close(c->control.fd);
	if (c->path[0] != '\0')
		unlink(c->path);
	remove_socket_of(c);
	d->taken[c->number] = false;
	d->n_clients--;
	free(c);
}

static void run_end(struct deferred *deferred, usec_t now)
{
	struct client *c = container_of(deferred, struct client, end);
	struct directory *d = c->directory;
	if (c->data.port.segment)
		log_info(d->link->config.log, "port %s: detached", c->data.port.name);
	client_free(c, now);
	listener_resume(&d->listener, now); /* a descriptor is free now */
}

static void data_ended(struct datagram_port *p, usec_t now, int error)
{
	end_later(container_of(p, struct client, data));
}

/* --- attaching --- */

static void refuse(struct client *c, usec_t now, const char *why)
{
	struct vde_link *l = c->directory->link;
	segment_drop(l->config.segment, NULL, DROP_VDE_REQUEST, NULL);
	log_limited(l->config.log, &c->directory->listener.log_limit, now, LOG_LEVEL_WARNING, "%s: a client was refused: %s",
		    c->directory->path, why);
	end_later(c);
}

static bool belongs_to_client(const struct client *c, const char *path)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	struct stat st;
	return getsockopt(c->control.fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       st.st_uid == who.uid;
}

/* The wanted number if it is free, else the lowest free one. */
static unsigned choose_number(const struct directory *d, unsigned wanted)
{
	if (wanted > 0 && wanted <= VDE_PORTS_MAX && !d->taken[wanted])
		return wanted;
	unsigned n = 1;
	while (d->taken[n])
		n++;
	return n;
}

/* Opens lanlet's data socket: bound in the directory, connected to the client's. */
static int open_data(struct client *c, const char *peer)
{
	struct sockaddr_un ours = { .sun_family = AF_UNIX }, theirs = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* prepare() has left room for this. */
	if (snprintf(c->path, sizeof(c->path), "%s/%03u.%d", c->directory->path, c->number, fd) >= (int)sizeof(c->path)) {
		c->path[0] = '\0';
		errno = ENAMETOOLONG;
		goto fail;
	}
	memcpy(ours.sun_path, c->path, sizeof(c->path));
	memcpy(theirs.sun_path, peer, VDE_PATH_SIZE);
	unlink(c->path);
	if (bind(fd, (struct sockaddr *)&ours, sizeof(ours)) < 0 || chmod(c->path, 0600) < 0 ||
	    connect(fd, (struct sockaddr *)&theirs, sizeof(theirs)) < 0)
		goto fail;
	return fd;

fail:;
	int r = -errno;
	close(fd);
	return r;
}

static bool answer(const struct client *c)
{
	struct sockaddr_un ours = { .sun_family = AF_UNIX };
	memcpy(ours.sun_path, c->path, sizeof(c->path));
	return send(c->control.fd, &ours, sizeof(ours), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(ours);
}

static void plug_in(struct client *c, usec_t now, const struct vde_request *q)
{
	struct vde_link *l = c->directory->link;
	if (!belongs_to_client(c, q->path)) {
		refuse(c, now, "the socket that it named belongs to another user");
		return;
	}
	memcpy(c->peer, q->path, sizeof(c->peer));
	c->number = choose_number(c->directory, q->port);
	c->directory->taken[c->number] = true;
	int fd = open_data(c, q->path);
	if (fd < 0) {
		refuse(c, now, strerror(-fd));
		return;
	}
	struct port_identity identity = { .properties = c->directory->properties };
	snprintf(identity.name, sizeof(identity.name), "vde%u", c->number);
	int r = datagram_port_start(&c->data, fd);
	if (r < 0) {
		close(fd);
		refuse(c, now, strerror(-r));
		return;
	}
	port_identify(&c->data.port, "vde", &identity);
	list_remove(&c->node);
	list_append(&l->attached, &c->node);
	log_info(l->config.log, "port %s: attached by \"%s\"", c->data.port.name, q->description);
	/* The client may send as soon as it has read this. */
	if (!answer(c))
		end_later(c);
}

static void handle_request(struct client *c, usec_t now)
{
	struct vde_request q;
	int r = vde_request_parse(c->in, c->in_len, &q);
	if (r == 0)
		plug_in(c, now, &q);
	else if (r == -EPROTONOSUPPORT)
		refuse(c, now, "its request is of an unknown version or type");
	else if (r != -EAGAIN)
		refuse(c, now, "its request is invalid");
}

static void control_ready(struct watch *w, usec_t now, unsigned events)
{
	struct client *c = container_of(w, struct client, control);
	ssize_t n = recv(w->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_later(c);
	} else if (c->number > 0) {
		refuse(c, now, "it sent more than one request");
	} else {
		c->in_len += (size_t)n;
		handle_request(c, now);
	}
}

static int accepted(struct listener *listener, int fd, const struct port_identity *identity)
{
	struct directory *d = container_of(listener, struct directory, listener);
	struct vde_link *l = d->link;
	if (d->n_clients == VDE_PORTS_MAX) {
		segment_drop(l->config.segment, NULL, DROP_VDE_REQUEST, NULL);
		close(fd);
		return 0;
	}
	struct client *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	datagram_port_init(&c->data, &l->io, "vde", LINK_FRAME_MAX, l->config.mtu, data_ended);
	c->directory = d;
	c->since = USEC_INFINITY;
	c->control.ready = control_ready;
	c->end.run = run_end;
	list_init(&c->end.node);
	int r = poller_watch(l->config.poller, &c->control, fd, POLL_EVENT_IN);
	if (r < 0) {
		free(c);
		return r;
	}
	c->control.fd = fd;
	list_append(&l->waiting, &c->node);
	d->n_clients++;
	return 0;
}

/* --- the directory --- */

/* Makes the directory and puts its full path, as clients get it, into @ret. */
static int prepare(const char *given, char ret[static VDE_PATH_SIZE], char *error, size_t size)
{
	char full[PATH_MAX];
	bool made = mkdir(given, 0700) == 0;
	if ((!made && errno != EEXIST) || !realpath(given, full)) {
		int r = -errno;
		snprintf(error, size, "VDE directory %s: %s", given, strerror(-r));
		return r;
	}
	size_t most = VDE_PATH_SIZE - 1 - CLIENT_NAME_MAX;
	if (strlen(full) > most) {
		snprintf(error, size, "VDE directory %s: the path has %zu bytes, sockets in it leave %zu; choose a shorter one", full,
			 strlen(full), most);
		if (made)
			rmdir(full);
		return -ENAMETOOLONG;
	}
	strcpy(ret, full);
	return 0;
}

static void directory_free(struct directory *d)
{
	char ctl[VDE_PATH_SIZE + sizeof(CTL)];
	listener_done(&d->listener);
	dead_socket_sweep(d->path, is_left_behind);
	if (!d->is_adopted) {
		snprintf(ctl, sizeof(ctl), "%s" CTL, d->path);
		unlink(ctl);
		rmdir(d->path);
	}
	list_remove(&d->node);
	free(d);
}

static int directory_new(struct vde_link *l, const char *given, struct directory **ret, char *error, size_t size)
{
	struct directory *d = calloc(1, sizeof(*d));
	if (!d) {
		snprintf(error, size, "VDE directory %s: %s", given, strerror(ENOMEM));
		return -ENOMEM;
	}
	d->link = l;
	int r = prepare(given, d->path, error, size);
	if (r < 0) {
		free(d);
		return r;
	}
	listener_init(&d->listener, l->config.poller, l->config.log, accepted);
	list_append(&l->directories, &d->node);
	*ret = d;
	return 0;
}

/* Serves @d on @fd, which listens at its ctl.  Frees @d on failure. */
static int directory_serve(struct directory *d, int fd, char *error, size_t size)
{
	dead_socket_sweep(d->path, is_left_behind); /* left by an earlier switch or its clients */
	int r = listener_add(&d->listener, fd, NULL);
	if (r < 0) {
		snprintf(error, size, "VDE directory %s: %s", d->path, strerror(-r));
		directory_free(d);
	}
	return r;
}

static struct vde_link *vde_link_of(const struct link *link)
{
	return container_of(link, struct vde_link, link);
}

static int vde_listen_at(struct link *link, const char *given, char *error, size_t size)
{
	struct vde_link *l = vde_link_of(link);
	struct directory *d;
	int r = directory_new(l, given, &d, error, size);
	if (r < 0)
		return r;
	char ctl[VDE_PATH_SIZE + sizeof(CTL)];
	snprintf(ctl, sizeof(ctl), "%s" CTL, d->path);
	int fd = unix_listen(ctl, error, size);
	if (fd < 0) {
		d->is_adopted = true; /* the existing files belong to another program */
		directory_free(d);
		return fd;
	}
	r = directory_serve(d, fd, error, size);
	if (r < 0)
		close(fd);
	return r;
}

/* The directory of the socket @fd, which is called DIRECTORY/ctl. */
static bool directory_of(int fd, char ret[static VDE_PATH_SIZE + 1])
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a);
	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0 || a.sun_family != AF_UNIX || a.sun_path[0] != '/')
		return false;
	size_t n = strnlen(a.sun_path, sizeof(a.sun_path)), tail = strlen(CTL);
	if (n <= tail || memcmp(a.sun_path + n - tail, CTL, tail) != 0)
		return false;
	memcpy(ret, a.sun_path, n - tail);
	ret[n - tail] = '\0';
	return true;
}

/* @fd listens at DIRECTORY/ctl.  Another program made both, and they are not removed. */
static int vde_listen(struct link *link, int fd, const struct port_identity *identity, char *error, size_t size)
{
	struct vde_link *l = vde_link_of(link);
	char path[VDE_PATH_SIZE + 1];
	struct directory *d;
	if (!directory_of(fd, path)) {
		snprintf(error, size, "a VDE switch's socket is called ctl and has a directory of its own, as /run/user/1000/vde/ctl");
		return -EINVAL;
	}
	int r = directory_new(l, path, &d, error, size);
	if (r < 0)
		return r;
	d->is_adopted = true;
	if (identity)
		d->properties = identity->properties;
	return directory_serve(d, fd, error, size);
}

/* --- life --- */

static usec_t vde_deadline(const struct link *link)
{
	const struct vde_link *l = vde_link_of(link);
	usec_t first = USEC_INFINITY;
	list_for_each(node, &l->directories)
		first = MIN(first, listener_deadline(&container_of(node, struct directory, node)->listener));
	if (list_empty(&l->waiting))
		return first;
	/* A client that came in this turn needs expire() to set its time. */
	if (container_of(l->waiting.prev, struct client, node)->since == USEC_INFINITY)
		return 0;
	return MIN(first, usec_add(container_of(l->waiting.next, struct client, node)->since, REQUEST_TIME));
}

static void vde_expire(struct link *link, usec_t now)
{
	struct vde_link *l = vde_link_of(link);
	list_for_each(node, &l->directories)
		listener_expire(&container_of(node, struct directory, node)->listener, now);
	list_for_each(node, &l->waiting) {
		struct client *c = container_of(node, struct client, node);
		if (c->since == USEC_INFINITY)
			c->since = now;
		else if (usec_add(c->since, REQUEST_TIME) <= now && !c->ending)
			refuse(c, now, "it sent no request in time");
	}
}

static int vde_new(const struct link_config *config, struct link **ret)
{
	struct vde_link *l = calloc(1, sizeof(*l));
	if (!l || datagram_io_init(&l->io, config->poller, config->segment) < 0) {
		free(l);
		return -ENOMEM;
	}
	l->link.ops = &vde_link_ops;
	l->config = *config;
	list_init(&l->directories);
	list_init(&l->waiting);
	list_init(&l->attached);
	*ret = &l->link;
	return 0;
}

static void vde_free(struct link *link, usec_t now)
{
	struct vde_link *l = vde_link_of(link);
	list_for_each(node, &l->waiting)
		client_free(container_of(node, struct client, node), now);
	list_for_each(node, &l->attached)
		client_free(container_of(node, struct client, node), now);
	list_for_each(node, &l->directories)
		directory_free(container_of(node, struct directory, node));
	datagram_io_done(&l->io);
	free(l);
}

const struct link_ops vde_link_ops = {
	.name = "vde",
	.mtu = 1500, /* the MTU behind a VDE client is not known */
	.sockets = { { "vde", SOCK_STREAM, LINK_SOCKET_LISTENS } },
	.new = vde_new,
	.free = vde_free,
	.listen = vde_listen,
	.listen_at = vde_listen_at,
	.deadline = vde_deadline,
	.expire = vde_expire,
};
