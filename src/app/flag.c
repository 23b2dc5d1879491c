/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/flag.h"

#include "app/arguments.h"
#include "app/failure.h"
#include "app/guest_mac.h"
#include "app/paths.h"

/* --- kinds of values --- */

bool flag_store_switch(const struct flag *flag, const char *value, void *at, GError **error)
{
	return *(bool *)at = true;
}

bool flag_store_text(const struct flag *flag, const char *value, void *at, GError **error)
{
	*(const char **)at = value;
	return true;
}

/* An empty value comes from a script with an unset variable and never means a directory. */
bool flag_store_directory(const struct flag *flag, const char *value, void *at, GError **error)
{
	if (value[0] == '\0')
		return fail(error, FAILURE_USAGE, "--%s \"\": expected a directory", flag->option.name);
	return flag_store_text(flag, value, at, error);
}

bool flag_store_mac(const struct flag *flag, const char *value, void *at, GError **error)
{
	return guest_mac_check(value, error) && flag_store_text(flag, value, at, error);
}

bool flag_store_seconds(const struct flag *flag, const char *value, void *at, GError **error)
{
	char *end;
	double seconds = g_ascii_strtod(value, &end);
	if (end == value || *end || !(seconds >= 0.1 && seconds <= 86400))
		return fail(error, FAILURE_USAGE, "--%s \"%s\": expected 0.1 to 86400 seconds", flag->option.name, value);
	*(double *)at = seconds;
	return true;
}

static bool store_network(const struct flag *flag, const char *value, void *at, GError **error)
{
	return network_name_check(value, error) && flag_store_text(flag, value, at, error);
}

/* --- shared flags --- */

static const struct flag shared[] = {
	{
		.option = {
			.name = "network",
			.argument = "NAME",
			.default_value = NETWORK_DEFAULT_NAME,
			.help = "The network's name.",
		},
		.share = FLAG_SHARED_NETWORK,
		FLAG_STORED(store_network, const char *, struct arguments, network),
	},
	{
		.option = {
			.name = "runtime-dir",
			.argument = "DIRECTORY",
			.default_value = "$XDG_RUNTIME_DIR/lanlet/NAME",
			.help = "The directory with the network's sockets.",
		},
		.share = FLAG_SHARED_BY_ALL,
		FLAG_DIRECTORY(struct arguments, runtime_dir),
	},
	{
		.option = {
			.name = "json",
			.help = "Print JSON as the API returns it, for scripts.",
		},
		.share = FLAG_SHARED_JSON,
		FLAG_SWITCH(struct arguments, json),
	},
	{
		.option = {
			.name = "help",
			.help = "Show this help.",
		},
		.share = FLAG_SHARED_BY_ALL,
		FLAG_SWITCH(struct arguments, help),
	},
};

const struct flag *shared_flag_at(size_t index)
{
	return index < G_N_ELEMENTS(shared) ? &shared[index] : NULL;
}
