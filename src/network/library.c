/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library's functions that connect guests, networks and forwards, and the sockets that are removed with the network. */
#include "network/network_internal.h"

#include "base/macros.h"
#include "base/one_line.h"
#include "host/clock.h"
#include "host/unix_socket.h"
#include "link/vhost/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct socket_path *socket_path_new(const char *path)
{
	size_t size = strlen(path) + 1;
	struct socket_path *s = malloc(sizeof(*s) + size);
	if (s)
		memcpy(s->path, path, size);
	return s;
}

/* Also removes the socket when @l does not listen on it. */
static int listen_or_remove(struct link *l, int fd, const char *path, char *error, size_t size)
{
	int r = l->ops->listen(l, fd, NULL, error, size);
	if (r == 0)
		return 0;
	close(fd);
	unlink(path);
	snprintf(error, size, "socket %s: %s", path, strerror(-r));
	return r;
}

/* As a link's listen_at(), for links that need no more than a socket at @path. */
static int listen_socket(struct lanlet_network *n, struct link *l, const char *path, char *error, size_t size)
{
	struct socket_path *s = socket_path_new(path);
	if (!s) {
		snprintf(error, size, "socket %s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	int fd = unix_serve(path, l->ops->listen_type, error, size);
	int r = fd < 0 ? fd : listen_or_remove(l, fd, path, error, size);
	if (r < 0)
		free(s);
	else
		list_append(&n->sockets, &s->node);
	return r;
}

static int listen_at(struct lanlet_network *n, const char *link, const char *path, char *error, size_t size)
{
	struct link *l = links_find(&n->links, link);
	return l->ops->listen_at ? l->ops->listen_at(l, path, error, size) : listen_socket(n, l, path, error, size);
}

int lanlet_network_listen_stream(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	return listen_at(n, "stream", path, error, size);
}

int lanlet_network_listen_vhost(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	return listen_at(n, "vhost", path, error, size);
}

int lanlet_network_listen_dgram(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	return listen_at(n, "dgram", path, error, size);
}

int lanlet_network_listen_seqpacket(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	return listen_at(n, "packet", path, error, size);
}

int lanlet_network_listen_vde(struct lanlet_network *n, const char *directory, char *error, size_t size)
{
	return listen_at(n, "vde", directory, error, size);
}

int lanlet_network_join_vde(struct lanlet_network *n, const char *url, char *error, size_t size)
{
	struct link *l = links_find(&n->links, "join");
	int r = l->ops->connect(l, url, NULL);
	if (r == -EOPNOTSUPP)
		snprintf(error, size, "%s: lanlet was built without libvdeplug", url);
	else if (r < 0)
		snprintf(error, size, "%s: %s", url, strerror(-r));
	return r;
}

int lanlet_network_connect_vhost(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	struct link *l = links_find(&n->links, "vhost");
	int r = l->ops->connect(l, path, NULL);
	if (r < 0)
		snprintf(error, size, "socket %s: %s", path, strerror(-r));
	return r;
}

static int add(struct lanlet_network *n, const char *link, int fd, const char *name)
{
	struct port_identity identity = { 0 };
	if (name)
		snprintf(identity.name, sizeof(identity.name), "%s", name);
	struct link *l = links_find(&n->links, link);
	return l->ops->add(l, fd, &identity);
}

int lanlet_network_add_stream(struct lanlet_network *n, int fd, const char *name)
{
	return add(n, "stream", fd, name);
}

int lanlet_network_add_vhost(struct lanlet_network *n, int fd, const char *name)
{
	return add(n, "vhost", fd, name);
}

int lanlet_sigbus(void *address)
{
	return guard_handle(address);
}

int lanlet_network_add_forward(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	struct forward_spec spec;
	const char *why = NULL;
	unsigned id;
	if (forward_spec_parse(text, &spec, &why) < 0) {
		snprintf(error, size, "forward \"%s\": %s", text, why ? why : "expected a forward such as \"tcp 8080 web:80\"");
		one_line(error, size);
		return -EINVAL;
	}
	int r = forwards_add(&n->forwards, clock_now(), &spec, true, &id, error, size);
	return r < 0 ? r : (int)id;
}

int lanlet_network_remove_forward(struct lanlet_network *n, unsigned number)
{
	return forwards_remove(&n->forwards, number);
}
