/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/settings.h"

#include "base/macros.h"
#include "gateway/closed.h"
#include "wire/dns_name.h"
#include "wire/dns_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void settings_done(struct settings *s)
{
	free(s->hosts);
	free(s->forwards);
	free(s->names);
	free(s->records);
	free(s->dhcp_hosts);
	free(s->dhcp_tags);
	free(s->dhcp_options);
	free(s->dhcp_boots);
	attachment_list_clear(&s->attachments);
	path_list_clear(&s->vde);
	*s = (struct settings){ 0 };
}

/* A copy of @n elements; NULL when there are none. */
static int copy_list(const void *from, size_t n, size_t size, void **ret)
{
	void *to = NULL;
	if (n > 0) {
		to = reallocarray(NULL, n, size);
		if (!to)
			return -ENOMEM;
		memcpy(to, from, n * size);
	}
	*ret = to;
	return 0;
}

int settings_copy(const struct settings *from, struct settings *ret)
{
	struct settings s = *from;
	void *hosts = NULL, *names = NULL, *records = NULL, *forwards = NULL, *tags = NULL, *options = NULL, *boots = NULL,
	     *dhcp_hosts = NULL;
	s.vde = (struct path_list){ 0 };
	s.attachments = (struct attachment_list){ 0 };
	int r = copy_list(from->hosts, from->n_hosts, sizeof(*from->hosts), &hosts);
	if (r == 0)
		r = copy_list(from->names, from->n_names, sizeof(*from->names), &names);
	if (r == 0)
		r = copy_list(from->records, from->n_records, sizeof(*from->records), &records);
	if (r == 0)
		r = copy_list(from->forwards, from->n_forwards, sizeof(*from->forwards), &forwards);
	if (r == 0)
		r = copy_list(from->dhcp_hosts, from->n_dhcp_hosts, sizeof(*from->dhcp_hosts), &dhcp_hosts);
	if (r == 0)
		r = copy_list(from->dhcp_tags, from->n_dhcp_tags, sizeof(*from->dhcp_tags), &tags);
	if (r == 0)
		r = copy_list(from->dhcp_options, from->n_dhcp_options, sizeof(*from->dhcp_options), &options);
	if (r == 0)
		r = copy_list(from->dhcp_boots, from->n_dhcp_boots, sizeof(*from->dhcp_boots), &boots);
	if (r == 0)
		r = path_list_copy(&from->vde, &s.vde);
	if (r == 0)
		r = attachment_list_copy(&from->attachments, &s.attachments);
	if (r < 0) {
		path_list_clear(&s.vde);
		free(hosts);
		free(names);
		free(records);
		free(forwards);
		free(dhcp_hosts);
		free(tags);
		free(options);
		free(boots);
		return r;
	}
	s.hosts = hosts;
	s.names = names;
	s.records = records;
	s.forwards = forwards;
	s.dhcp_hosts = dhcp_hosts;
	s.dhcp_tags = tags;
	s.dhcp_options = options;
	s.dhcp_boots = boots;
	*ret = s;
	return 0;
}

/* @list with room for @more elements after its @n; NULL when memory is short, and @list is unchanged. */
static void *grow(void *list, size_t n, size_t more, size_t size)
{
	return reallocarray(list, n + more + 1, size);
}

int settings_append(struct settings *s, const struct settings *more)
{
	struct settings_host *hosts = grow(s->hosts, s->n_hosts, more->n_hosts, sizeof(*hosts));
	if (!hosts)
		return -ENOMEM;
	s->hosts = hosts;
	struct settings_name *names = grow(s->names, s->n_names, more->n_names, sizeof(*names));
	if (!names)
		return -ENOMEM;
	s->names = names;
	struct settings_record *records = grow(s->records, s->n_records, more->n_records, sizeof(*records));
	if (!records)
		return -ENOMEM;
	s->records = records;
	struct reservation *dhcp_hosts = grow(s->dhcp_hosts, s->n_dhcp_hosts, more->n_dhcp_hosts, sizeof(*dhcp_hosts));
	if (!dhcp_hosts)
		return -ENOMEM;
	s->dhcp_hosts = dhcp_hosts;
	if (more->n_hosts > 0)
		memcpy(hosts + s->n_hosts, more->hosts, more->n_hosts * sizeof(*hosts));
	if (more->n_names > 0)
		memcpy(names + s->n_names, more->names, more->n_names * sizeof(*names));
	if (more->n_records > 0)
		memcpy(records + s->n_records, more->records, more->n_records * sizeof(*records));
	if (more->n_dhcp_hosts > 0)
		memcpy(dhcp_hosts + s->n_dhcp_hosts, more->dhcp_hosts, more->n_dhcp_hosts * sizeof(*dhcp_hosts));
	s->n_dhcp_hosts += more->n_dhcp_hosts;
	s->n_hosts += more->n_hosts;
	s->n_records += more->n_records;
	s->n_names += more->n_names;
	return 0;
}

