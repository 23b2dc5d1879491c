/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of guests, reservations, and the DNS servers that guests' queries are forwarded to. */
#include "base/macros.h"
#include "options/option.h"
#include "options/settings.h"
#include "options/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_domain(struct settings *s, const char *value, const char **ret_why)
{
	return value_domain(value, s->domain, sizeof(s->domain));
}

static int set_local_only(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->local_only);
}

/* "DOMAIN=ADDRESS" or "DOMAIN=default". */
static int add_route(struct settings *s, const char *value, const char *equals, const char **ret_why)
{
	struct dns_server server;
	bool is_default = strcmp(equals + 1, "default") == 0;
	char domain[DNS_ROUTE_DOMAIN_SIZE], clean[DNS_ROUTE_DOMAIN_SIZE];
	if (snprintf(domain, sizeof(domain), "%.*s", (int)(equals - value), value) >= (int)sizeof(domain) ||
	    value_domain(domain, clean, sizeof(clean)) < 0 || (!is_default && dns_server_parse(equals + 1, &server) < 0))
		return -EINVAL;
	if (dns_route_list_add(&s->dns_routes, clean, is_default ? NULL : &server) < 0) {
		*ret_why = "no more than 16 domains, and eight servers for each, are possible";
		return -EINVAL;
	}
	return 0;
}

static int add_rebind_ok(struct settings *s, const char *value, const char **ret_why)
{
	char name[DNS_NAME_MAX];
	bool is_name = strcmp(value, ".") == 0 || value_dns_name(value, strlen(value), name, sizeof(name)) == 0;
	int r = is_name ? dns_domain_list_add(&s->rebind_ok, value) : -EINVAL;
	if (r == -ENOSPC)
		*ret_why = "no more than 16 domains are possible";
	return r < 0 ? -EINVAL : 0;
}

static void clear_rebind_ok(struct settings *s)
{
	s->rebind_ok.count = 0;
}

static bool same_rebind_ok(const struct settings *a, const struct settings *b)
{
	return dns_domain_list_equal(&a->rebind_ok, &b->rebind_ok);
}

static int add_dns(struct settings *s, const char *value, const char **ret_why)
{
	struct dns_server server;
	const char *equals = strchr(value, '=');
	if (equals)
		return add_route(s, value, equals, ret_why);
	if (dns_server_parse(value, &server) < 0)
		return -EINVAL;
	if (dns_server_list_add(&s->dns, &server) < 0) {
		*ret_why = "no more than eight servers are possible";
		return -EINVAL;
	}
	return 0;
}

static void clear_dns(struct settings *s)
{
	s->dns.count = 0;
	s->dns_routes.count = 0;
}

/* "KEY=VALUE"; @text is written to. */
static int parse_host_property(char *text, struct settings_host *h, const char **ret_why)
{
	char *name = strsep(&text, "=");
	if (strcmp(name, "tag") == 0)
		return value_tag(text, h->tag, ret_why);
	if (strcmp(name, "lease-time") == 0) {
		int r = value_lease_time(text, &h->lease_time_s);
		if (r < 0)
			*ret_why = "a lease time has at least 10 seconds, such as 3600, 12h or infinite";
		return r;
	}
	int r = port_property_set(&h->properties, name, text, ret_why);
	if (r == -ENOENT)
		*ret_why = "its properties are tag, lease-time, " PORT_PROPERTIES_NAMES;
	return r < 0 ? -EINVAL : 0;
}

/* What follows the MAC: an address, a name and properties, in that order. */
static int parse_host_word(char *word, struct settings_host *h, bool is_first, const char **ret_why)
{
	if (strchr(word, '='))
		return parse_host_property(word, h, ret_why);
	if (is_first && ip4_parse(word, &h->ip) == 0)
		return h->ip != 0 ? 0 : -EINVAL;
	if (h->name[0] != '\0' || !port_properties_equal(&h->properties, &(struct port_properties){ 0 })) {
		*ret_why = "behind the name come properties, written KEY=VALUE, such as guard=off or tag=lab";
		return -EINVAL;
	}
	if (value_label(word, h->name, sizeof(h->name)) == 0)
		return 0;
	*ret_why = "a name has letters, digits, and inner hyphens and underscores";
	return -EINVAL;
}

