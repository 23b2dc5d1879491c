/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `lanlet web`: the network's page for a browser, on a loopback port that exists as long as the command runs.
 *
 * The port belongs to this process and not to the network's: bytes from any user of the machine stay away from the process that
 * carries guests' frames, and the port cannot outlive the command.
 */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/failure.h"
#include "app/web/gate.h"
#include "app/web/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct web_flags {
	bool no_open;
};

struct web {
	const struct arguments *arguments;
	char *socket;
	struct web_gate gate;
	struct web_relay *relay;
	GSocketConnection *network; /* a stream that ends with the network */
	char *url, *door;
	GMainLoop *loop;
	bool network_ended;
	char piece[4096];
};

/* --- the network's end --- */

static void wait_for_end(struct web *w);

static void heard(GObject *input, GAsyncResult *result, gpointer opaque)
{
	struct web *w = opaque;
	if (g_input_stream_read_finish(G_INPUT_STREAM(input), result, NULL) > 0) {
		wait_for_end(w);
		return;
	}
	w->network_ended = true;
	g_main_loop_quit(w->loop);
}

static void wait_for_end(struct web *w)
{
	GInputStream *input = g_io_stream_get_input_stream(G_IO_STREAM(w->network));
	g_input_stream_read_async(input, w->piece, sizeof(w->piece), G_PRIORITY_DEFAULT, NULL, heard, w);
}

/* The stream of events ends when the network does. */
static bool follow_network(struct web *w, GError **error)
{
	static const char request[] = "GET /v1/events HTTP/1.1\r\nHost: lanlet\r\n\r\n";
	g_autoptr(GSocketClient) client = g_socket_client_new();
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(w->socket);
	w->network = g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, error);
	if (!w->network)
		return false;
	GOutputStream *output = g_io_stream_get_output_stream(G_IO_STREAM(w->network));
	return g_output_stream_write_all(output, request, strlen(request), NULL, NULL, error);
}

/* --- opening a browser --- */

static bool is_on_desktop(void)
{
	return isatty(STDOUT_FILENO) && (g_getenv("WAYLAND_DISPLAY") || g_getenv("DISPLAY"));
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return good;
}

/* The link is passed in a private file, because other users can see the command lines of programs. */
static void open_browser(struct web *w)
{
	g_autofree char *dir = g_path_get_dirname(w->socket), *page = NULL;
	w->door = g_strdup_printf("%s/web-%ld.html", dir, (long)getpid());
	page = g_strdup_printf("<!doctype html><title>lanlet</title>"
			       "<meta http-equiv=\"refresh\" content=\"0;url=%s\"><a href=\"%s\">lanlet</a>\n",
			       w->url, w->url);
	g_unlink(w->door);
	if (!write_file(w->door, page))
		return;
	char *argv[] = { (char *)"xdg-open", w->door, NULL };
	const GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL;
	g_spawn_async(NULL, argv, NULL, flags, NULL, NULL, NULL, NULL);
}

/* --- life --- */

static gboolean quit(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

/* Standard output gets only the link, for scripts; the hint for people goes to standard error. */
static bool announce(struct web *w, GError **error)
{
	const struct web_flags *own = w->arguments->flags;
	w->url = g_strdup_printf("http://127.0.0.1:%u/#once=%s", web_relay_port(w->relay), w->gate.once);
	if (printf("%s\n", w->url) < 0 || fflush(stdout) != 0)
		return fail(error, FAILURE_GENERAL, "standard output: %s", g_strerror(errno));
	if (isatty(STDERR_FILENO))
		g_printerr("This link opens the page of network %s, once. Press Ctrl-C to end it.\n", w->arguments->network);
	if (!own->no_open && is_on_desktop())
		open_browser(w);
	return true;
}

static bool run(struct web *w, GError **error)
{
	wait_for_end(w);
	g_main_loop_run(w->loop);
	return !w->network_ended || fail(error, FAILURE_NOT_RUNNING, "network %s has ended", w->arguments->network);
}

static bool start(struct web *w, GError **error)
{
	g_autoptr(Api) api = api_new(w->arguments, error);
	g_autoptr(JsonObject) network = api ? api_get(api, "/v1/network", error) : NULL; /* sets the error if the network does not run */
	if (!network)
		return false;
	w->socket = api_socket(w->arguments, error);
	web_gate_init(&w->gate);
	w->relay = web_relay_new(&w->gate, w->socket, error);
	return w->relay && follow_network(w, error) && announce(w, error);
}

static bool web_main(const struct arguments *a, GError **error)
{
	struct web w = { .arguments = a, .loop = g_main_loop_new(NULL, FALSE) };
	guint signals[] = { g_unix_signal_add(SIGINT, quit, w.loop), g_unix_signal_add(SIGTERM, quit, w.loop) };
	bool good = start(&w, error) && run(&w, error);
	web_relay_free(w.relay);
	g_clear_object(&w.network);
	g_main_loop_unref(w.loop);
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		g_source_remove(signals[i]);
	if (w.door)
		g_unlink(w.door);
	g_free(w.door);
	g_free(w.url);
	g_free(w.socket);
	return good;
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "no-open",
			.help = "Print the link without opening a browser.",
		},
		FLAG_SWITCH(struct web_flags, no_open),
	},
	FLAG_END,
};

const struct command command_web = {
	.name = "web",
	.summary = "Show a running network as a page in a browser.",
	.description = "Serves a page on a port of 127.0.0.1 and prints a link to it. The page shows guests, rates, flows, "
		       "leases, drops and events live, and adds and removes port forwards. The link works once. On a "
		       "desktop, lanlet opens it in a browser. Runs until interrupted or until the network ends.",
	.flags = flags,
	.flags_size = sizeof(struct web_flags),
	.shares = FLAG_SHARED_NETWORK,
	.run = web_main,
};
