/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/dhcp: the options, tags and boot files that the user adds to DHCP's answers. */
#include "base/macros.h"
#include "control/request.h"
#include "control/values.h"
#include "network/snapshot.h"

static void fetch(struct lanlet_network *n, usec_t now, void *data)
{
	snapshot_dhcp(n, data);
}

/* As options have them: "!lab" for clients without the tag. */
static void write_condition(struct json *j, const struct dhcp_condition *when)
{
	json_open_array(j, "tags");
	for (unsigned i = 0; i < when->n; i++) {
		char text[DHCP_TAG_SIZE + 1];
		g_snprintf(text, sizeof(text), "%s%s", when->tags[i].absent ? "!" : "", when->tags[i].tag);
		json_string(j, NULL, text);
	}
	json_close_array(j);
}

static void write_option(struct json *j, const struct dhcp_option_rule *o)
{
	char value[2 * DHCP_OPTION_VALUE_MAX + 1] = "";
	for (unsigned i = 0; i < o->len; i++)
		g_snprintf(value + 2 * i, 3, "%02x", o->value[i]);
	json_open_object(j, NULL);
	write_condition(j, &o->when);
	json_bool(j, "force", o->forced);
	json_unsigned(j, "option", o->code);
	json_string(j, "value", o->len > 0 ? value : NULL);
	json_close_object(j);
}

static void write_tag(struct json *j, const struct dhcp_tag_rule *t)
{
	char class[DHCP_CLASS_TEXT_SIZE + 8];
	switch (t->by) {
	case DHCP_CLASS_VENDOR: g_snprintf(class, sizeof(class), "vendor:%s", t->text); break;
	case DHCP_CLASS_USER: g_snprintf(class, sizeof(class), "user:%s", t->text); break;
	case DHCP_CLASS_ARCHITECTURE: g_snprintf(class, sizeof(class), "arch:%u", t->architecture); break;
	}
	json_open_object(j, NULL);
	json_string(j, "tag", t->tag);
	json_string(j, "class", class);
	json_close_object(j);
}

static void write_boot(struct json *j, const struct dhcp_boot_rule *b)
{
	json_open_object(j, NULL);
	write_condition(j, &b->when);
	json_string(j, "file", b->file);
	if (b->server)
		json_ip4(j, "server", b->server);
	else
		json_null(j, "server");
	json_close_object(j);
}

static void respond(struct request *r, void *data)
{
	const struct snapshot_dhcp *d = data;
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	json_open_array(&j, "options");
	for (size_t i = 0; i < d->n_options; i++)
		write_option(&j, &d->options[i]);
	json_close_array(&j);
	json_open_array(&j, "tags");
	for (size_t i = 0; i < d->n_tags; i++)
		write_tag(&j, &d->tags[i]);
	json_close_array(&j);
	json_open_array(&j, "boots");
	for (size_t i = 0; i < d->n_boots; i++)
		write_boot(&j, &d->boots[i]);
	json_close_array(&j);
	json_close_object(&j);
	request_respond_json(r, j.text);
}

static void get_dhcp(struct request *r)
{
	request_ask(r, fetch, respond, g_new0(struct snapshot_dhcp, 1));
}

const struct route routes_dhcp[] = {
	{ "GET", "/v1/dhcp", get_dhcp },
	{ NULL },
};
