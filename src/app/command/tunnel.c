/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP by hand: after the answer's head the connection belongs to the caller, so not one byte behind it may be read. */
#include "app/command/tunnel.h"

#include "app/arguments.h"
#include "app/failure.h"
#include "app/paths.h"
#include "app/unix_socket.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX 4096u
#define BODY_MAX 4096u
#define SWITCHING 101u

static bool send_request(int fd, const char *guest, guint16 port)
{
	g_autofree char *escaped = g_uri_escape_string(guest, ":", FALSE);
	g_autofree char *request = g_strdup_printf("POST /v1/connect?guest=%s&port=%u HTTP/1.1\r\nHost: lanlet\r\nContent-Length: "
						   "0\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
						   escaped, port);
	size_t len = strlen(request);
	return send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* --- the answer --- */

/* Reads the head of the answer up to its empty line, and nothing behind it. False if the connection ends first. */
static bool read_head(int fd, char ret[static HEAD_MAX])
{
	for (size_t len = 0; len < HEAD_MAX - 1;) {
		ssize_t n = recv(fd, ret + len, HEAD_MAX - 1 - len, MSG_PEEK);
		if (n <= 0)
			return false;
		ret[len + (size_t)n] = '\0';
		const char *end = strstr(ret, "\r\n\r\n");
		size_t take = end ? (size_t)(end + 4 - ret) - len : (size_t)n;
		if (recv(fd, ret + len, take, MSG_WAITALL) != (ssize_t)take)
			return false;
		len += take;
		ret[len] = '\0';
		if (end)
			return true;
	}
	return false;
}

static char *read_body(int fd)
{
	char *body = g_malloc0(BODY_MAX);
	size_t len = 0;
	for (ssize_t n; len < BODY_MAX - 1 && (n = recv(fd, body + len, BODY_MAX - 1 - len, 0)) > 0;)
		len += (size_t)n;
	return body;
}

static const char *member(JsonObject *o, const char *name)
{
	return json_object_get_string_member_with_default(o, name, "");
}

static enum failure failure_of(const char *reason, unsigned status)
{
	static const struct {
		const char *reason;
		enum failure failure;
	} known[] = {
		{ "no-address", FAILURE_NOT_FOUND }, { "no-guest", FAILURE_NOT_FOUND },      { "refused", FAILURE_REFUSED },
		{ "timeout", FAILURE_TIMEOUT },      { "unreachable", FAILURE_UNREACHABLE }, { "malformed", FAILURE_USAGE },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (strcmp(known[i].reason, reason) == 0)
			return known[i].failure;
	return status == 400 ? FAILURE_USAGE : FAILURE_GENERAL;
}

static bool fail_as_told(int fd, unsigned status, GError **error)
{
	g_autofree char *body = read_body(fd);
	g_autoptr(JsonNode) root = json_from_string(body, NULL);
	if (!root || !JSON_NODE_HOLDS_OBJECT(root))
		return fail(error, FAILURE_GENERAL, "the network answered with the status %u", status);
	JsonObject *o = json_node_get_object(root);
	return fail(error, failure_of(member(o, "reason"), status), "%s", member(o, "error"));
}

static bool ask(int fd, const char *guest, guint16 port, GError **error)
{
	char head[HEAD_MAX];
	unsigned status;
	if (!send_request(fd, guest, port) || !read_head(fd, head) || sscanf(head, "HTTP/1.%*u %u", &status) != 1)
		return fail(error, FAILURE_GENERAL, "the network ended the connection");
	return status == SWITCHING || fail_as_told(fd, status, error);
}

/* ssh appends the network's name, as in NAME.NETWORK. */
static char *without_network(const char *guest, const char *network)
{
	g_autofree char *suffix = g_strconcat(".", network, NULL);
	return g_strndup(guest, strlen(guest) - (g_str_has_suffix(guest, suffix) ? strlen(suffix) : 0));
}

int tunnel_open(const struct arguments *a, const char *guest, guint16 port, GError **error)
{
	g_autofree char *dir = arguments_runtime_dir(a);
	g_autofree char *path = path_socket(dir, API_SOCKET, error);
	if (!path)
		return -1;
	g_autofree char *name = without_network(guest, a->network);
	int fd = unix_socket_connect(path);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		fail_not_running(error, a->network, dir);
	else if (fd < 0)
		fail(error, FAILURE_GENERAL, "%s: %s", path, g_strerror(-fd));
	if (fd < 0)
		return -1;
	if (ask(fd, name, port, error))
		return fd;
	close(fd);
	return -1;
}