unsigned settings_opened(const struct settings *s)
{
	return (s->metadata ? CLOSED_METADATA : 0u) | (s->link_local ? CLOSED_LINK_LOCAL : 0u);
}

int settings_remove_host(struct settings *s, struct mac mac)
{
	for (size_t i = 0; i < s->n_hosts; i++) {
		if (!mac_equal(s->hosts[i].mac, mac))
			continue;
		memmove(&s->hosts[i], &s->hosts[i + 1], (--s->n_hosts - i) * sizeof(*s->hosts));
		return 0;
	}
	return -ENOENT;
}

static void remove_record_at(struct settings *s, size_t i)
{
	memmove(&s->records[i], &s->records[i + 1], (--s->n_records - i) * sizeof(*s->records));
}

static bool remove_records_of(struct settings *s, const char *name)
{
	size_t before = s->n_records;
	for (size_t i = s->n_records; i-- > 0;)
		if (strcmp(s->records[i].name, name) == 0)
			remove_record_at(s, i);
	return s->n_records < before;
}

int settings_remove_record(struct settings *s, const struct settings_record *record)
{
	for (size_t i = 0; i < s->n_records; i++) {
		if (!record_equal(&s->records[i], record))
			continue;
		remove_record_at(s, i);
		return 0;
	}
	return -ENOENT;
}

int settings_remove_name(struct settings *s, const char *name)
{
	bool found = remove_records_of(s, name);
	for (size_t i = s->n_names; i-- > 0;) {
		if (strcmp(s->names[i].name, name) != 0)
			continue;
		memmove(&s->names[i], &s->names[i + 1], (--s->n_names - i) * sizeof(*s->names));
		found = true;
	}
	return found ? 0 : -ENOENT;
}

void settings_lease_time_format(uint32_t seconds, char text[static SETTINGS_LEASE_TIME_TEXT_SIZE])
{
	text[0] = '\0';
	if (seconds == SETTINGS_LEASE_INFINITE)
		strcpy(text, "infinite");
	else if (seconds)
		snprintf(text, SETTINGS_LEASE_TIME_TEXT_SIZE, "%u", seconds);
}

char *settings_host_format(const struct settings_host *h, char text[static SETTINGS_HOST_TEXT_SIZE])
{
	char mac[MAC_TEXT_SIZE], ip[IP4_TEXT_SIZE], properties[PORT_PROPERTIES_TEXT_SIZE], time[SETTINGS_LEASE_TIME_TEXT_SIZE];
	settings_lease_time_format(h->lease_time_s, time);
	snprintf(text, SETTINGS_HOST_TEXT_SIZE, "%s%s%s%s%s%s%s%s%s%s", mac_format(h->mac, mac), h->ip ? "," : "",
		 h->ip ? ip4_format(h->ip, ip) : "", h->name[0] ? "," : "", h->name, port_properties_format(&h->properties, properties),
		 h->tag[0] ? ",tag=" : "", h->tag, time[0] ? ",lease-time=" : "", time);
	return text;
}

/* The settings that are checked, and where the error goes. */
struct check {
	struct settings s; /* borrows the lists of the original */
	char subnet[IP4_TEXT_SIZE + sizeof("/32")];
	char *error;
	size_t size;
};

static int refuse(struct check *c, const char *format, ...) LANLET_PRINTF(2, 3);
static int refuse(struct check *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(c->error, c->size, format, args);
	va_end(args);
	return -EINVAL;
}

static ip4_t first_host(struct prefix4 p)
{
	return p.network + 1;
}

static ip4_t last_host(struct prefix4 p)
{
	return prefix4_broadcast(p) - 1;
}

static bool is_host_of(struct prefix4 p, ip4_t ip)
{
	return ip >= first_host(p) && ip <= last_host(p);
}

static int check_gateway(struct check *c)
{
	char text[IP4_TEXT_SIZE];
	if (c->s.gateway == 0)
		c->s.gateway = first_host(c->s.subnet);
	if (!is_host_of(c->s.subnet, c->s.gateway))
		return refuse(c, "gateway %s is not a host address of the subnet %s", ip4_format(c->s.gateway, text), c->subnet);
	return 0;
}

