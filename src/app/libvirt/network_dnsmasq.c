/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <dnsmasq:options>: lines of dnsmasq.conf, of which some have options here that do the same. */
#include "app/libvirt/reading.h"
#include "base/addr.h"
#include "base/macros.h"

#include <string.h>

#define DNSMASQ_NAMESPACE "http://libvirt.org/schemas/network/dnsmasq/1.0"

/* Adds to @values, which owns its texts, what lanlet's option is set to for the value @text.  False: it has no counterpart. */
typedef bool counterpart(const char *text, GPtrArray *values);

static bool add(GPtrArray *values, char *value)
{
	g_ptr_array_add(values, value);
	return true;
}

static bool is_number(const char *word)
{
	return word[0] && word[strspn(word, "0123456789")] == '\0';
}

/* The words between commas, without the TTL that may be the last. */
static char **words_before_ttl(const char *text, guint *ret_n)
{
	char **words = g_strsplit(text, ",", -1);
	*ret_n = g_strv_length(words);
	if (*ret_n > 2 && is_number(words[*ret_n - 1]))
		--*ret_n;
	return words;
}

static bool take_cname(const char *text, GPtrArray *values)
{
	guint n;
	g_auto(GStrv) words = words_before_ttl(text, &n);
	for (guint i = 0; i + 1 < n; i++)
		add(values, g_strdup_printf("%s,CNAME,%s", words[i], words[n - 1]));
	return n >= 2;
}

/* Names, then addresses: each name has all of them. */
static bool take_host_record(const char *text, GPtrArray *values)
{
	guint n, names = 0;
	struct ip_addr ip;
	g_auto(GStrv) words = words_before_ttl(text, &n);
	while (names < n && ip_parse(words[names], &ip) < 0)
		names++;
	for (guint i = names; i < n; i++)
		for (guint j = 0; j < names; j++)
			add(values, g_strdup_printf("%s,%s", words[j], words[i]));
	return names > 0 && names < n;
}

/* Name, target, port, priority, weight, of which all but the name may be missing. */
static bool take_srv_host(const char *text, GPtrArray *values)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	guint n = g_strv_length(words);
	return n >= 1 && n <= 5 &&
	       add(values, g_strdup_printf("%s,SRV,%s %s %s %s", words[0], n > 3 ? words[3] : "0", n > 4 ? words[4] : "0",
					   n > 2 ? words[2] : "1", n > 1 ? words[1] : "."));
}

static bool take_mx_host(const char *text, GPtrArray *values)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	guint n = g_strv_length(words);
	return (n == 2 || n == 3) && add(values, g_strdup_printf("%s,MX,%s %s", words[0], n == 3 ? words[2] : "1", words[1]));
}

/* "NAME,DATA" as a record of @type. */
static bool take_record(const char *text, const char *type, GPtrArray *values)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	return g_strv_length(words) == 2 && add(values, g_strdup_printf("%s,%s,%s", words[0], type, words[1]));
}

static bool take_txt_record(const char *text, GPtrArray *values)
{
	return take_record(text, "TXT", values);
}

static bool take_ptr_record(const char *text, GPtrArray *values)
{
	return take_record(text, "PTR", values);
}

/* "/DOMAIN/DOMAIN/REST": the domains, and *@ret_rest inside @text; NULL: it does not begin so. */
static char **domains(const char *text, const char **ret_rest)
{
	const char *end = strrchr(text, '/');
	if (text[0] != '/' || end == text)
		return NULL;
	g_autofree char *inside = g_strndup(text + 1, (gsize)(end - text - 1));
	*ret_rest = end + 1;
	return g_strsplit(inside, "/", -1);
}

static bool take_server(const char *text, GPtrArray *values)
{
	const char *server;
	g_auto(GStrv) all = domains(text, &server);
	if (!all)
		return add(values, g_strdup(text));
	for (char **domain = all; *domain; domain++)
		add(values, g_strdup_printf("%s=%s", *domain, server[0] ? server : "default"));
	return true;
}

static bool take_rebind_domain(const char *text, GPtrArray *values)
{
	const char *rest;
	g_auto(GStrv) all = domains(text, &rest);
	for (char **domain = all; domain && *domain; domain++)
		add(values, g_strdup(*domain));
	return all && rest[0] == '\0';
}

