/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library's ways to plug in, and the sockets in the file system that go with the network. */
#include "network/network.h"

#include "base/macros.h"
#include "host/clock.h"
#include "host/unix_socket.h"
#include "link/dgram.h"
#include "link/packet.h"
#include "link/stream.h"
#include "link/vde/join.h"
#include "link/vde/vde.h"
#include "link/vhost/guard.h"
#include "link/vhost/vhost.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int remember_path(struct lanlet_network *n, const char *path)
{
	size_t size = strlen(path) + 1;
	struct socket_path *s = malloc(sizeof(*s) + size);
	if (!s)
		return -ENOMEM;
	memcpy(s->path, path, size);
	list_append(&n->sockets, &s->node);
	return 0;
}

/* Makes a socket of @type at @path and hands it to @listen, which owns it when it returns 0. */
static int listen_at(struct lanlet_network *n, const char *path, int type, int (*listen)(struct lanlet_network *n, int fd), char *error,
		     size_t size)
{
	int fd = unix_serve(path, type, error, size);
	if (fd < 0)
		return fd;
	int r = listen(n, fd);
	if (r < 0) {
		close(fd);
		unlink(path);
	} else {
		r = remember_path(n, path);
	}
	if (r < 0)
		snprintf(error, size, "socket %s: %s", path, strerror(-r));
	return r;
}

static int listen_stream(struct lanlet_network *n, int fd)
{
	return stream_link_listen(n->stream, fd);
}

static int listen_vhost(struct lanlet_network *n, int fd)
{
	return vhost_link_listen(n->vhost, fd);
}

int lanlet_network_listen_stream(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	return listen_at(n, path, SOCK_STREAM, listen_stream, error, size);
}

int lanlet_network_listen_vhost(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	return listen_at(n, path, SOCK_STREAM, listen_vhost, error, size);
}

static int listen_dgram(struct lanlet_network *n, int fd)
{
	return dgram_link_add(n->dgram, fd);
}

int lanlet_network_listen_dgram(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	return listen_at(n, path, SOCK_DGRAM, listen_dgram, error, size);
}

static int listen_seqpacket(struct lanlet_network *n, int fd)
{
	return packet_link_listen(n->packet, fd);
}

int lanlet_network_listen_seqpacket(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	return listen_at(n, path, SOCK_SEQPACKET, listen_seqpacket, error, size);
}

int lanlet_network_listen_vde(struct lanlet_network *n, const char *directory, char *error, size_t size)
{
	return vde_link_listen(n->vde, directory, error, size);
}

int lanlet_network_join_vde(struct lanlet_network *n, const char *url, char *error, size_t size)
{
	int r = plug_link_add(n->plug, url);
	if (r == -EOPNOTSUPP)
		snprintf(error, size, "%s: lanlet was built without libvdeplug", url);
	else if (r < 0)
		snprintf(error, size, "%s: %s", url, strerror(-r));
	return r;
}

static struct port_identity named(const char *name)
{
	struct port_identity identity = { 0 };
	if (name)
		snprintf(identity.name, sizeof(identity.name), "%s", name);
	return identity;
}

int lanlet_network_connect_vhost(struct lanlet_network *n, const char *path, char *error, size_t size)
{
	int r = vhost_link_connect(n->vhost, path, NULL);
	if (r < 0)
		snprintf(error, size, "socket %s: %s", path, strerror(-r));
	return r;
}

int lanlet_network_add_stream(struct lanlet_network *n, int fd, const char *name)
{
	struct port_identity identity = named(name);
	return stream_link_add(n->stream, fd, &identity);
}

int lanlet_network_add_vhost(struct lanlet_network *n, int fd, const char *name)
{
	struct port_identity identity = named(name);
	return vhost_link_add(n->vhost, fd, &identity);
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
		snprintf(error, size, "forward \"%s\": %s", text, why ? why : "expected as \"tcp 8080 web:80\"");
		return -EINVAL;
	}
	int r = forwards_add(&n->forwards, clock_now(), &spec, true, &id, error, size);
	return r < 0 ? r : (int)id;
}

int lanlet_network_remove_forward(struct lanlet_network *n, unsigned number)
{
	return forwards_remove(&n->forwards, number);
}
