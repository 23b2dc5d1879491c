/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <dnsmasq:options>: lines of dnsmasq.conf, of which some have options here that do the same. */
#include "app/libvirt/reading.h"

#include <string.h>

#define DNSMASQ_NAMESPACE "http://libvirt.org/schemas/network/dnsmasq/1.0"

/* "cname=ALIAS,NAME" and the like: lanlet's option and how its value is written; NULL: it has no effect. */
static char *of_dnsmasq(const char *option, const char **ret_key)
{
	const char *value = strchr(option, '=');
	gsize len = value ? (gsize)(value - option) : strlen(option);
	g_auto(GStrv) words = g_strsplit(value ? value + 1 : "", value && value[1] == '/' ? "/" : ",", 3);
	guint n = g_strv_length(words);
	g_autofree char *name = g_strndup(option, len);
	*ret_key = "name";
	if (strcmp(name, "cname") == 0 && n == 2)
		return g_strdup_printf("%s,CNAME,%s", words[0], words[1]);
	if (strcmp(name, "host-record") == 0 && n == 2)
		return g_strdup_printf("%s,%s", words[0], words[1]);
	*ret_key = "dhcp-option";
	if (strcmp(name, "dhcp-option") == 0 && n >= 1)
		return g_strdup(g_str_has_prefix(value + 1, "option:") ? value + 1 + strlen("option:") : value + 1);
	*ret_key = "dns";
	if (strcmp(name, "server") == 0 && n == 3)
		return g_strdup_printf("%s=%s", words[1], words[2][0] ? words[2] : "default");
	*ret_key = "rebind-domain-ok";
	if (strcmp(name, "rebind-domain-ok") == 0 && n == 3)
		return g_strdup(words[1]);
	return NULL;
}

static bool take_dnsmasq_option(struct reading *r, const struct xml_element *e)
{
	const char *option = reading_required(r, e, "value"), *key;
	char reason[512] = "";
	if (!option)
		return false;
	g_autofree char *value = of_dnsmasq(option, &key), *what = g_strdup_printf("\"%s\"", option);
	if (value && reading_try(r, key, value, reason, sizeof(reason)))
		return true;
	return reading_ignore(r, e, what, reason[0] ? reason : "an option of dnsmasq that is not understood");
}

/* The elements may have any prefix for dnsmasq's name space. */
bool libvirt_network_take_dnsmasq(struct reading *r, const struct xml_element *e)
{
	for (const struct xml_element *child = e->first; child; child = child->next)
		if (g_str_has_suffix(child->name, ":option") && !take_dnsmasq_option(r, child))
			return false;
	return true;
}

bool libvirt_network_is_dnsmasq(const struct xml_element *network, const struct xml_element *e)
{
	const char *colon = strchr(e->name, ':');
	if (!colon || strcmp(colon, ":options") != 0)
		return false;
	g_autofree char *declaration = g_strdup_printf("xmlns:%.*s", (int)(colon - e->name), e->name);
	return xml_attribute_is(network, declaration, DNSMASQ_NAMESPACE) || xml_attribute_is(e, declaration, DNSMASQ_NAMESPACE);
}