/* All addresses above or below the gateway, whichever are more. */
static void derive_range(struct settings *s)
{
	ip4_t first = first_host(s->subnet), last = last_host(s->subnet);
	if (s->gateway - first > last - s->gateway) {
		s->dhcp_first = first;
		s->dhcp_last = s->gateway - 1;
	} else {
		s->dhcp_first = s->gateway + 1;
		s->dhcp_last = last;
	}
}

static int check_ip6(struct check *c)
{
	if (c->s.ipv6_only && !c->s.engine->ipv6)
		return refuse(c, "ipv6-only needs an engine that translates IPv6, and engine is %s", c->s.engine->name);
	if (c->s.ipv6_only && c->s.ip6 == SETTINGS_IP6_OFF)
		c->s.ip6 = SETTINGS_IP6_AUTO;
	if (c->s.ip6 != SETTINGS_IP6_OFF && c->s.mtu != SETTINGS_MTU_AUTO && c->s.mtu < SETTINGS_IP6_MTU_MIN)
		return refuse(c, "ipv6 needs an mtu of at least %u, and mtu is %u", SETTINGS_IP6_MTU_MIN, c->s.mtu);
	return 0;
}

static int check_one_range(struct check *c, ip4_t first_ip, ip4_t last_ip)
{
	char first[IP4_TEXT_SIZE], last[IP4_TEXT_SIZE], gateway[IP4_TEXT_SIZE];
	ip4_format(first_ip, first);
	ip4_format(last_ip, last);
	if (!is_host_of(c->s.subnet, first_ip) || !is_host_of(c->s.subnet, last_ip))
		return refuse(c, "dhcp-range %s-%s is not inside the host addresses of the subnet %s", first, last, c->subnet);
	if (c->s.gateway >= first_ip && c->s.gateway <= last_ip)
		return refuse(c, "dhcp-range %s-%s contains the gateway %s: choose a range above or below it", first, last,
			      ip4_format(c->s.gateway, gateway));
	return 0;
}

static int check_range(struct check *c)
{
	if (c->s.dhcp_first == 0)
		derive_range(&c->s);
	int r = c->s.n_dhcp_ranges == 0 ? check_one_range(c, c->s.dhcp_first, c->s.dhcp_last) : 0;
	for (unsigned i = 0; r == 0 && i < c->s.n_dhcp_ranges; i++)
		r = check_one_range(c, c->s.dhcp_ranges[i].first, c->s.dhcp_ranges[i].last);
	return r;
}

static int check_host_alone(struct check *c, const struct settings_host *h)
{
	char mac[MAC_TEXT_SIZE], ip[IP4_TEXT_SIZE], text[SETTINGS_HOST_TEXT_SIZE];
	mac_format(h->mac, mac);
	ip4_format(h->ip, ip);
	if (h->ip != 0 && !is_host_of(c->s.subnet, h->ip))
		return refuse(c, "host %s,%s: the address is not a host address of the subnet %s", mac, ip, c->subnet);
	if (h->ip == c->s.gateway)
		return refuse(c, "host %s,%s: the gateway has this address", mac, ip);
	if (mac_equal(h->mac, c->s.gateway_mac))
		return refuse(c, "host %s: the gateway has this MAC", settings_host_format(h, text));
	if (strcmp(h->name, SETTINGS_GATEWAY_NAME) == 0)
		return refuse(c, "host %s: the gateway has this name", settings_host_format(h, text));
	return 0;
}

static int check_host_pair(struct check *c, const struct settings_host *a, const struct settings_host *b)
{
	char mac[MAC_TEXT_SIZE], other[MAC_TEXT_SIZE], ip[IP4_TEXT_SIZE];
	bool same_ip = a->ip != 0 && a->ip == b->ip, same_name = a->name[0] != '\0' && strcmp(a->name, b->name) == 0;
	if (!mac_equal(a->mac, b->mac) && !same_ip && !same_name)
		return 0; /* this runs for each pair */
	mac_format(a->mac, mac);
	mac_format(b->mac, other);
	if (mac_equal(a->mac, b->mac))
		return refuse(c, "host: the MAC %s has two reservations", mac);
	if (same_ip)
		return refuse(c, "host: the address %s is reserved for both %s and %s", ip4_format(a->ip, ip), mac, other);
	if (same_name)
		return refuse(c, "host: the name %s is given to both %s and %s", a->name, mac, other);
	return 0;
}

/* @ip and @name are those of another reservation. */
static int check_dhcp_host_beside(struct check *c, const struct reservation *h, ip4_t ip, const char *name)
{
	char text[IP4_TEXT_SIZE];
	if (h->ip == ip)
		return refuse(c, "dhcp-host: the address %s has two reservations", ip4_format(ip, text));
	if (h->name[0] && strcmp(h->name, name) == 0)
		return refuse(c, "dhcp-host: the name %s has two reservations", name);
	return 0;
}

