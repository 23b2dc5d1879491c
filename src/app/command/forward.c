/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet forward` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"
#include "app/failure.h"

#include <string.h>

static bool add_row(void *opaque, JsonObject *f)
{
	struct table *t = opaque;
	const char *failure = api_text(f, "failure");
	table_addf(t, "%" G_GUINT64_FORMAT, api_number(f, "id"));
	for (const char *const *name = (const char *const[]){ "protocol", "host", "guest", "state", NULL }; *name; name++)
		table_add(t, api_has(f, *name) ? api_text(f, *name) : "-");
	table_addf(t, "%" G_GUINT64_FORMAT, api_number(f, "opened"));
	table_addf(t, "%" G_GUINT64_FORMAT, api_number(f, "refused"));
	table_add(t, failure[0] ? failure : "-");
	return true;
}

struct table *table_of_forwards(struct api *api, GError **error)
{
	g_autoptr(Table) t = table_new(">NUMBER|PROTOCOL|HOST|GUEST|STATE|>OPENED|>REFUSED|PROBLEM");
	return api_each(api, "/v1/forwards", add_row, t, error) ? g_steal_pointer(&t) : NULL;
}

static bool list(const struct arguments *a, GError **error)
{
	return listing_print(a, "/v1/forwards", table_of_forwards, error);
}

static bool add(const struct arguments *a, GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	if (!api)
		return false;
	g_autofree char *body = api_object("protocol", a->operands[1], "host", a->operands[2], "guest", a->operands[3], NULL);
	g_autoptr(JsonObject) answer = api_call(api, "POST", "/v1/forwards", body, error);
	if (!answer)
		return false;
	g_print("%" G_GUINT64_FORMAT "\n", api_number(answer, "id"));
	return true;
}

static bool remove_one(const struct arguments *a, GError **error)
{
	g_autofree char *path = api_path_to("/v1/forwards", a->operands[1]);
	return api_change(a, "DELETE", path, NULL, error);
}

static const struct {
	const char *name, *operands;
	unsigned n_operands; /* including the verb */
	bool (*run)(const struct arguments *a, GError **error);
} verbs[] = {
	{ "list", "", 1, list },
	{ "add", "tcp|udp [ADDRESS:]PORT[-PORT] GUEST:PORT", 4, add },
	{ "remove", "NUMBER", 2, remove_one },
};

static bool forward_main(const struct arguments *a, GError **error)
{
	if (a->n_operands == 0)
		return list(a, error);
	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
		if (strcmp(a->operands[0], verbs[i].name) != 0)
			continue;
		if (a->n_operands != verbs[i].n_operands)
			return fail(error, FAILURE_USAGE, "expected lanlet forward %s %s", verbs[i].name, verbs[i].operands);
		return verbs[i].run(a, error);
	}
	return fail(error, FAILURE_USAGE, "forward \"%s\": expected add, list or remove", a->operands[0]);
}

const struct command command_forward = {
	.name = "forward",
	.summary = "Forward ports of the host to guests (port forwarding).",
	.description = "\"add tcp|udp [ADDRESS:]PORT[-PORT] GUEST:PORT\" forwards a host port to a guest (a published port). "
		       "The host listens on 127.0.0.1 unless ADDRESS is given (* = all addresses); for tcp, unix:PATH can "
		       "replace the host's port. GUEST is a name, a MAC or an address. Clients wait while the guest has no "
		       "address. The guest sees the client's address; clients on the host itself appear as the gateway. "
		       "Prints the forward's number. A forward survives restarts until it is removed; its open connections "
		       "then continue.",
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.operands = "[list | add PROTOCOL FROM TO | remove NUMBER]",
	.max_operands = 4,
	.run = forward_main,
};
