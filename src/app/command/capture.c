/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `lanlet capture`: copies the API's stream of frames to a file. Ctrl-C asks the network to end the capture, so that frames
 * already captured still arrive; a second Ctrl-C exits at once.
 */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/capture_file.h"
#include "app/command/name_lookup.h"
#include "app/failure.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct capture_flags {
	const char *write;
	guint64 ring; /* bytes */
	bool drops;
	const char *snaplen;
	bool check;
};

/* --- what is captured --- */

/* The meaning of the operands. Strings to g_free(). */
struct wish {
	char *port, *guest, *filter;
};

static void wish_done(struct wish *w)
{
	g_free(w->port);
	g_free(w->guest);
	g_free(w->filter);
}

static bool is_number(const char *word)
{
	return word[0] && word[strspn(word, "0123456789")] == '\0';
}

/* A filter cannot begin with an address. */
static bool is_address(const char *word)
{
	return g_hostname_is_ip_address(word) || (strlen(word) == 17 && strspn(word, "0123456789abcdefABCDEF:") == 17);
}

/* @ret: the member of @w that @word belongs to if it names a port or guest; NULL if it begins the filter. */
static bool find_meaning(struct api *api, const char *word, struct wish *w, char ***ret, GError **error)
{
	bool found;
	*ret = is_number(word) ? &w->port : is_address(word) ? &w->guest : NULL;
	if (*ret)
		return true;
	if (!name_is_listed(api, "/v1/ports", word, &found, error))
		return false;
	if (found) {
		*ret = &w->port;
		return true;
	}
	if (!name_is_of_guest(api, word, &found, error))
		return false;
	*ret = found ? &w->guest : NULL;
	return true;
}

/* The first word names a port or guest if there is one of that name; otherwise the filter begins with it. */
static bool take_words(const struct arguments *a, struct api *api, struct wish *w, GError **error)
{
	const char *const *words = a->operands;
	char **first = NULL;
	if (words[0] && !find_meaning(api, words[0], w, &first, error))
		return false;
	if (first)
		*first = g_strdup(*words++);
	g_autofree char *filter = g_strjoinv(" ", (char **)(uintptr_t)words);
	if (filter[0])
		w->filter = g_steal_pointer(&filter);
	return true;
}

/* --- the stream --- */

/* Never freed, because the thread that waits for signals uses it until the process exits. */
struct capturing {
	const struct capture_flags *own; /* used by the main thread only */
	struct capture_file *file;       /* NULL: not opened (yet) */
	GError *error;                   /* why the file could not be opened */
	sigset_t signals;
	pthread_mutex_t mutex;
	struct api *api; /* used by the signal thread, to end the capture; set before @path */
	char *path;      /* of the capture, for DELETE; NULL: it has not begun */
};

/* Opening the file truncates it, so wait until the server has accepted the capture. */
static void begun(void *opaque, const char *id)
{
	struct capturing *c = opaque;
	pthread_mutex_lock(&c->mutex);
	c->path = id ? api_path_to("/v1/captures", id) : NULL;
	pthread_mutex_unlock(&c->mutex);
	if (!c->own->check)
		c->file = capture_file_new(c->own->write, c->own->ring, &c->error);
}

static bool take(void *opaque, const void *bytes, gsize len)
{
	struct capturing *c = opaque;
	return c->file && capture_file_take(c->file, bytes, len);
}

/* --- the end --- */

static void end_capture(struct capturing *c)
{
	pthread_mutex_lock(&c->mutex);
	g_autofree char *path = g_strdup(c->path);
	pthread_mutex_unlock(&c->mutex);
	if (!path)
		_exit(EXIT_SUCCESS);
	g_autoptr(JsonObject) done = api_call(c->api, "DELETE", path, NULL, NULL);
}

/* Runs until the process exits. */
static gpointer wait_for_signals(gpointer opaque)
{
	struct capturing *c = opaque;
	int signal;
	sigwait(&c->signals, &signal);
	end_capture(c);
	sigwait(&c->signals, &signal);
	_exit(128 + signal);
}

/*
 * Call this before anything that may start a thread, as glib does for a request to the API: threads inherit the mask, and a signal
 * that one thread does not block ends the process.
 */
static struct capturing *capturing_new(const struct arguments *a)
{
	struct capturing *c = g_new0(struct capturing, 1); /* never freed, see its declaration */
	c->own = a->flags;
	pthread_mutex_init(&c->mutex, NULL);
	sigemptyset(&c->signals);
	sigaddset(&c->signals, SIGINT);
	sigaddset(&c->signals, SIGTERM);
	sigaddset(&c->signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &c->signals, NULL);
	g_thread_unref(g_thread_new("signals", wait_for_signals, c));
	return c;
}

/* --- the command --- */

static bool check_output(const struct capture_flags *own, GError **error)
{
	if (own->ring && !own->write)
		return fail(error, FAILURE_USAGE, "--ring needs a file: --write FILE");
	return own->check || own->write || !isatty(STDOUT_FILENO) ||
	       fail(error, FAILURE_USAGE,
		    "a capture cannot be written to a terminal: lanlet capture --write FILE, or lanlet capture | tcpdump -n -r -, "
		    "or lanlet capture | wireshark -k -i -");
}

