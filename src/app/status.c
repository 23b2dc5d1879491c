/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/status.h"

#include "app/failure.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
	int fd;
	char *text; /* from malloc() */
	size_t sent, len;
};

struct status_server {
	int fd;
	char *path;
	char *(*text)(void *opaque);
	void *opaque;
	struct client clients[STATUS_CLIENTS]; /* oldest first */
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

struct status_server *status_server_new(const char *path, char *(*text)(void *opaque), void *opaque, GError **error)
{
	int fd = listen_at(path, error);
	if (fd < 0)
		return NULL;
	struct status_server *s = g_new0(struct status_server, 1);
	*s = (struct status_server){ .fd = fd, .path = g_strdup(path), .text = text, .opaque = opaque };
	return s;
}

static void drop_client(struct status_server *s, unsigned i)
{
	close(s->clients[i].fd);
	free(s->clients[i].text);
	s->n_clients--;
	memmove(&s->clients[i], &s->clients[i + 1], (s->n_clients - i) * sizeof(s->clients[0]));
}

void status_server_free(struct status_server *s)
{
	if (!s)
		return;
	while (s->n_clients > 0)
		drop_client(s, s->n_clients - 1);
	close(s->fd);
	remove_socket(s->path);
	g_free(s->path);
	g_free(s);
}

unsigned status_server_poll(const struct status_server *s, struct pollfd *ret)
{
	ret[0] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
	for (unsigned i = 0; i < s->n_clients; i++)
		ret[1 + i] = (struct pollfd){ .fd = s->clients[i].fd, .events = POLLOUT };
	return 1 + s->n_clients;
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

static void accept_client(struct status_server *s)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	char *text = s->text(s->opaque);
	if (!text) {
		close(fd);
		return;
	}
	if (s->n_clients == STATUS_CLIENTS)
		drop_client(s, 0);
	s->clients[s->n_clients++] = (struct client){ .fd = fd, .text = text, .len = strlen(text) };
}

void status_server_dispatch(struct status_server *s)
{
	accept_client(s);
	for (unsigned i = s->n_clients; i-- > 0;)
		if (!send_some(&s->clients[i]))
			drop_client(s, i);
}
