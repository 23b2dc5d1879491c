/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/server.h"

#include "base/macros.h"
#include "base/usec.h"
#include "control/control_internal.h"
#include "control/tcp_listener.h"
#include "host/clock.h"
#include "host/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 1024u
#define CLIENTS_MIN 4u
/* The share of all clients that may connect by TCP, where anybody may try: the others are for the socket of the network's user. */
#define TCP_SHARE 2u
/* The share of all descriptors for clients, so that guests' flows have the rest. */
#define CLIENTS_SHARE 8u
#define BODY_MAX ((goffset)64 * 1024)
/* How long a client may send nothing of its request or, while there is an answer, read nothing of it. */
#define PATIENCE (60 * USEC_PER_SEC)
#define PATROL_SECONDS 5
#define CLIENT_KEY "lanlet-client"

/* Referenced by the list of clients, and by the address of its connection as long as a message of it exists. */
struct client {
	struct server *server; /* NULL: the server is gone */
	struct list node;
	int fd; /* of its connection, which libsoup owns */
	usec_t progress;
	usec_t patience;  /* how long it may make no progress */
	bool needs_token; /* it connected by TCP */
	bool waiting;     /* for lanlet, not the other way round: there is nothing to send yet */
	bool ending;      /* its connection was shut down */
	bool admitted;    /* it has shown a token */
	bool malformed;   /* its request was refused by hand */
	bool body_too_big;
	goffset body;
};

struct server {
	struct control *control;
	SoupServer *soup;
	int fd;
	struct tcp_listener *tcp; /* NULL: none */
	int spare; /* closed when descriptors run out, so that a client can be accepted and refused; otherwise it would wake the loop for
		      ever */
	GSource *listening, *listening_tcp, *patrol;
	struct list clients; /* the oldest first */
	unsigned n_clients, n_tcp, max_clients;
	GList *requests;
};

/* --- clients --- */

static void client_gone(gpointer opaque, GObject *connection)
{
	struct client *c = opaque;
	list_remove(&c->node);
	if (c->server) {
		c->server->n_clients--;
		c->server->n_tcp -= c->needs_token;
	}
	g_rc_box_release(c);
}

static struct client *client_of(SoupServerMessage *msg)
{
	GSocketAddress *address = soup_server_message_get_remote_address(msg);
	return address ? g_object_get_data(G_OBJECT(address), CLIENT_KEY) : NULL;
}

static void client_progressed(struct client *c)
{
	c->progress = clock_now();
}

/* libsoup knows a connection by the address of its peer, so each gets a unique one, which leads back to the client. */
static void serve(struct server *s, int fd, bool needs_token)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, &error);
	if (!socket) {
		close(fd);
		return;
	}
	g_autoptr(GSocketConnection) connection = g_socket_connection_factory_create_connection(socket);
	g_autoptr(GSocketAddress) address = g_object_new(G_TYPE_UNIX_SOCKET_ADDRESS, "path", s->control->config.socket, NULL);
	struct client *c = g_rc_box_new0(struct client);
	*c = (struct client){ .server = s, .fd = fd, .needs_token = needs_token, .progress = clock_now(), .patience = PATIENCE };
	list_append(&s->clients, &c->node);
	s->n_clients++;
	s->n_tcp += needs_token;
	g_object_set_data_full(G_OBJECT(address), CLIENT_KEY, g_rc_box_acquire(c), g_rc_box_release);
	g_object_weak_ref(G_OBJECT(connection), client_gone, c);
	/* The host of a request without a Host header: libsoup makes URIs from internet addresses only. */
	g_autoptr(GSocketAddress) local = g_inet_socket_address_new_from_string("127.0.0.1", 80);
	if (!soup_server_accept_iostream(s->soup, G_IO_STREAM(connection), local, address, &error))
		control_log(s->control, LANLET_LOG_WARNING, "api: %s", error->message);
}

/* Answers without libsoup, on a connection to which nothing was sent yet: its buffer has room for this. */
static void refuse_by_hand(int fd, const char *status, const char *why)
{
	g_autofree char *body = g_strdup_printf("{\"error\":\"%s\"}\n", why);
	g_autofree char *answer =
		g_strdup_printf("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
				status, strlen(body), body);
	ssize_t sent = send(fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)sent;
}

static void turn_away(int fd, const char *why)
{
	refuse_by_hand(fd, "503 Service Unavailable", why);
	close(fd);
}