/* "MAC,ADDRESS", "MAC,NAME" or "MAC,ADDRESS,NAME", and properties; @text is written to. */
static int parse_host(char *text, struct settings_host *ret, const char **ret_why)
{
	struct settings_host h = { 0 };
	char *mac = strsep(&text, ",");
	if (!text || mac_parse(mac, &h.mac) < 0)
		return -EINVAL;
	if (mac_is_group(h.mac) || mac_is_zero(h.mac)) {
		*ret_why = "a network card cannot have this MAC";
		return -EINVAL;
	}
	int r = 0;
	for (bool is_first = true; r == 0 && text; is_first = false)
		r = parse_host_word(strsep(&text, ","), &h, is_first, ret_why);
	if (r < 0)
		return -EINVAL;
	if (h.name[0] == '\0' && !port_properties_equal(&h.properties, &(struct port_properties){ 0 })) {
		*ret_why = PORT_PROPERTIES_NAMES " are properties of the guest's own sockets, which it has only with a NAME";
		return -EINVAL;
	}
	if (h.ip == 0 && h.name[0] == '\0' && h.tag[0] == '\0' && h.lease_time_s == 0)
		return -EINVAL;
	*ret = h;
	return 0;
}

static int add_host(struct settings *s, const char *value, const char **ret_why)
{
	char text[SETTINGS_HOST_TEXT_SIZE];
	struct settings_host host;
	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text) || parse_host(text, &host, ret_why) < 0)
		return -EINVAL;
	struct settings_host *grown = reallocarray(s->hosts, s->n_hosts + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[s->n_hosts++] = host;
	s->hosts = grown;
	return 0;
}

static void clear_hosts(struct settings *s)
{
	free(s->hosts);
	s->hosts = NULL;
	s->n_hosts = 0;
}

/* "NAME,ADDRESS"; @text is written to. */
static int parse_name(char *text, struct settings_name *ret, const char **ret_why)
{
	struct settings_name n = { 0 };
	char *name = strsep(&text, ","), *ip = text;
	if (!ip || value_label(name, n.name, sizeof(n.name)) < 0 || ip4_parse(ip, &n.ip) < 0)
		return -EINVAL;
	if (n.ip == 0 || n.ip >> 24 == 127) {
		*ret_why = "to a guest, this address is the guest itself";
		return -EINVAL;
	}
	*ret = n;
	return 0;
}

static int add_record(struct settings *s, const char *value, const char **ret_why)
{
	struct settings_record record;
	if (record_parse(value, &record, ret_why) < 0)
		return -EINVAL;
	struct settings_record *grown = reallocarray(s->records, s->n_records + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[s->n_records++] = record;
	s->records = grown;
	return 0;
}

static int add_name(struct settings *s, const char *value, const char **ret_why)
{
	char text[SETTINGS_LABEL_MAX + 1 + IP4_TEXT_SIZE];
	struct settings_name name;
	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text) || parse_name(text, &name, ret_why) < 0)
		return *ret_why ? -EINVAL : add_record(s, value, ret_why);
	struct settings_name *grown = reallocarray(s->names, s->n_names + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[s->n_names++] = name;
	s->names = grown;
	return 0;
}

static void clear_names(struct settings *s)
{
	free(s->names);
	s->names = NULL;
	s->n_names = 0;
	free(s->records);
	s->records = NULL;
	s->n_records = 0;
}

static bool same_domain(const struct settings *a, const struct settings *b)
{
	return strcmp(a->domain, b->domain) == 0;
}

static bool same_dns(const struct settings *a, const struct settings *b)
{
	return dns_server_list_equal(&a->dns, &b->dns) && dns_route_list_equal(&a->dns_routes, &b->dns_routes);
}

static bool same_hosts(const struct settings *a, const struct settings *b)
{
	bool same = a->n_hosts == b->n_hosts;
	for (size_t i = 0; same && i < a->n_hosts; i++)
		same = mac_equal(a->hosts[i].mac, b->hosts[i].mac) && a->hosts[i].ip == b->hosts[i].ip &&
		       strcmp(a->hosts[i].name, b->hosts[i].name) == 0 && strcmp(a->hosts[i].tag, b->hosts[i].tag) == 0 &&
		       a->hosts[i].lease_time_s == b->hosts[i].lease_time_s &&
		       port_properties_equal(&a->hosts[i].properties, &b->hosts[i].properties);
	return same;
}

static bool same_names(const struct settings *a, const struct settings *b)
{
	bool same = a->n_names == b->n_names;
	for (size_t i = 0; same && i < a->n_names; i++)
		same = a->names[i].ip == b->names[i].ip && strcmp(a->names[i].name, b->names[i].name) == 0;
	same = same && a->n_records == b->n_records;
	for (size_t i = 0; same && i < a->n_records; i++)
		same = record_equal(&a->records[i], &b->records[i]);
	return same;
}

