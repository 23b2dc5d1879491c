/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/paths.h"

#include "app/failure.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_MAX_LEN 32u

bool network_name_check(const char *name, GError **error)
{
	size_t len = strlen(name);
	bool good = len > 0 && len <= NAME_MAX_LEN && g_ascii_isalnum(name[0]);
	for (size_t i = 0; good && i < len; i++)
		good = g_ascii_isalnum(name[i]) || strchr("-_.", name[i]);
	if (!good)
		fail(error, FAILURE_USAGE,
		     "invalid network name \"%s\": expected a letter or digit, then up to %u letters, digits, '-', '_' or '.'", name,
		     NAME_MAX_LEN - 1);
	return good;
}

/* The value of @variable; relative paths are ignored (XDG Base Directory Specification 0.8). */
static const char *absolute_from_environment(const char *variable)
{
	const char *value = g_getenv(variable);
	return value && g_path_is_absolute(value) ? value : NULL;
}

static char *run_user_dir(void)
{
	g_autofree char *path = g_strdup_printf("/run/user/%u", (unsigned)geteuid());
	struct stat st;
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return NULL;
	return g_steal_pointer(&path);
}

char *path_default_runtime_dir(const char *name)
{
	g_autofree char *base = g_strdup(absolute_from_environment("XDG_RUNTIME_DIR"));
	if (!base)
		base = run_user_dir();
	if (base)
		return g_build_filename(base, "lanlet", name, NULL);
	const char *tmp = absolute_from_environment("TMPDIR");
	g_autofree char *own = g_strdup_printf("lanlet-%u", (unsigned)geteuid());
	return g_build_filename(tmp ? tmp : "/tmp", own, name, NULL);
}

static char *xdg_home(const char *variable, const char *below_home)
{
	const char *base = absolute_from_environment(variable);
	return base ? g_strdup(base) : g_build_filename(g_get_home_dir(), below_home, NULL);
}

char *path_default_state_dir(const char *name)
{
	g_autofree char *base = xdg_home("XDG_STATE_HOME", ".local/state");
	return g_build_filename(base, "lanlet", name, NULL);
}

char *path_default_config(const char *name)
{
	g_autofree char *base = xdg_home("XDG_CONFIG_HOME", ".config");
	g_autofree char *file = g_strconcat(name, ".conf", NULL);
	return g_build_filename(base, "lanlet", file, NULL);
}

char *path_guest_directory(const char *dir, const char *name)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	return g_build_filename(dir, "guests", lower, NULL);
}

static char *socket_in(const char *dir, const char *name, const char *advice, GError **error)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	if (strlen(path) > most) {
		fail(error, FAILURE_USAGE,
		     "%s: %zu characters, a socket's path may have %zu: choose %sa shorter directory with --runtime-dir", path,
		     strlen(path), most, advice);
		return NULL;
	}
	return g_steal_pointer(&path);
}

char *path_socket(const char *dir, const char *name, GError **error)
{
	return socket_in(dir, name, "", error);
}

char *path_own_socket(const char *dir, const char *guest, const char *name, GError **error)
{
	g_autofree char *own = path_guest_directory(dir, guest);
	return socket_in(own, name, "a shorter name, or ", error);
}

char *path_guest_socket(const char *dir, const char *mac, GError **error)
{
	g_auto(GStrv) octets = g_strsplit(mac, ":", -1);
	g_autofree char *digits = g_strjoinv("", octets);
	g_autofree char *name = g_strconcat("guest-", digits, ".sock", NULL);
	return path_socket(dir, name, error);
}