static bool read_stream(struct capturing *c, struct api *api, const struct wish *w, GError **error)
{
	const struct capture_flags *own = c->own;
	g_autofree char *path = api_path("/v1/capture", "port", w->port, "guest", w->guest, "filter", w->filter, "drops",
					 own->drops ? "1" : NULL, "snaplen", own->snaplen, NULL);
	struct api_reader reader = { .header = "Lanlet-Capture", .begun = begun, .take = take, .opaque = c };
	bool good = api_read_by(api, path, &reader, error);
	if (c->error) {
		g_clear_error(error);
		g_propagate_error(error, c->error);
		return false;
	}
	if (c->file)
		good &= capture_file_finish(c->file, good ? error : NULL);
	return good;
}

static bool run_capture(const struct arguments *a, struct capturing *c, struct api *api, const struct wish *w, GError **error)
{
	c->api = api_new(a, error);
	if (!c->api)
		return false;
	bool good = read_stream(c, api, w, error);
	capture_file_free(c->file);
	return good;
}

/* The server sees a misspelled name of a port or guest as a filter: mention both. */
static void explain(const struct wish *w, GError **error)
{
	if (error && *error && w->filter && !strchr(w->filter, ' ') && g_str_has_prefix((*error)->message, "filter "))
		g_prefix_error(error, "there is no port or guest %s, and it is not a filter either: ", w->filter);
}

static bool capture_main(const struct arguments *a, GError **error)
{
	if (!check_output(a->flags, error))
		return false;
	struct wish wish = { NULL };
	struct capturing *c = capturing_new(a);
	g_autoptr(Api) api = api_new(a, error);
	bool good = api && take_words(a, api, &wish, error) && run_capture(a, c, api, &wish, error);
	if (!good)
		explain(&wish, error);
	wish_done(&wish);
	return good;
}

/* Parses "512M" as bytes, with units of 1024. */
static bool parse_size(const char *text, guint64 *ret)
{
	static const char units[] = "KMGT";
	char *end;
	guint64 n = g_ascii_strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	if (!g_ascii_isdigit(text[0]) || (*end && (!unit || end[1])) || n > (guint64)G_MAXINT64 >> shift)
		return false;
	*ret = n << shift;
	return true;
}

static bool store_ring(const struct flag *flag, const char *value, void *at, GError **error)
{
	guint64 *ring = at;
	return (parse_size(value, ring) && *ring >= CAPTURE_RING_MIN) ||
	       fail(error, FAILURE_USAGE, "--ring \"%s\": expected at least 1M, such as 500M or 2G", value);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "write",
			.argument = "FILE",
			.default_value = "standard output",
			.help = "Write the capture to FILE. Frames that the disk has no room for are lost and counted.",
		},
		FLAG_TEXT(struct capture_flags, write),
	},
	{
		.option = {
			.name = "ring",
			.argument = "SIZE",
			.help =
				"Keep the newest SIZE bytes, such as 500M or 2G, in eight files. With --write cap.pcapng they are "
				"cap_00001_TIME.pcapng, cap_00002_TIME.pcapng and so on; the oldest is deleted.",
		},
		FLAG_STORED(store_ring, guint64, struct capture_flags, ring),
	},
	{
		.option = {
			.name = "drops",
			.help = "Capture dropped frames too, each in a record of its own whose comment gives the reason.",
		},
		FLAG_SWITCH(struct capture_flags, drops),
	},
	{
		.option = {
			.name = "snaplen",
			.argument = "BYTES",
			.default_value = "all",
			.help = "Keep the first BYTES of each frame.",
		},
		FLAG_TEXT(struct capture_flags, snaplen),
	},
	{
		.option = {
			.name = "check",
			.help = "Only check PORT, GUEST and FILTER, and capture nothing.",
		},
		FLAG_SWITCH(struct capture_flags, check),
	},
	FLAG_END,
};

const struct command command_capture = {
	.name = "capture",
	.summary = "Capture packets on a network, as tcpdump does.",
	.description = "Writes frames as pcapng, which tcpdump, tshark and Wireshark read, until interrupted. By default "
		       "captures the whole network, each frame once as it enters the switch. PORT, by name or number, "
		       "captures what enters and leaves that port; GUEST, by name, MAC or address, what that guest sends and"
		       " receives. FILTER is a tcpdump expression, see pcap-filter(7). Any number of captures can run at "
		       "once, and none slows a guest down: what a slow reader or a full disk has no room for is missing from"
		       " the capture only, and counted. At the end, prints how many frames were captured and how many were "
		       "lost.",
	.flags = flags,
	.flags_size = sizeof(struct capture_flags),
	.shares = FLAG_SHARED_NETWORK,
	.operands = "[PORT | GUEST] [FILTER...]",
	.max_operands = ARGUMENTS_OPERANDS_MAX,
	.run = capture_main,
};
