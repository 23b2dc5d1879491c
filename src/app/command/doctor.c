/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet doctor`: checks the subnet of the running network, or else of the one that would run. */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/check.h"
#include "app/command/listing.h"
#include "app/command/table.h"
#include "app/failure.h"
#include "app/paths.h"
#include "app/run/ini.h"
#include "lanlet.h"

#include <stdio.h>
#include <string.h>

/* `lanlet run` reports errors of the other keys. */
static int take_subnet(void *context, const char *key, const char *value, char *error, size_t size)
{
	if (strcmp(key, "subnet") == 0)
		prefix4_parse(value, &((struct check_context *)context)->subnet);
	return 0;
}

/* The subnet that `lanlet run NAME` would use. */
static struct prefix4 configured_subnet(const char *network)
{
	struct check_context p = { .subnet = { 0 } };
	const struct lanlet_option *o;
	for (size_t i = 0; (o = lanlet_option_at(i)); i++)
		if (o->default_value)
			take_subnet(&p, o->name, o->default_value, NULL, 0);
	g_autofree char *path = path_default_config(network);
	g_autoptr(GError) ignored = NULL;
	ini_load(path, take_subnet, &p, &ignored);
	return p.subnet;
}

/* GET /v1/network; NULL if the network does not run. */
static JsonObject *ask_network(const struct arguments *a)
{
	g_autoptr(GError) ignored = NULL;
	g_autoptr(Api) api = api_new(a, &ignored);
	return api ? api_get(api, "/v1/network", &ignored) : NULL;
}

static bool find_conflict(void *opaque, JsonObject *port)
{
	char **ret = opaque;
	g_autofree char *text = describe_conflict(port);
	if (text)
		*ret = g_strdup_printf("port %s: %s", api_text(port, "name"), text);
	return !text;
}

/* What to say about the first port that uses a MAC or an address of another port; NULL when no port does. */
static char *ask_conflict(const struct arguments *a)
{
	char *ret = NULL;
	g_autoptr(GError) ignored = NULL;
	g_autoptr(Api) api = api_new(a, &ignored);
	if (api)
		api_each(api, "/v1/ports", find_conflict, &ret, &ignored);
	return ret;
}

static enum finding examine(const struct check *check, const struct check_context *p)
{
	static const char *const words[] = { [FINDING_GOOD] = "good", [FINDING_HINT] = "hint", [FINDING_PROBLEM] = "problem" };
	static const char *const colours[] = { [FINDING_GOOD] = "\033[32m", [FINDING_HINT] = "\033[33m", [FINDING_PROBLEM] = "\033[31m" };
	bool colour = table_has_colours();
	struct diagnosis d;
	check->run(p, &d);
	enum finding finding = d.finding;
	printf("%s%-8s%s%s: %s\n", colour ? colours[finding] : "", words[finding], colour ? "\033[0m" : "", check->name, d.text);
	if (d.repair)
		printf("        %s\n", d.repair);
	diagnosis_done(&d);
	return finding;
}

static bool doctor_main(const struct arguments *a, GError **error)
{
	g_autoptr(JsonObject) network = ask_network(a);
	g_autofree char *conflict = network ? ask_conflict(a) : NULL;
	struct check_context p = { .subnet = configured_subnet(a->network) };
	unsigned problems = 0;
	p.conflict = conflict;
	if (network) {
		prefix4_parse(api_text(network, "subnet"), &p.subnet);
		p.ipv6_prefix = api_has(network, "ipv6_prefix") ? api_text(network, "ipv6_prefix") : NULL;
		p.foreign_dhcp_server = api_has(network, "foreign_dhcp_server") ? api_text(network, "foreign_dhcp_server") : NULL;
	}
	printf("network %s %s\n", a->network, network ? "is running" : "is not running: checking the machine only");
	const struct check *check;
	for (size_t i = 0; (check = check_at(i)); i++)
		if (network || !check->needs_network)
			problems += examine(check, &p) == FINDING_PROBLEM;
	if (!table_finish(error))
		return false;
	return problems == 0 || fail(error, FAILURE_GENERAL, "%u problem%s found", problems, problems == 1 ? "" : "s");
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "Find common problems of this machine.",
	.description = "Checks what guests' connections depend on, on the machine and, if it runs, on the network. For each "
		       "problem, prints the command that repairs it. Exits with 1 if something does not work.",
	.shares = FLAG_SHARED_NETWORK,
	.run = doctor_main,
};
