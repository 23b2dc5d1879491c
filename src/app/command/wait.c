/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `lanlet wait`: polls the leases, and for IPv6 the addresses in use, until one belongs to the guest. They are few, so that asking again is
 * cheap.
 */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/table.h"
#include "app/failure.h"

#include <stdio.h>
#include <string.h>

struct wait_flags {
	double timeout;
	bool ipv6;
};

#define PAUSE_USEC (G_USEC_PER_SEC / 5)

struct search {
	const char *guest;
	bool ipv6;
	char *address;
};

/* Of a lease, or a neighbour. */
static bool look_at(void *opaque, JsonObject *l)
{
	struct search *s = opaque;
	if (g_ascii_strcasecmp(api_text(l, "name"), s->guest) != 0 && g_ascii_strcasecmp(api_text(l, "mac"), s->guest) != 0)
		return true;
	const char *address = api_text(l, "address");
	bool is_v6 = strchr(address, ':');
	if (is_v6 != s->ipv6 || (is_v6 && g_str_has_prefix(address, "fe80:")))
		return true;
	s->address = g_strdup(address);
	return false;
}

/* A guest that makes its IPv6 addresses itself has no lease. */
static bool search(struct api *api, struct search *s, GError **error)
{
	bool found = api_each(api, "/v1/leases", look_at, s, error);
	return found && s->ipv6 && !s->address ? api_each(api, "/v1/neighbours", look_at, s, error) : found;
}

static bool wait_main(const struct arguments *a, GError **error)
{
	const struct wait_flags *own = a->flags;
	/* Every guest without a name would match. */
	if (a->operands[0][0] == '\0')
		return fail(error, FAILURE_USAGE, "wait \"\": expected the name or MAC of a guest");
	g_autoptr(Api) api = api_new(a, error);
	struct search s = { .guest = a->operands[0], .ipv6 = own->ipv6 };
	gint64 end = own->timeout > 0 ? g_get_monotonic_time() + (gint64)(own->timeout * G_USEC_PER_SEC) : G_MAXINT64;
	if (!api)
		return false;
	while (search(api, &s, error)) {
		if (s.address) {
			puts(s.address);
			g_free(s.address);
			return table_finish(error);
		}
		if (g_get_monotonic_time() >= end)
			return fail(error, FAILURE_TIMEOUT, "%s has no address yet", s.guest);
		g_usleep(PAUSE_USEC);
	}
	return false;
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "timeout",
			.argument = "SECONDS",
			.default_value = "never",
			.help = "Give up after SECONDS.",
		},
		FLAG_SECONDS(struct wait_flags, timeout),
	},
	{
		.option = {
			.name = "ipv6",
			.help = "Wait for an IPv6 address, leased or made by the guest itself.",
		},
		FLAG_SWITCH(struct wait_flags, ipv6),
	},
	FLAG_END,
};

const struct command command_wait = {
	.name = "wait",
	.summary = "Wait until a guest has an address, and print it.",
	.description =
		"Waits until the guest with this name or MAC has an address, by a DHCP lease or with --ipv6, and prints it and nothing "
		"else. Exits with 6 after --timeout.",
	.flags = flags,
	.flags_size = sizeof(struct wait_flags),
	.shares = FLAG_SHARED_NETWORK,
	.operands = "GUEST",
	.min_operands = 1,
	.max_operands = 1,
	.run = wait_main,
};
