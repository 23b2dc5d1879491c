/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet proxy`: adds, finds and removes forwards of the protocol "proxy". */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/table.h"
#include "app/failure.h"

#include <string.h>

struct proxy_flags {
	const char *remove;
};

#define DEFAULT_PORT "1080"
#define LOOPBACK "127.0.0.1:"
#define UNIX_PREFIX "unix:"

struct search {
	guint64 id;       /* 0: any */
	const char *host; /* NULL: any */
	char *found_host;
	guint64 found;
};

static bool look_at_forward(void *opaque, JsonObject *f)
{
	struct search *s = opaque;
	if (strcmp(api_text(f, "protocol"), "proxy") != 0 || (s->id && api_number(f, "id") != s->id) ||
	    (s->host && strcmp(api_text(f, "host"), s->host) != 0))
		return true;
	s->found = api_number(f, "id");
	s->found_host = g_strdup(api_text(f, "host"));
	return false;
}

/* The form in which forwards are listed: a port alone means 127.0.0.1. */
static char *whole_host(const char *listen)
{
	return g_strconcat(strspn(listen, "0123456789") == strlen(listen) ? LOOPBACK : "", listen, NULL);
}

/* The URLs that programs take. */
static void print_proxy(const char *host)
{
	if (g_str_has_prefix(host, UNIX_PREFIX))
		g_print("socks5h://localhost%s\n", host + strlen(UNIX_PREFIX));
	else
		g_print("socks5h://%s\nhttp://%s\n", host, host);
}

static bool remove_proxy(struct api *api, const char *host, GError **error)
{
	struct search s = { .host = host };
	if (!api_each(api, "/v1/forwards", look_at_forward, &s, error))
		return false;
	if (!s.found)
		return fail(error, FAILURE_NOT_FOUND, "there is no proxy %s", host);
	g_free(s.found_host);
	g_autofree char *path = g_strdup_printf("/v1/forwards/%" G_GUINT64_FORMAT, s.found);
	g_autoptr(JsonObject) answer = api_call(api, "DELETE", path, NULL, error);
	return answer != NULL;
}

static bool add_proxy(struct api *api, const char *host, struct search *s, GError **error)
{
	g_autofree char *body = api_object("protocol", "proxy", "host", host, NULL);
	g_autoptr(JsonObject) answer = api_call(api, "POST", "/v1/forwards", body, error);
	if (!answer)
		return false;
	s->id = api_number(answer, "id");
	s->host = NULL;
	return api_each(api, "/v1/forwards", look_at_forward, s, error);
}

static bool proxy_main(const struct arguments *a, GError **error)
{
	const struct proxy_flags *own = a->flags;
	g_autofree char *listen = whole_host(own->remove ? own->remove : a->n_operands > 0 ? a->operands[0] : DEFAULT_PORT);
	g_autoptr(Api) api = api_new(a, error);
	if (!api)
		return false;
	if (own->remove)
		return remove_proxy(api, listen, error);
	struct search s = { .host = listen };
	if (!api_each(api, "/v1/forwards", look_at_forward, &s, error))
		return false;
	if (!s.found_host && !add_proxy(api, listen, &s, error))
		return false;
	if (!s.found_host)
		return fail(error, FAILURE_GENERAL, "the proxy was removed in the meantime");
	print_proxy(s.found_host);
	g_free(s.found_host);
	return table_finish(error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "remove",
			.argument = "LISTEN",
			.help = "Close the proxy that listens on LISTEN. Its open connections continue.",
		},
		FLAG_TEXT(struct proxy_flags, remove),
	},
	FLAG_END,
};

const struct command command_proxy = {
	.name = "proxy",
	.summary = "Reach all guests from this machine through a proxy (SOCKS, HTTP).",
	.description = "Opens a SOCKS 5 and HTTP CONNECT proxy on 127.0.0.1:1080, or on another loopback address or a unix "
		       "socket, and prints its URLs: curl --proxy socks5h://127.0.0.1:1080 http://web/. The proxy looks up "
		       "guests' names and connects to guests only. lanlet forward lists it with its counters. It survives "
		       "restarts until it is removed with --remove.",
	.flags = flags,
	.flags_size = sizeof(struct proxy_flags),
	.shares = FLAG_SHARED_NETWORK,
	.operands = "[[ADDRESS:]PORT | unix:PATH]",
	.max_operands = 1,
	.run = proxy_main,
};