static int check_dhcp_host(struct check *c, size_t i)
{
	const struct reservation *h = &c->s.dhcp_hosts[i];
	char ip[IP4_TEXT_SIZE], other[IP4_TEXT_SIZE];
	ip4_format(h->ip, ip);
	if (!is_host_of(c->s.subnet, h->ip))
		return refuse(c, "dhcp-host: %s is not a host address of the subnet %s", ip, c->subnet);
	if (h->ip == c->s.gateway)
		return refuse(c, "dhcp-host: the gateway has the address %s", ip);
	if (strcmp(h->name, SETTINGS_GATEWAY_NAME) == 0)
		return refuse(c, "dhcp-host: the gateway has the name %s", h->name);
	int r = 0;
	for (size_t j = 0; r == 0 && j < c->s.n_hosts; j++)
		r = check_dhcp_host_beside(c, h, c->s.hosts[j].ip, c->s.hosts[j].name);
	for (size_t j = 0; r == 0 && j < i; j++) {
		r = check_dhcp_host_beside(c, h, c->s.dhcp_hosts[j].ip, c->s.dhcp_hosts[j].name);
		if (r == 0 && settings_same_client(h, &c->s.dhcp_hosts[j]))
			r = refuse(c, "dhcp-host: %s and %s are reserved for one client id", ip4_format(c->s.dhcp_hosts[j].ip, other), ip);
	}
	return r;
}

static int check_dhcp_hosts(struct check *c)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->s.n_dhcp_hosts; i++)
		r = check_dhcp_host(c, i);
	return r;
}