/* The socket is 0600; this holds even if its mode was changed, or a descriptor was passed on. */
static bool is_welcome(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

static int spare_descriptor(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int accept_one(struct server *s, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0 || (errno != EMFILE && errno != ENFILE) || s->spare < 0)
		return fd;
	close(s->spare);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		turn_away(fd, "no descriptors are left");
	s->spare = spare_descriptor();
	return -1;
}

/* Ends the connection by TCP that has been there for longest without showing a token.  False when all have shown one. */
static bool end_stranger(struct server *s)
{
	list_for_each(node, &s->clients) {
		struct client *c = container_of(node, struct client, node);
		if (!c->needs_token || c->admitted || c->ending)
			continue;
		c->ending = true;
		shutdown(c->fd, SHUT_RDWR); /* libsoup notices */
		return true;
	}
	return false;
}

/* Whether there is room for one more client. */
static bool has_room(struct server *s, bool by_tcp)
{
	unsigned max_tcp = s->max_clients / TCP_SHARE;
	return s->n_clients < s->max_clients && (!by_tcp || s->n_tcp < max_tcp || (s->n_tcp < max_tcp + max_tcp / 2 && end_stranger(s)));
}

static gboolean client_connects(gint listener, GIOCondition condition, gpointer opaque)
{
	struct server *s = opaque;
	bool by_tcp = listener != s->fd;
	int fd = accept_one(s, listener);
	if (fd < 0)
		return G_SOURCE_CONTINUE;
	if (!by_tcp && !is_welcome(fd))
		close(fd);
	else if (!has_room(s, by_tcp))
		turn_away(fd, "too many clients");
	else
		serve(s, fd, by_tcp);
	return G_SOURCE_CONTINUE;
}

/* Ends its connection, which libsoup notices. */
static gboolean look_for_idle(gpointer opaque)
{
	struct server *s = opaque;
	usec_t now = clock_now();
	list_for_each(node, &s->clients) {
		struct client *c = container_of(node, struct client, node);
		if (!c->waiting && now - c->progress > c->patience)
			shutdown(c->fd, SHUT_RDWR);
	}
	return G_SOURCE_CONTINUE;
}

/* --- messages --- */

/* Several lengths arrive as a list.  The body of such a request, and so its end, cannot be told (RFC 9112 §6.3). */
static bool has_valid_length(SoupMessageHeaders *headers)
{
	const char *length = soup_message_headers_get_list(headers, "Content-Length");
	return !length || (length[0] != '\0' && length[strspn(length, "0123456789")] == '\0');
}

static void got_headers(SoupServerMessage *msg, gpointer opaque)
{
	struct client *c = opaque;
	client_progressed(c);
	if (!has_valid_length(soup_server_message_get_request_headers(msg))) {
		/* libsoup would wait for the body first. */
		refuse_by_hand(c->fd, "400 Bad Request", "Content-Length has to be one number");
		shutdown(c->fd, SHUT_RDWR);
		c->malformed = true;
		return;
	}
	c->body = 0;
	c->body_too_big = soup_message_headers_get_content_length(soup_server_message_get_request_headers(msg)) > BODY_MAX;
	if (c->body_too_big)
		soup_message_body_set_accumulate(soup_server_message_get_request_body(msg), FALSE);
}

static void got_chunk(SoupServerMessage *msg, GBytes *chunk, gpointer opaque)
{
	struct client *c = opaque;
	client_progressed(c);
	c->body += (goffset)g_bytes_get_size(chunk);
	if (c->body > BODY_MAX && !c->body_too_big) {
		c->body_too_big = true;
		soup_message_body_set_accumulate(soup_server_message_get_request_body(msg), FALSE);
	}
}

static void wrote_chunk(SoupServerMessage *msg, gpointer opaque)
{
	struct client *c = opaque;
	client_progressed(c);
	c->waiting = true;
}

static void wrote_data(SoupServerMessage *msg, guint len, gpointer opaque)
{
	struct client *c = opaque;
	client_progressed(c);
}

static void request_started(SoupServer *soup, SoupServerMessage *msg, gpointer opaque)
{
	struct client *c = client_of(msg);
	c->waiting = false;
	client_progressed(c);
	g_signal_connect(msg, "got-headers", G_CALLBACK(got_headers), c);
	g_signal_connect(msg, "got-chunk", G_CALLBACK(got_chunk), c);
	g_signal_connect(msg, "wrote-chunk", G_CALLBACK(wrote_chunk), c);
	g_signal_connect(msg, "wrote-body-data", G_CALLBACK(wrote_data), c);
}

static void request_over(SoupServer *soup, SoupServerMessage *msg, gpointer opaque)
{
	struct client *c = client_of(msg);
	c->waiting = false;
	client_progressed(c);
}

static void handle(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer opaque)
{
	struct server *s = opaque;
	struct client *c = client_of(msg);
	c->waiting = true;
	bool is_page = strcmp(path, "/") == 0; /* a browser can send a token only when it has the page that asks for it */
	if (c->needs_token && tcp_listener_admits(s->tcp, msg))
		c->admitted = true;
	if (c->malformed)
		request_refuse(msg, SOUP_STATUS_BAD_REQUEST, "malformed"); /* nobody reads it */
	else if (c->needs_token && !is_page && !c->admitted)
		request_refuse(msg, SOUP_STATUS_UNAUTHORIZED, "a token is needed: Authorization: Bearer TOKEN");
	else if (c->body_too_big)
		request_refuse(msg, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, "the body of a request is limited to 64 KiB");
	else
		request_begin(s->control, &s->requests, msg, path, query);
}

void server_sends(SoupServerMessage *msg)
{
	struct client *c = client_of(msg);
	c->waiting = false;
	client_progressed(c);
}

void server_set_patience(SoupServerMessage *msg, usec_t patience)
{
	client_of(msg)->patience = patience;
}

int server_take_connection(SoupServerMessage *msg)
{
	int fd = fcntl(client_of(msg)->fd, F_DUPFD_CLOEXEC, 0);
	g_autoptr(GIOStream) stream = soup_server_message_steal_connection(msg);
	return fd < 0 ? -errno : fd;
}

/* --- life --- */

static unsigned most_clients(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return CLIENTS_MAX;
	return (unsigned)MAX(MIN(limit.rlim_cur / CLIENTS_SHARE, (rlim_t)CLIENTS_MAX), (rlim_t)CLIENTS_MIN);
}

static GSource *watch_listener(struct server *s, int fd)
{
	GSource *source = g_unix_fd_source_new(fd, G_IO_IN);
	g_source_set_callback(source, G_SOURCE_FUNC(client_connects), s, NULL);
	g_source_attach(source, s->control->context);
	return source;
}

static void watch_sources(struct server *s)
{
	s->listening = watch_listener(s, s->fd);
	if (s->tcp)
		s->listening_tcp = watch_listener(s, tcp_listener_fd(s->tcp));
	s->patrol = g_timeout_source_new_seconds(PATROL_SECONDS);
	g_source_set_callback(s->patrol, look_for_idle, s, NULL);
	g_source_attach(s->patrol, s->control->context);
}

struct server *server_new(struct control *c, GError **error)
{
	char reason[512];
	int fd = unix_listen(c->config.socket, reason, sizeof(reason));
	if (fd < 0) {
		g_set_error_literal(error, G_IO_ERROR, g_io_error_from_errno(-fd), reason);
		return NULL;
	}
	struct server *s = g_new0(struct server, 1);
	*s = (struct server){ .control = c, .fd = fd, .spare = spare_descriptor(), .max_clients = most_clients() };
	list_init(&s->clients);
	g_autofree char *name = g_strconcat("lanlet/", c->config.version, NULL);
	s->soup = soup_server_new("server-header", name, NULL);
	g_signal_connect(s->soup, "request-started", G_CALLBACK(request_started), s);
	g_signal_connect(s->soup, "request-finished", G_CALLBACK(request_over), s);
	g_signal_connect(s->soup, "request-aborted", G_CALLBACK(request_over), s);
	soup_server_add_handler(s->soup, NULL, handle, s, NULL);
	if (c->config.listen && !(s->tcp = tcp_listener_new(c, error))) {
		server_free(s);
		return NULL;
	}
	watch_sources(s);
	return s;
}

static void drop_source(GSource *source)
{
	if (!source)
		return;
	g_source_destroy(source);
	g_source_unref(source);
}

void server_free(struct server *s)
{
	if (!s)
		return;
	drop_source(s->listening);
	drop_source(s->listening_tcp);
	drop_source(s->patrol);
	tcp_listener_free(s->tcp);
	soup_server_disconnect(s->soup);
	while (s->requests)
		request_free(s->requests->data);
	g_object_unref(s->soup);
	close(s->fd);
	unlink(s->control->config.socket);
	if (s->spare >= 0)
		close(s->spare);
	list_for_each(node, &s->clients) { /* their connections are still referenced in libsoup */
		container_of(node, struct client, node)->server = NULL;
		list_remove(node);
	}
	g_free(s);
}