/* Where the value begins behind "tag:TAG,"s. */
static const char *behind_tags(const char *text)
{
	while (g_str_has_prefix(text, "tag:") && strchr(text, ','))
		text = strchr(text, ',') + 1;
	return text;
}

static bool add_option(const char *text, const char *force, GPtrArray *values)
{
	const char *option = behind_tags(text), *name = g_str_has_prefix(option, "option:") ? option + strlen("option:") : option;
	return !g_str_has_prefix(option, "option6:") && add(values, g_strdup_printf("%.*s%s%s", (int)(option - text), text, force, name));
}

static bool take_option(const char *text, GPtrArray *values)
{
	return add_option(text, "", values);
}

static bool take_forced_option(const char *text, GPtrArray *values)
{
	return add_option(text, "force,", values);
}

/* "set:TAG,REST", where REST begins with @prefix, as a tag for the class @kind. */
static bool take_class(const char *text, const char *prefix, const char *kind, GPtrArray *values)
{
	const char *tag = g_str_has_prefix(text, "set:") ? text + strlen("set:") : text, *rest = strchr(tag, ',');
	if (!rest || !g_str_has_prefix(rest + 1, prefix))
		return false;
	return add(values, g_strdup_printf("%.*s,%s:%s", (int)(rest - tag), tag, kind, rest + 1 + strlen(prefix)));
}

static bool take_vendor_class(const char *text, GPtrArray *values)
{
	return take_class(text, "", "vendor", values);
}

static bool take_user_class(const char *text, GPtrArray *values)
{
	return take_class(text, "", "user", values);
}

static bool take_match(const char *text, GPtrArray *values)
{
	return take_class(text, "option:client-arch,", "arch", values) || take_class(text, "93,", "arch", values);
}

/* File, the server's name, its address.  A name alone would have to be looked up. */
static bool take_boot(const char *text, GPtrArray *values)
{
	const char *file = behind_tags(text);
	g_auto(GStrv) words = g_strsplit(file, ",", -1);
	guint n = g_strv_length(words);
	if (n == 1)
		return add(values, g_strdup(text));
	return n == 3 && add(values, g_strdup_printf("%.*s%s,%s", (int)(file - text), text, words[0], words[2]));
}

static const struct {
	const char *name; /* dnsmasq's */
	const char *key;  /* lanlet's */
	counterpart *take;
} rows[] = {
	{ "cname", "name", take_cname },
	{ "dhcp-boot", "dhcp-boot", take_boot },
	{ "dhcp-match", "dhcp-tag", take_match },
	{ "dhcp-option", "dhcp-option", take_option },
	{ "dhcp-option-force", "dhcp-option", take_forced_option },
	{ "dhcp-userclass", "dhcp-tag", take_user_class },
	{ "dhcp-vendorclass", "dhcp-tag", take_vendor_class },
	{ "host-record", "name", take_host_record },
	{ "mx-host", "name", take_mx_host },
	{ "ptr-record", "name", take_ptr_record },
	{ "rebind-domain-ok", "rebind-domain-ok", take_rebind_domain },
	{ "server", "dns", take_server },
	{ "srv-host", "name", take_srv_host },
	{ "txt-record", "name", take_txt_record },
};

/* Sets what @option means; false: it has no effect, and @reason may have the reason. */
static bool try_option(struct reading *r, const char *option, char *reason, size_t size)
{
	gsize len = strcspn(option, "=");
	for (size_t i = 0; i < ARRAY_SIZE(rows) && option[len]; i++) {
		if (strlen(rows[i].name) != len || strncmp(rows[i].name, option, len) != 0)
			continue;
		g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
		bool understood = rows[i].take(option + len + 1, values);
		for (guint n = 0; understood && n < values->len; n++)
			understood = reading_try(r, rows[i].key, values->pdata[n], reason, size);
		return understood;
	}
	return false;
}

static bool take_dnsmasq_option(struct reading *r, const struct xml_element *e)
{
	const char *option = reading_required(r, e, "value");
	char reason[512] = "";
	if (!option)
		return false;
	if (try_option(r, option, reason, sizeof(reason)))
		return true;
	g_autofree char *what = g_strdup_printf("\"%s\"", option);
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