static const struct option options[] = {
	{
		.public = {
			.name = "domain",
			.argument = "NAME",
			.default_value = "lanlet.internal",
			.help = "The DNS domain of the guests: the guest web is found as web and as web.NAME.",
		},
		.accepts =
			"a domain name of at most 189 characters: labels of letters, digits and inner hyphens, with dots "
			"between them",
		.set = set_domain,
		.same = same_domain,
	},
	{
		.public = {
			.name = "local-only",
			.default_value = "true",
			.help =
				"Answer for the whole domain here: names in it that no guest has do not exist. false: ask outside for them, "
				"because the domain has hosts there, too.",
		},
		.accepts = "true or false",
		.set = set_local_only,
		.place = OPTION_PLACE(local_only),
	},
	{
		.public = {
			.name = "dns",
			.argument = "[DOMAIN=]ADDRESS[:PORT]",
			.default_value = "the host's servers",
			.help =
				"A DNS server that guests' queries are forwarded to, instead of the servers that the host uses. An "
				"IPv6 address with a port is written [ADDRESS]:PORT. With DOMAIN it is asked for names in that domain "
				"only (split DNS), and DOMAIN=default means the servers for all other names; the longest domain counts.",
			.repeatable = true,
		},
		.accepts =
			"an IPv4 or IPv6 address, such as 9.9.9.9, 127.0.0.1:5353, 2620:fe::fe, fe80::1%eth0 or [::1]:5353, "
			"at most eight of them, and in front of it a domain, such as example.corp=10.0.0.53",
		.set = add_dns,
		.clear = clear_dns,
		.derived = true,
		.place = OPTION_PLACES(dns_routes, dns),
		.same = same_dns,
		.live = true,
	},
	{
		.public = {
			.name = "rebind-domain-ok",
			.argument = "DOMAIN",
			.help =
				"Names in DOMAIN may have addresses of loopback, link-local addresses and addresses of the guests' network in "
				"answers from outside, as DNS blocklists and some development domains do. For other names such answers are "
				"emptied (DNS rebinding protection). \".\" stands for all names.",
			.repeatable = true,
		},
		.accepts = "a domain name, and at most 16 of them",
		.set = add_rebind_ok,
		.clear = clear_rebind_ok,
		.place = OPTION_PLACE(rebind_ok),
		.same = same_rebind_ok,
		.live = true,
	},
	{
		.public = {
			.name = "host",
			.argument = "MAC[,ADDRESS][,NAME][,KEY=VALUE]",
			.help =
				"Declares a guest. ADDRESS is its DHCP reservation (static lease): the guest with this MAC always gets "
				"this address. NAME is its name, whatever name it asks for, and gives it sockets of its own, "
				"guests/NAME/stream.sock, vhost.sock and dgram.sock in the runtime directory, where any other MAC is "
				"dropped unless guard=off. KEY is a property of its ports there: guard, dhcp-server or router, on or off "
				"(see --guard and --fd), bandwidth-in or bandwidth-out (see --bandwidth-in); or tag, for rules of DHCP "
				"(see --dhcp-option); or lease-time, instead of the network's.",
			.repeatable = true,
		},
		.accepts =
			"a MAC, an address of the subnet, a name or both, such as 52:54:00:12:34:56,192.168.122.10,web, and "
			"properties, such as guard=off, bandwidth-in=10M, tag=lab or lease-time=2h",
		.set = add_host,
		.clear = clear_hosts,
		.place = OPTION_PLACES(hosts, n_hosts),
		.same = same_hosts,
		.live = true,
	},
	{
		.public = {
			.name = "name",
			.argument = "NAME,[TYPE,]DATA",
			.help =
				"A DNS record of your own: the gateway's DNS server answers NAME with the address DATA, or with a record of TYPE: "
				"A, AAAA, CNAME, MX, PTR, SRV or TXT. A NAME of one label is also found as NAME.DOMAIN.",
			.repeatable = true,
		},
		.accepts =
			"a name of letters, digits, and inner hyphens and underscores, and an address, such as db,192.168.122.20; or a record, "
			"such as api.example.com,CNAME,db or _ssh._tcp.example.com,SRV,0 5 22 db",
		.set = add_name,
		.clear = clear_names,
		.place = OPTION_PLACES(names, n_records),
		.same = same_names,
		.live = true,
	},
};

const struct option_group options_of_names = { "Names", options, ARRAY_SIZE(options) };
