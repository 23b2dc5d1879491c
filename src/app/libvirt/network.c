/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/libvirt/network.h"

#include "app/failure.h"
#include "app/libvirt/xml_tree.h"
#include "base/addr.h"
#include "base/macros.h"

#include <stdarg.h>
#include <string.h>

#define DNSMASQ_NAMESPACE "http://libvirt.org/schemas/network/dnsmasq/1.0"

struct reading {
	const char *path;
	const struct libvirt_network_reader *reader;
	const struct xml_element *network;
	const struct xml_element *subnet; /* the <ip> whose network it is; NULL: not yet */
	const struct xml_element *domain; /* <domain>; NULL: there is none */
	GHashTable *warned;               /* texts of warnings that were given */
	GError **error;
};

/* Whether @value is not empty and has no control characters, which a configuration file could not have either. */
static bool is_one_line(const char *value)
{
	const char *c = value;
	while (*c && !g_ascii_iscntrl(*c))
		c++;
	return c > value && *c == '\0';
}

/* Sets the option @key; @e is what says so. */
static bool set(struct reading *r, const struct xml_element *e, const char *key, const char *format, ...) G_GNUC_PRINTF(4, 5);
static bool set(struct reading *r, const struct xml_element *e, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *value = g_strstrip(g_strdup_vprintf(format, args)); /* as a configuration file does */
	va_end(args);
	char reason[512] = "";
	if (!is_one_line(value))
		return fail(r->error, FAILURE_USAGE, "%s:%d: <%s>: %s has no value, or one with control characters", r->path, e->line,
			    e->name, key);
	if (r->reader->option(r->reader->opaque, key, value, reason, sizeof(reason)) >= 0)
		return true;
	return fail(r->error, FAILURE_USAGE, "%s:%d: <%s>: %s", r->path, e->line, e->name, reason);
}

