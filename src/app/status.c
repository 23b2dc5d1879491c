/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/status.h"

#include "app/failure.h"
#include "lanlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
	struct status_server *server;
	struct lanlet_watch *watch;
	int fd;
	char *text; /* from malloc() */
	size_t sent, len;
};

struct status_server {
	int fd;
	int spare; /* given up when descriptors run out, so that a client can be turned away instead of waking us for ever */
	char *path;
	struct lanlet_network *net;
	struct lanlet_watch *watch;
	struct client *clients[STATUS_CLIENTS]; /* oldest first */
	unsigned n_clients;
};

static void remove_socket(const char *path)
{
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

/* The umask of the process keeps others out from the first moment on. */
static int listen_at(const char *path, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	remove_socket(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, STATUS_CLIENTS) == 0)
		return fd;
	fail(error, FAILURE_GENERAL, "%s: %s", path, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static void drop_client(struct client *c)
{
	struct status_server *s = c->server;
	unsigned i = 0;
	while (s->clients[i] != c)
		i++;
	s->n_clients--;
	memmove(&s->clients[i], &s->clients[i + 1], (s->n_clients - i) * sizeof(s->clients[0]));
	lanlet_watch_free(c->watch);
	close(c->fd);
	free(c->text);
	g_free(c);
}

/* Sends what the socket takes; false when the client is done with. */
static bool send_some(struct client *c)
{
	while (c->sent < c->len) {
		ssize_t n = send(c->fd, c->text + c->sent, c->len - c->sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->sent += (size_t)n;
	}
	return false;
}

static void client_ready(void *opaque, short events)
{
	struct client *c = opaque;
	if (!send_some(c))
		drop_client(c);
}

static int spare_descriptor(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static int accept_one(const struct status_server *s)
{
	return accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static void turn_away(struct status_server *s)
{
	if (s->spare >= 0)
		close(s->spare);
	int fd = accept_one(s);
	if (fd >= 0)
		close(fd);
	s->spare = spare_descriptor();
}

static void listener_ready(void *opaque, short events)
{
	struct status_server *s = opaque;
	int fd = accept_one(s);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		turn_away(s);
	if (fd < 0)
		return;
	if (s->n_clients == STATUS_CLIENTS)
		drop_client(s->clients[0]);
	struct client *c = g_new0(struct client, 1);
	*c = (struct client){ .server = s, .fd = fd, .text = lanlet_network_status(s->net) };
	s->clients[s->n_clients++] = c;
	c->len = c->text ? strlen(c->text) : 0;
	if (!send_some(c) || lanlet_network_watch(s->net, fd, POLLOUT, client_ready, c, &c->watch) < 0)
		drop_client(c);
}

struct status_server *status_server_new(const char *path, struct lanlet_network *net, GError **error)
{
	int fd = listen_at(path, error);
	if (fd < 0)
		return NULL;
	struct status_server *s = g_new0(struct status_server, 1);
	*s = (struct status_server){ .fd = fd, .spare = spare_descriptor(), .path = g_strdup(path), .net = net };
	int r = lanlet_network_watch(net, fd, POLLIN, listener_ready, s, &s->watch);
	if (r == 0)
		return s;
	fail(error, FAILURE_GENERAL, "%s: %s", path, g_strerror(-r));
	status_server_free(s);
	return NULL;
}

void status_server_free(struct status_server *s)
{
	if (!s)
		return;
	while (s->n_clients > 0)
		drop_client(s->clients[s->n_clients - 1]);
	lanlet_watch_free(s->watch);
	close(s->fd);
	if (s->spare >= 0)
		close(s->spare);
	remove_socket(s->path);
	g_free(s->path);
	g_free(s);
}
