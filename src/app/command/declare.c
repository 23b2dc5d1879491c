/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/declare.h"

#include "app/arguments.h"
#include "app/command/api.h"
#include "app/console.h"
#include "app/failure.h"
#include "app/guest_mac.h"
#include "app/paths.h"
#include "app/run/directory.h"
#include "app/run/ini.h"
#include "service/guest_name.h"

#include <string.h>
#include <unistd.h>

/* The entries that were added at run time (network/runtime_entries.h). */
#define KEPT_FILE "kept"

struct search {
	const char *name; /* of the guest, lower case */
	const char *mac;  /* that it would be declared with; NULL: not known yet */
	char *found;      /* the MAC of @name */
	bool mac_is_taken;
};

static void warn(const char *guest, const char *why)
{
	struct console console;
	console_init(&console);
	g_autofree char *line = g_strdup_printf("guest %s will not be found by this name: %s", guest, why);
	console_log(&console, LANLET_LOG_WARNING, line);
}

static void look_at(struct search *s, const char *mac, const char *name)
{
	if (g_ascii_strcasecmp(name, s->name) == 0 && !s->found)
		s->found = g_ascii_strdown(mac, -1);
	else if (s->mac && g_ascii_strcasecmp(mac, s->mac) == 0)
		s->mac_is_taken = true;
}

/* --- a network that is running --- */

static bool look_at_reservation(void *opaque, JsonObject *r)
{
	look_at(opaque, api_text(r, "mac"), api_text(r, "name"));
	return true;
}

static bool post(struct api *api, const struct search *s, GError **error)
{
	g_autofree char *body = api_object("mac", s->mac, "name", s->name, NULL);
	g_autoptr(JsonObject) answer = api_call(api, "POST", "/v1/reservations", body, error);
	return answer;
}

/* --- a network that is not --- */

/* "MAC[,ADDRESS][,NAME][,KEY=VALUE]" */
static void look_at_host(struct search *s, const char *value)
{
	g_auto(GStrv) words = g_strsplit(value, ",", -1);
	const char *name = "";
	for (guint i = 1; words[0] && words[i]; i++)
		if (!strchr(words[i], '=') && (i > 1 || !strchr(words[i], '.')))
			name = words[i];
	if (words[0])
		look_at(s, g_strstrip(words[0]), name);
}

static int look_at_entry(void *opaque, const char *key, const char *value, char *error, size_t size)
{
	if (strcmp(key, "host") == 0)
		look_at_host(opaque, value);
	return 0;
}

static void look_at_kept(struct search *s, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i]; i++)
		if (g_str_has_prefix(lines[i], "host "))
			look_at_host(s, lines[i] + strlen("host "));
}

static bool append(const char *path, const char *text, const struct search *s, GError **error)
{
	const char *separator = text[0] == '\0' || g_str_has_suffix(text, "\n") ? "" : "\n";
	g_autofree char *more = g_strdup_printf("%s%shost %s,%s\n", text, separator, s->mac, s->name);
	return g_file_set_contents_full(path, more, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error);
}

/* Reads what the network will read when it starts, and adds the guest to it. */
static bool keep(const struct arguments *a, struct search *s, GError **error)
{
	g_autofree char *config = path_default_config(a->network), *dir = path_default_state_dir(a->network);
	g_autofree char *path = g_build_filename(dir, KEPT_FILE, NULL), *text = NULL;
	g_autoptr(GError) ignored = NULL;
	ini_load(config, look_at_entry, s, &ignored);
	if (s->found)
		return true;
	if (!directory_make_private(dir, true, error))
		return false;
	int claim = directory_claim(dir, "state.lock", "the state directory is in use", error);
	if (claim < 0)
		return false;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		text = g_strdup("");
	look_at_kept(s, text);
	bool good = s->found || s->mac_is_taken || append(path, text, s, error);
	close(claim);
	return good;
}

/* --- both --- */

/* Whether @guest can be a DNS name; in lower case. */
static bool is_label(const char *guest, char ret[static GUEST_NAME_SIZE])
{
	g_autofree char *lower = g_ascii_strdown(guest, -1);
	return guest_name_clean(guest, strlen(guest), ret) && strcmp(lower, ret) == 0;
}

/* Finds the guest, or declares it; @error: neither was possible. */
static bool find_or_add(const struct arguments *a, struct search *s, bool *ret_running, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(Api) api = api_new(a, error);
	if (!api)
		return false;
	*ret_running = api_each(api, "/v1/reservations", look_at_reservation, s, &problem);
	if (*ret_running)
		return s->found || s->mac_is_taken || post(api, s, error);
	if (problem->code == FAILURE_NOT_RUNNING && !a->runtime_dir)
		return keep(a, s, error);
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

bool declare_guest(const struct arguments *a, const char *guest, const char *mac, struct declaration *ret, GError **error)
{
	char name[GUEST_NAME_SIZE];
	g_autoptr(GError) problem = NULL;
	g_autofree char *own = mac ? g_strdup(mac) : guest_mac_for(a->network, guest);
	struct search s = { .name = name, .mac = own };
	*ret = (struct declaration){ 0 };
	bool good = is_label(guest, name);
	if (!good)
		warn(guest, "a name has letters, digits, and inner hyphens and underscores");
	else if (!find_or_add(a, &s, &ret->is_running, &problem))
		good = (warn(guest, problem->message), false);
	else if (!s.found && s.mac_is_taken)
		good = (warn(guest, "its MAC is reserved already (see lanlet reserve)"), false);
	g_autofree char *found = s.found;
	if (found && mac && g_ascii_strcasecmp(found, mac) != 0)
		return fail(error, FAILURE_USAGE, "guest %s is declared with the MAC %s (see lanlet reserve)", guest, found);
	ret->declared = good;
	ret->mac = g_strdup(found ? found : own);
	return true;
}
