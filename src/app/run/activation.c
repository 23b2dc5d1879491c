/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/run/activation.h"

#include "app/failure.h"
#include "lanlet.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define FDS_MAX 1024

struct activation_socket {
	int fd;
	char *name;
	char *path; /* NULL: not in the file system */
};

static void socket_free(gpointer data)
{
	struct activation_socket *s = data;
	g_free(s->name);
	g_free(s->path);
	g_free(s);
}

static char *path_of(int fd)
{
	struct sockaddr_un a = { 0 };
	socklen_t len = sizeof(a);
	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0 || a.sun_family != AF_UNIX || a.sun_path[0] != '/')
		return NULL;
	return g_strndup(a.sun_path, sizeof(a.sun_path));
}

static bool add_sockets(struct activation *a, guint64 count, const char *names, GError **error)
{
	g_auto(GStrv) list = g_strsplit(names ? names : "", ":", -1);
	guint n_names = g_strv_length(list);
	for (guint64 i = 0; i < count; i++) {
		struct activation_socket *s = g_new0(struct activation_socket, 1);
		s->fd = FIRST_FD + (int)i;
		s->name = g_strdup(i < n_names ? list[i] : "");
		s->path = path_of(s->fd);
		g_ptr_array_add(a->sockets, s);
		if (fcntl(s->fd, F_SETFD, FD_CLOEXEC) < 0)
			return fail(error, FAILURE_USAGE, "LISTEN_FDS: descriptor %d is not open", s->fd);
	}
	return true;
}

bool activation_take(struct activation *ret, GError **error)
{
	const char *pid = g_getenv("LISTEN_PID"), *fds = g_getenv("LISTEN_FDS");
	guint64 pid_number, count = 0;
	ret->sockets = g_ptr_array_new_with_free_func(socket_free);
	bool good = true;
	if (pid && fds && g_ascii_string_to_unsigned(pid, 10, 1, G_MAXINT, &pid_number, NULL) && pid_number == (guint64)getpid()) {
		good = g_ascii_string_to_unsigned(fds, 10, 0, FDS_MAX, &count, NULL) ||
		       fail(error, FAILURE_USAGE, "LISTEN_FDS=%s: expected the number of descriptors", fds);
		good = good && add_sockets(ret, count, g_getenv("LISTEN_FDNAMES"), error);
	}
	g_unsetenv("LISTEN_PID");
	g_unsetenv("LISTEN_FDS");
	g_unsetenv("LISTEN_FDNAMES");
	return good;
}

void activation_done(struct activation *a)
{
	if (a->sockets)
		g_ptr_array_unref(a->sockets);
	a->sockets = NULL;
}

bool activation_has_path(const struct activation *a, const char *path)
{
	g_autofree char *ctl = g_build_filename(path, "ctl", NULL);
	for (guint i = 0; i < a->sockets->len; i++) {
		const struct activation_socket *s = a->sockets->pdata[i];
		if (s->path && (strcmp(s->path, path) == 0 || strcmp(s->path, ctl) == 0))
			return true;
	}
	return false;
}

static bool is_type(const char *name)
{
	static const char *const types[] = { "stream", "dgram", "seqpacket", "vhost", "vde" };
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (strcmp(name, types[i]) == 0)
			return true;
	return false;
}

bool activation_plug(const struct activation *a, struct lanlet_network *net, GError **error)
{
	for (guint i = 0; i < a->sockets->len; i++) {
		const struct activation_socket *s = a->sockets->pdata[i];
		char reason[300];
		g_autofree char *text = is_type(s->name) ? g_strdup_printf("%d,type=%s", s->fd, s->name) : g_strdup_printf("%d", s->fd);
		if (lanlet_network_attach_fd(net, text, reason, sizeof(reason)) < 0)
			return fail(error, FAILURE_USAGE, "LISTEN_FDS: %s (\"%s\")", reason, s->name);
	}
	return true;
}