static int check_hosts(struct check *c)
{
	for (size_t i = 0; i < c->s.n_hosts; i++) {
		int r = check_host_alone(c, &c->s.hosts[i]);
		for (size_t j = 0; r == 0 && j < i; j++)
			r = check_host_pair(c, &c->s.hosts[j], &c->s.hosts[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_attachment_pair(struct check *c, const struct attachment *a, const struct attachment *b)
{
	if (a->kind == ATTACHMENT_FD && b->kind == ATTACHMENT_FD && a->fd == b->fd)
		return refuse(c, "fd: descriptor %d is given twice", a->fd);
	if (a->kind == ATTACHMENT_CONNECT && b->kind == ATTACHMENT_CONNECT && strcmp(a->path, b->path) == 0)
		return refuse(c, "connect: %s is given twice", a->path);
	if (a->identity.name[0] != '\0' && strcmp(a->identity.name, b->identity.name) == 0)
		return refuse(c, "the name %s is given to two ports", a->identity.name);
	return 0;
}

static int check_attachments(struct check *c)
{
	int r = 0;
	for (size_t i = 0; i < c->s.attachments.n && r == 0; i++)
		for (size_t j = 0; r == 0 && j < i; j++)
			r = check_attachment_pair(c, &c->s.attachments.at[j], &c->s.attachments.at[i]);
	return r;
}

static int check_forwards(struct check *c)
{
	char a[FORWARD_TEXT_SIZE], b[FORWARD_TEXT_SIZE];
	for (size_t i = 0; i < c->s.n_forwards; i++)
		for (size_t j = 0; j < i; j++)
			if (forward_spec_collides(&c->s.forwards[j], &c->s.forwards[i]))
				return refuse(c, "forward \"%s\" and \"%s\" need the same host port",
					      forward_spec_format(&c->s.forwards[j], a), forward_spec_format(&c->s.forwards[i], b));
	return 0;
}

/* @name: a single label, or one in the domain.  NULL: no reservation has it; otherwise its option. */
static const char *reservation_with(const struct settings *s, const char *name)
{
	char label[sizeof(s->names[0].name)];
	size_t len = strcspn(name, ".");
	if ((name[len] == '.' && strcmp(name + len + 1, s->domain) != 0) || len >= sizeof(label))
		return NULL;
	memcpy(label, name, len);
	label[len] = '\0';
	for (size_t i = 0; i < s->n_hosts; i++)
		if (strcmp(label, s->hosts[i].name) == 0)
			return "host";
	for (size_t i = 0; i < s->n_dhcp_hosts; i++)
		if (strcmp(label, s->dhcp_hosts[i].name) == 0)
			return "dhcp-host";
	return NULL;
}

static int check_name(struct check *c, size_t i)
{
	const struct settings_name *n = &c->s.names[i];
	if (strcmp(n->name, SETTINGS_GATEWAY_NAME) == 0)
		return refuse(c, "name %s: the gateway has this name", n->name);
	for (size_t j = 0; j < i; j++)
		if (strcmp(n->name, c->s.names[j].name) == 0)
			return refuse(c, "name: %s is given twice", n->name);
	const char *option = reservation_with(&c->s, n->name);
	if (option)
		return refuse(c, "name: %s is also the name of a reservation (%s): choose another name for one of them", n->name, option);
	return 0;
}

/* RFC 2181 §10.1 */
static bool excludes(const struct settings_record *a, const struct settings_record *b)
{
	return strcmp(a->name, b->name) == 0 && (a->type == DNS_TYPE_CNAME || b->type == DNS_TYPE_CNAME);
}

/* A name of one label is one in the domain. */
static struct dns_name full_name(const struct settings *s, const char *text)
{
	struct dns_name name = { .len = 1 }, domain, inside;
	char label[DNS_LABEL_MAX + 1];
	if (dns_name_from_text(text, &name) == 0 && dns_name_labels(&name) == 1 && dns_name_from_text(s->domain, &domain) == 0 &&
	    dns_name_label(&name, 0, label) == 0 && dns_name_child(label, &domain, &inside) == 0)
		return inside;
	return name;
}

static const struct settings_record *alias_at(const struct settings *s, const struct dns_name *name)
{
	for (size_t i = 0; i < s->n_records; i++) {
		if (s->records[i].type != DNS_TYPE_CNAME)
			continue;
		struct dns_name owner = full_name(s, s->records[i].name);
		if (dns_name_equal(&owner, name))
			return &s->records[i];
	}
	return NULL;
}

/* Whether the targets of the CNAME record @r and of those behind it end where they began. */
static bool leads_back(const struct settings *s, const struct settings_record *r)
{
	struct dns_name first = full_name(s, r->name), at = full_name(s, r->data);
	for (size_t steps = 0; steps < s->n_records && !dns_name_equal(&at, &first); steps++) {
		const struct settings_record *next = alias_at(s, &at);
		if (!next)
			return false;
		at = full_name(s, next->data);
	}
	return dns_name_equal(&at, &first);
}

static int check_record(struct check *c, size_t i)
{
	const struct settings_record *r = &c->s.records[i];
	if (strcmp(r->name, SETTINGS_GATEWAY_NAME) == 0)
		return refuse(c, "name %s: the gateway has this name", r->name);
	for (size_t j = 0; j < i; j++) {
		if (record_equal(r, &c->s.records[j]))
			return refuse(c, "name: %s %s %.100s is given twice", r->name, dns_type_name(r->type), r->data);
		if (excludes(r, &c->s.records[j]))
			return refuse(c, "name: %s has a CNAME record, beside which there can be no other", r->name);
	}
	for (size_t j = 0; r->type == DNS_TYPE_CNAME && j < c->s.n_names; j++)
		if (strcmp(r->name, c->s.names[j].name) == 0)
			return refuse(c, "name: %s has an address, beside which there can be no CNAME record", r->name);
	if (r->type == DNS_TYPE_CNAME && leads_back(&c->s, r))
		return refuse(c, "name: %s,CNAME,%.100s leads back to itself: give one of the names an address", r->name, r->data);
	const char *option = r->type == DNS_TYPE_CNAME ? reservation_with(&c->s, r->name) : NULL;
	if (option)
		return refuse(
			c,
			"name: %s is also the name of a reservation (%s), beside which there can be no CNAME record: choose another name "
			"for one of them",
			r->name, option);
	return 0;
}

static int check_names(struct check *c)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->s.n_records; i++)
		r = check_record(c, i);
	for (size_t i = 0; r == 0 && i < c->s.n_names; i++)
		r = check_name(c, i);
	return r;
}

int settings_check(struct settings *s, char *error, size_t size)
{
	struct check c = { .s = *s, .error = error, .size = size };
	char network[IP4_TEXT_SIZE];
	snprintf(c.subnet, sizeof(c.subnet), "%s/%u", ip4_format(s->subnet.network, network), s->subnet.length);
	int r = check_gateway(&c);
	if (r == 0)
		r = check_range(&c);
	if (r == 0)
		r = check_ip6(&c);
	if (r == 0)
		r = check_hosts(&c);
	if (r == 0)
		r = check_dhcp_hosts(&c);
	if (r == 0)
		r = check_attachments(&c);
	if (r == 0)
		r = check_forwards(&c);
	if (r == 0)
		r = check_names(&c);
	if (r == 0)
		*s = c.s;
	return r;
}
