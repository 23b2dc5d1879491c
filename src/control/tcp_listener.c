/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/tcp_listener.h"

#include "control/control_internal.h"
#include "control/token.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 128

struct tcp_listener {
	GSocket *socket;
	char *file; /* NULL: not written yet */
	char token[TOKEN_SIZE];
};

/* "127.0.0.1:8080" or "[::1]:8080": an address and no name, which would have to be resolved.  NULL on failure. */
static GInetSocketAddress *parse_address(const char *text, GError **error)
{
	const char *colon = strrchr(text, ':');
	g_autofree char *host = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
	guint64 port;
	gsize len = strlen(host);
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		memmove(host, host + 1, len - 1);
	}
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);
	if (colon && address && g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
		return G_INET_SOCKET_ADDRESS(g_inet_socket_address_new(address, (guint16)port));
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
		    "--api-listen \"%s\": expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080", text);
	return NULL;
}

bool control_check_listen(const char *text)
{
	g_autoptr(GInetSocketAddress) address = parse_address(text, NULL);
	return address;
}

static bool write_token(struct tcp_listener *t, const char *path, GError **error)
{
	g_unlink(path); /* left by a process that was killed, or a link */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && write(fd, t->token, strlen(t->token)) == (ssize_t)strlen(t->token) && write(fd, "\n", 1) == 1;
	int saved = errno;
	if (fd >= 0) {
		close(fd);
		t->file = g_strdup(path);
	}
	if (!good)
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), "%s: %s", path, g_strerror(saved));
	return good;
}

static bool start(struct tcp_listener *t, const struct control *c, GError **error)
{
	g_autoptr(GInetSocketAddress) address = parse_address(c->config.listen, error);
	if (!address)
		return false;
	t->socket =
		g_socket_new(g_socket_address_get_family(G_SOCKET_ADDRESS(address)), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
	if (!t->socket)
		return false;
	g_socket_set_blocking(t->socket, FALSE);
	g_socket_set_listen_backlog(t->socket, BACKLOG);
	if (!g_socket_bind(t->socket, G_SOCKET_ADDRESS(address), TRUE, error) || !g_socket_listen(t->socket, error)) {
		g_prefix_error(error, "--api-listen %s: ", c->config.listen);
		return false;
	}
	token_make(t->token);
	if (!write_token(t, c->config.token_file, error))
		return false;
	if (!g_inet_address_get_is_loopback(g_inet_socket_address_get_address(address)))
		control_log(c, LANLET_LOG_WARNING,
			    "api: %s can be reached from other machines; only the token keeps them out, and nothing is encrypted",
			    c->config.listen);
	control_log(c, LANLET_LOG_INFO, "api: also at http://%s, with the token in %s", c->config.listen, t->file);
	return true;
}

struct tcp_listener *tcp_listener_new(const struct control *c, GError **error)
{
	struct tcp_listener *t = g_new0(struct tcp_listener, 1);
	if (start(t, c, error))
		return t;
	tcp_listener_free(t);
	return NULL;
}

void tcp_listener_free(struct tcp_listener *t)
{
	if (!t)
		return;
	g_clear_object(&t->socket);
	if (t->file)
		g_unlink(t->file);
	g_free(t->file);
	g_free(t);
}

int tcp_listener_fd(const struct tcp_listener *t)
{
	return g_socket_get_fd(t->socket);
}

bool tcp_listener_admits(const struct tcp_listener *t, SoupServerMessage *msg)
{
	if (token_is(t->token, token_of(soup_server_message_get_request_headers(msg))))
		return true;
	soup_message_headers_replace(soup_server_message_get_response_headers(msg), "WWW-Authenticate", "Bearer realm=\"lanlet\"");
	return false;
}