static bool refuse(struct reading *r, const struct xml_element *e, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool refuse(struct reading *r, const struct xml_element *e, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *reason = g_strdup_vprintf(format, args);
	va_end(args);
	return fail(r->error, FAILURE_USAGE, "%s:%d: <%s>: %s", r->path, e->line, e->name, xml_one_line(reason));
}

/* @what, an element or an attribute of @e, has no effect.  Says so once, however often it occurs.  True. */
static bool ignore(struct reading *r, const struct xml_element *e, const char *what, const char *reason)
{
	g_autofree char *key = g_strdup_printf("%s: %s", what, reason);
	if (r->reader->warning && g_hash_table_add(r->warned, g_strdup(key))) {
		g_autofree char *line = g_strdup_printf("%s:%d: %s", r->path, e->line, key);
		r->reader->warning(r->reader->opaque, xml_one_line(line));
	}
	return true;
}

static bool attribute_is(const struct xml_element *e, const char *name, const char *value)
{
	const char *given = xml_attribute(e, name);
	return given && strcmp(given, value) == 0;
}

/* @e says @name, which has no effect, because of @reason. */
static void ignore_attribute(struct reading *r, const struct xml_element *e, const char *name, const char *reason)
{
	if (!xml_attribute(e, name))
		return;
	g_autofree char *what = g_strdup_printf("<%s %s='%s'>", e->name, name, xml_attribute(e, name));
	ignore(r, e, what, reason);
}

/* --- rows --- */

/* What an element means. */
struct element_row {
	const char *name;
	bool (*take)(struct reading *r, const struct xml_element *e); /* false: r->error is set; NULL: it has no effect */
	const char *reason;                                           /* why it has none; NULL: nothing is lost, a label of libvirt's */
};

static const struct element_row *find_row(const struct element_row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static bool take_element(struct reading *r, const struct xml_element *e, const struct element_row *row)
{
	if (row && row->take)
		return row->take(r, e);
	if (row && !row->reason)
		return true;
	g_autofree char *what = g_strdup_printf("<%s>", e->name);
	return ignore(r, e, what, row ? row->reason : "not known to this version");
}

/* The elements inside @e, in the order of the file. */
static bool take_inside(struct reading *r, const struct xml_element *e, const struct element_row *rows, size_t n)
{
	for (const struct xml_element *child = e->first; child; child = child->next)
		if (!take_element(r, child, find_row(rows, n, child->name)))
			return false;
	return true;
}

/* --- <ip> --- */

static const char *required(struct reading *r, const struct xml_element *e, const char *name)
{
	const char *value = xml_attribute(e, name);
	if (!value)
		refuse(r, e, "the attribute %s is missing", name);
	return value;
}

/* The length of a netmask whose ones are all in front; -1. */
static int mask_length(const char *text)
{
	ip4_t mask;
	if (ip4_parse(text, &mask) < 0)
		return -1;
	for (unsigned length = 0; length <= 32; length++)
		if (prefix4_mask((struct prefix4){ .length = length }) == mask)
			return (int)length;
	return -1;
}

/* Without a mask, the address's class counts (RFC 791 §3.2). */
static int class_length(ip4_t ip)
{
	return ip >> 31 == 0 ? 8 : ip >> 30 == 2 ? 16 : 24;
}

static bool read_prefix(struct reading *r, const struct xml_element *e, ip4_t *ret_gateway, struct prefix4 *ret)
{
	const char *address = required(r, e, "address"), *netmask = xml_attribute(e, "netmask"), *prefix = xml_attribute(e, "prefix");
	if (!address)
		return false;
	if (ip4_parse(address, ret_gateway) < 0)
		return refuse(r, e, "address='%s': expected an IPv4 address", address);
	int length = class_length(*ret_gateway);
	guint64 number;
	if (netmask && prefix)
		return refuse(r, e, "netmask and prefix say the same thing twice");
	if (netmask && (length = mask_length(netmask)) < 0)
		return refuse(r, e, "netmask='%s': expected a netmask, such as 255.255.255.0", netmask);
	if (prefix && !g_ascii_string_to_unsigned(prefix, 10, 0, 32, &number, NULL))
		return refuse(r, e, "prefix='%s': expected a number from 0 to 32", prefix);
	ret->length = prefix ? (unsigned)number : (unsigned)length;
	ret->network = *ret_gateway & prefix4_mask(*ret);
	return true;
}

/* <lease expiry='12' unit='hours'/>: seconds, or "infinite"; NULL: r->error is set.  To g_free(). */
static char *lease_time(struct reading *r, const struct xml_element *lease)
{
	static const struct {
		const char *name;
		guint64 seconds;
	} units[] = { { "seconds", 1 }, { "minutes", 60 }, { "hours", 3600 } };
	const char *expiry = required(r, lease, "expiry"), *unit = xml_attribute(lease, "unit");
	guint64 number;
	if (!expiry)
		return NULL;
	if (!g_ascii_string_to_unsigned(expiry, 10, 0, G_MAXUINT32 / 3600, &number, NULL)) {
		refuse(r, lease, "expiry='%s': expected a number", expiry);
		return NULL;
	}
	if (number == 0)
		return g_strdup("infinite");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(unit ? unit : "minutes", units[i].name) == 0)
			return g_strdup_printf("%" G_GUINT64_FORMAT, number * units[i].seconds);
	refuse(r, lease, "unit='%s': expected seconds, minutes or hours", unit);
	return NULL;
}

static bool take_range(struct reading *r, const struct xml_element *e)
{
	const char *first = required(r, e, "start"), *last = first ? required(r, e, "end") : NULL;
	if (!last || !set(r, e, "dhcp-range", "%s-%s", first, last))
		return false;
	const struct xml_element *lease = xml_child(e, "lease");
	g_autofree char *time = lease ? lease_time(r, lease) : NULL;
	return !lease || (time && set(r, lease, "lease-time", "%s", time));
}

/*
 * The label of @name, which may be followed by a domain.  dnsmasq gives a host the domain in its name; here all guests are in one
 * domain.
 */
static char *label_of(struct reading *r, const struct xml_element *e, const char *name)
{
	const char *dot = strchr(name, '.'), *domain = r->domain ? xml_attribute(r->domain, "name") : NULL;
	if (dot && (!domain || g_ascii_strcasecmp(dot + 1, domain) != 0)) {
		g_autofree char *what = g_strdup_printf("\"%s\"", dot);
		ignore(r, e, what, "guests have names of one label, in the domain of the network");
	}
	return dot ? g_strndup(name, (gsize)(dot - name)) : g_strdup(name);
}

static bool take_host(struct reading *r, const struct xml_element *e)
{
	const char *mac = xml_attribute(e, "mac"), *ip = xml_attribute(e, "ip"), *name = xml_attribute(e, "name");
	if (!mac)
		return ignore(r, e, xml_attribute(e, "id") ? "<host id>" : "<host> without mac", "a reservation is for a MAC");
	const struct xml_element *lease = xml_child(e, "lease");
	g_autofree char *label = name ? label_of(r, e, name) : NULL, *time = lease ? lease_time(r, lease) : NULL;
	if (lease && !time)
		return false;
	return set(r, e, "host", "%s%s%s%s%s%s%s", mac, ip ? "," : "", ip ? ip : "", label ? "," : "", label ? label : "",
		   time ? ",lease-time=" : "", time ? time : "");
}

static bool take_bootp(struct reading *r, const struct xml_element *e)
{
	const char *file = required(r, e, "file"), *server = xml_attribute(e, "server");
	return file && set(r, e, "dhcp-boot", "%s%s%s", file, server ? "," : "", server ? server : "");
}

static bool take_option(struct reading *r, const struct xml_element *e)
{
	const char *number = required(r, e, "number"), *value = xml_attribute(e, "value");
	bool force = attribute_is(e, "force", "yes");
	return number && set(r, e, "dhcp-option", "%s%s%s%s", force ? "force," : "", number, value ? "," : "", value ? value : "");
}

static const struct element_row dhcp_rows[] = {
	{ "range", take_range },
	{ "host", take_host },
	{ "bootp", take_bootp },
	{ "option", take_option },
};

static bool take_dhcp(struct reading *r, const struct xml_element *e)
{
	return take_inside(r, e, dhcp_rows, ARRAY_SIZE(dhcp_rows));
}

static const struct element_row ip_rows[] = {
	{ "dhcp", take_dhcp },
	{ "tftp", NULL, "not known to this version" },
};

static bool take_subnet(struct reading *r, const struct xml_element *e)
{
	ip4_t gateway = 0;
	struct prefix4 subnet = { 0 };
	char text[IP4_TEXT_SIZE];
	if (!read_prefix(r, e, &gateway, &subnet) || !set(r, e, "subnet", "%s/%u", ip4_format(subnet.network, text), subnet.length) ||
	    !set(r, e, "gateway", "%s", ip4_format(gateway, text)))
		return false;
	if (!xml_child(e, "dhcp") && !set(r, e, "no-dhcp", "true"))
		return false;
	return take_inside(r, e, ip_rows, ARRAY_SIZE(ip_rows));
}

/* Addresses are private to the segment, and their names are always answered here: localPtr has nothing to change. */
static bool take_ip(struct reading *r, const struct xml_element *e)
{
	if (attribute_is(e, "family", "ipv6"))
		return ignore(r, e, "<ip family='ipv6'>", "not known to this version");
	if (r->subnet)
		return ignore(r, e, "a second <ip> of IPv4", "a network has one subnet; run another network for it");
	r->subnet = e;
	return take_subnet(r, e);
}

/* --- <dns> --- */

static bool take_forwarder(struct reading *r, const struct xml_element *e)
{
	const char *address = xml_attribute(e, "addr");
	if (xml_attribute(e, "domain"))
		return ignore(r, e, "<forwarder domain>", "not known to this version");
	return !address ? refuse(r, e, "the attribute addr is missing") : set(r, e, "dns", "%s", address);
}

static bool take_dns_host(struct reading *r, const struct xml_element *e)
{
	const char *ip = required(r, e, "ip");
	if (!ip)
		return false;
	for (const struct xml_element *child = e->first; child; child = child->next) {
		if (strcmp(child->name, "hostname") != 0)
			continue;
		g_autofree char *name = g_strstrip(g_strdup(child->text->str));
		g_autofree char *label = label_of(r, child, name);
		if (!set(r, child, "name", "%s,%s", label, ip))
			return false;
	}
	return true;
}

static const struct element_row dns_rows[] = {
	{ "forwarder", take_forwarder },
	{ "host", take_dns_host },
	{ "txt", NULL, "not known to this version" },
	{ "srv", NULL, "not known to this version" },
};

static bool take_dns(struct reading *r, const struct xml_element *e)
{
	if (attribute_is(e, "enable", "no"))
		ignore_attribute(r, e, "enable", "guests find their own names by the gateway's DNS server, which is always there");
	return take_inside(r, e, dns_rows, ARRAY_SIZE(dns_rows));
}

/* --- <forward> --- */

static const struct element_row nat_rows[] = {
	{ "port", NULL, "the kernel chooses source ports outside" },
	{ "address", NULL, "guests go out with the host's own address" },
};

static bool take_nat(struct reading *r, const struct xml_element *e)
{
	return take_inside(r, e, nat_rows, ARRAY_SIZE(nat_rows));
}

static const struct element_row forward_rows[] = {
	{ "nat", take_nat },
	{ "interface", NULL, "guests go out by the host's routes" },
};

static bool take_forward(struct reading *r, const struct xml_element *e)
{
	const char *mode = xml_attribute(e, "mode");
	if (mode && (strcmp(mode, "route") == 0 || strcmp(mode, "open") == 0))
		ignore_attribute(r, e, "mode", "guests go out by NAT; the outside reaches guests by forward");
	else if (mode && strcmp(mode, "nat") != 0)
		return refuse(r, e,
			      "mode='%s' gives guests a network card or a bridge of the host, for which root is needed; --vde joins other "
			      "segments",
			      mode);
	ignore_attribute(r, e, "dev", "guests go out by the host's routes");
	return take_inside(r, e, forward_rows, ARRAY_SIZE(forward_rows));
}

/* --- <network> --- */

static bool take_mac(struct reading *r, const struct xml_element *e)
{
	const char *address = required(r, e, "address");
	return address && set(r, e, "gateway-mac", "%s", address);
}

static bool take_domain(struct reading *r, const struct xml_element *e)
{
	const char *name = required(r, e, "name");
	ignore_attribute(r, e, "register", "names of guests are not told to the host's resolver");
	return name && set(r, e, "domain", "%s", name);
}

static bool take_mtu(struct reading *r, const struct xml_element *e)
{
	const char *size = required(r, e, "size");
	return size && set(r, e, "mtu", "%s", size);
}

/* Kilobytes per second, as tc's kbps. */
static bool read_number(struct reading *r, const struct xml_element *e, const char *name, guint64 *ret)
{
	const char *text = xml_attribute(e, name);
	*ret = 0;
	return !text || g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT32, ret, NULL) ||
	       refuse(r, e, "%s='%s': expected a number from 1 on", name, text);
}

/* <inbound average='1000' peak='5000' burst='5120'/>: rates in kB/s, the burst in KiB. */
static bool take_limit(struct reading *r, const struct xml_element *e, const char *key)
{
	guint64 average, peak, burst;
	if (!required(r, e, "average") || !read_number(r, e, "average", &average) || !read_number(r, e, "peak", &peak) ||
	    !read_number(r, e, "burst", &burst))
		return false;
	ignore_attribute(r, e, "floor", "no guest has a share that is set apart for it; all have fair shares");
	GString *text = g_string_new(NULL);
	g_string_printf(text, "%" G_GUINT64_FORMAT "k", average * 8);
	if (peak > 0)
		g_string_append_printf(text, "/%" G_GUINT64_FORMAT "k", peak * 8);
	if (burst > 0)
		g_string_append_printf(text, "%s%" G_GUINT64_FORMAT "K", peak > 0 ? "/" : "//", burst);
	bool good = set(r, e, key, "%s", text->str);
	g_string_free(text, TRUE);
	return good;
}

static bool take_inbound(struct reading *r, const struct xml_element *e)
{
	return take_limit(r, e, "bandwidth-in");
}

static bool take_outbound(struct reading *r, const struct xml_element *e)
{
	return take_limit(r, e, "bandwidth-out");
}

static const struct element_row bandwidth_rows[] = {
	{ "inbound", take_inbound },
	{ "outbound", take_outbound },
};

static bool take_bandwidth(struct reading *r, const struct xml_element *e)
{
	return take_inside(r, e, bandwidth_rows, ARRAY_SIZE(bandwidth_rows));
}

static bool take_port(struct reading *r, const struct xml_element *e)
{
	return !attribute_is(e, "isolated", "yes") || set(r, e, "isolate", "true");
}

static const struct element_row network_rows[] = {
	{ "name" },
	{ "uuid" },
	{ "title" },
	{ "description" },
	{ "metadata" },
	{ "forward", take_forward },
	{ "bridge", NULL, "there is no bridge on the host; loops and storms are always looked for" },
	{ "mac", take_mac },
	{ "domain", take_domain },
	{ "mtu", take_mtu },
	{ "ip", take_ip },
	{ "dns", take_dns },
	{ "port", take_port },
	{ "bandwidth", take_bandwidth },
	{ "route", NULL, "guests reach other networks by the gateway and the host's routes" },
	{ "vlan", NULL, "tagged frames pass between guests as they are" },
	{ "portgroup", NULL, "all ports of a network are alike" },
	{ "virtualport", NULL, "there is no Open vSwitch and no 802.1Qbg behind it" },
};

/* What has an effect on elements that may stand in front of it, or has one by not being there. */
static bool take_network(struct reading *r)
{
	const struct xml_element *network = r->network;
	if (!xml_child(network, "ip"))
		return set(r, network, "no-gateway", "true") && take_inside(r, network, network_rows, ARRAY_SIZE(network_rows));
	if (!xml_child(network, "forward") && !set(r, network, "engine", "null"))
		return false;
	return take_inside(r, network, network_rows, ARRAY_SIZE(network_rows));
}

static bool is_network(const char *path, const struct xml_element *root, GError **error)
{
	return strcmp(root->name, "network") == 0 ||
	       fail(error, FAILURE_USAGE, "%s:%d: <%s>: expected libvirt's <network>, as virsh net-dumpxml prints it", path, root->line,
		    root->name);
}

static bool read_network(const char *path, const struct xml_element *root, const struct libvirt_network_reader *reader, GError **error)
{
	struct reading r = {
		.path = path,
		.reader = reader,
		.network = root,
		.domain = xml_child(root, "domain"),
		.warned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.error = error,
	};
	bool good = is_network(path, root, error) && take_network(&r);
	g_hash_table_unref(r.warned);
	return good;
}

bool libvirt_network_parse(const char *path, const char *text, size_t len, const struct libvirt_network_reader *reader, GError **error)
{
	struct xml_element *root = xml_parse(path, text, len, error);
	bool good = root && read_network(path, root, reader, error);
	xml_free(root);
	return good;
}

bool libvirt_network_load(const char *path, const struct libvirt_network_reader *reader, GError **error)
{
	GString *text = xml_read_file(path, error);
	bool good = text && libvirt_network_parse(path, text->str, text->len, reader, error);
	if (text)
		g_string_free(text, TRUE);
	return good;
}

static char *name_in(const char *path, const struct xml_element *root, GError **error)
{
	if (!is_network(path, root, error))
		return NULL;
	const struct xml_element *name = xml_child(root, "name");
	if (!name)
		fail(error, FAILURE_USAGE, "%s:%d: <network>: the element <name> is missing", path, root->line);
	return name ? g_strstrip(g_strdup(name->text->str)) : NULL;
}

char *libvirt_network_name(const char *path, GError **error)
{
	GString *text = xml_read_file(path, error);
	struct xml_element *root = text ? xml_parse(path, text->str, text->len, error) : NULL;
	char *name = root ? name_in(path, root, error) : NULL;
	xml_free(root);
	if (text)
		g_string_free(text, TRUE);
	return name;
}
