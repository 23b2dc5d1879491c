/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <ip>: addresses, and what DHCP gives out. */
#include "app/libvirt/reading.h"
#include "base/addr.h"
#include "base/macros.h"

#include <string.h>

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
	const char *address = reading_required(r, e, "address"), *netmask = xml_attribute(e, "netmask"),
		   *prefix = xml_attribute(e, "prefix");
	if (!address)
		return false;
	if (ip4_parse(address, ret_gateway) < 0)
		return reading_refuse(r, e, "address='%s': expected an IPv4 address", address);
	int length = class_length(*ret_gateway);
	guint64 number;
	if (netmask && prefix)
		return reading_refuse(r, e, "netmask and prefix say the same thing twice");
	if (netmask && (length = mask_length(netmask)) < 0)
		return reading_refuse(r, e, "netmask='%s': expected a netmask, such as 255.255.255.0", netmask);
	if (prefix && !g_ascii_string_to_unsigned(prefix, 10, 0, 32, &number, NULL))
		return reading_refuse(r, e, "prefix='%s': expected a number from 0 to 32", prefix);
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
	const char *expiry = reading_required(r, lease, "expiry"), *unit = xml_attribute(lease, "unit");
	guint64 number;
	if (!expiry)
		return NULL;
	if (!g_ascii_string_to_unsigned(expiry, 10, 0, G_MAXUINT32 / 3600, &number, NULL)) {
		reading_refuse(r, lease, "expiry='%s': expected a number", expiry);
		return NULL;
	}
	if (number == 0)
		return g_strdup("infinite");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(unit ? unit : "minutes", units[i].name) == 0)
			return g_strdup_printf("%" G_GUINT64_FORMAT, number * units[i].seconds);
	reading_refuse(r, lease, "unit='%s': expected seconds, minutes or hours", unit);
	return NULL;
}

/* Appends what dhcp-range has for a <range>. */
static bool add_range(struct reading *r, const struct xml_element *e, GString *ranges)
{
	const char *first = reading_required(r, e, "start"), *last = first ? reading_required(r, e, "end") : NULL;
	if (!last)
		return false;
	const struct xml_element *lease = xml_child(e, "lease");
	g_autofree char *time = lease ? lease_time(r, lease) : NULL;
	g_string_append_printf(ranges, "%s%s-%s%s%s", ranges->len > 0 ? " " : "", first, last, time ? "," : "", time ? time : "");
	return !lease || time;
}

/* All ranges of @dhcp are one option. */
static bool take_ranges(struct reading *r, const struct xml_element *dhcp)
{
	const struct xml_element *any = xml_child(dhcp, "range");
	GString *ranges = g_string_new(NULL);
	bool good = true;
	for (const struct xml_element *e = dhcp->first; good && e; e = e->next)
		good = strcmp(e->name, "range") != 0 || add_range(r, e, ranges);
	good = good && (!any || reading_set(r, any, "dhcp-range", "%s", ranges->str));
	g_string_free(ranges, TRUE);
	return good;
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
		reading_ignore(r, e, what, "guests have names of one label, in the domain of the network");
	}
	return dot ? g_strndup(name, (gsize)(dot - name)) : g_strdup(name);
}

static bool take_host(struct reading *r, const struct xml_element *e)
{
	const char *mac = xml_attribute(e, "mac"), *id = xml_attribute(e, "id"), *ip = xml_attribute(e, "ip"),
		   *name = xml_attribute(e, "name");
	if (!mac && !id && !name)
		return reading_refuse(r, e, "one of the attributes mac, id and name is needed");
	if (!mac && !ip)
		return reading_ignore(r, e, "<host> with neither mac nor ip", "a reservation without a MAC needs an address");
	if (mac)
		reading_ignore_attribute(r, e, "id", "the MAC identifies the guest");
	const struct xml_element *lease = xml_child(e, "lease");
	g_autofree char *label = name ? label_of(r, e, name) : NULL, *time = lease ? lease_time(r, lease) : NULL;
	if (lease && !time)
		return false;
	const char *kind = mac ? "" : id ? "id:" : "name:", *who = mac ? mac : id ? id : label;
	bool named = label && who != label;
	return reading_set(r, e, mac ? "host" : "dhcp-host", "%s%s%s%s%s%s%s%s", kind, who, ip ? "," : "", ip ? ip : "", named ? "," : "",
			   named ? label : "", time ? ",lease-time=" : "", time ? time : "");
}

static bool take_bootp(struct reading *r, const struct xml_element *e)
{
	const char *file = reading_required(r, e, "file"), *server = xml_attribute(e, "server");
	return file && reading_set(r, e, "dhcp-boot", "%s%s%s", file, server ? "," : "", server ? server : "");
}

/* What dnsmasq makes of @value in quotes. */
static char *unquoted(const char *value)
{
	static const char letters[] = "tnbre\"\\", meanings[] = "\t\n\b\r\033\"\\";
	GString *text = g_string_new(NULL);
	for (const char *c = value; *c; c++) {
		const char *letter = c[0] == '\\' && c[1] ? strchr(letters, c[1]) : NULL;
		g_string_append_c(text, letter ? meanings[letter - letters] : *c);
		c += letter != NULL;
	}
	return g_string_free(text, FALSE);
}

/*
 * libvirt writes values for dnsmasq in quotes, where a backslash makes a control character of the next letter and spaces at the ends count.
 * A line of a configuration file has neither, so such a value is in hexadecimal.
 */
static char *option_value(const char *value)
{
	g_autofree char *meant = unquoted(value), *bare = g_strstrip(g_strdup(meant));
	if (strcmp(bare, value) == 0)
		return g_strdup(value);
	GString *text = g_string_new("hex:");
	for (const char *c = meant; *c; c++)
		g_string_append_printf(text, "%02x", (unsigned char)*c);
	return g_string_free(text, FALSE);
}

static bool take_option(struct reading *r, const struct xml_element *e)
{
	const char *number = reading_required(r, e, "number"), *value = xml_attribute(e, "value");
	g_autofree char *bytes = option_value(value ? value : "");
	bool force = xml_attribute_is(e, "force", "yes");
	return number && reading_set(r, e, "dhcp-option", "%s%s%s%s", force ? "force," : "", number, value ? "," : "", bytes);
}

static const struct element_row dhcp_rows[] = {
	{ "range" }, /* take_ranges() has taken them all */
	{ "host", take_host },
	{ "bootp", take_bootp },
	{ "option", take_option },
};

static bool take_dhcp(struct reading *r, const struct xml_element *e)
{
	return take_ranges(r, e) && reading_take_inside(r, e, dhcp_rows, ARRAY_SIZE(dhcp_rows));
}

static bool take_tftp(struct reading *r, const struct xml_element *e)
{
	const char *root = xml_attribute(e, "root");
	return !root || reading_set(r, e, "tftp-root", "%s", root);
}

static const struct element_row ip_rows[] = {
	{ "dhcp", take_dhcp },
	{ "tftp", take_tftp },
};

static bool take_subnet(struct reading *r, const struct xml_element *e)
{
	ip4_t gateway = 0;
	struct prefix4 subnet = { 0 };
	char text[IP4_TEXT_SIZE];
	if (!read_prefix(r, e, &gateway, &subnet) ||
	    !reading_set(r, e, "subnet", "%s/%u", ip4_format(subnet.network, text), subnet.length) ||
	    !reading_set(r, e, "gateway", "%s", ip4_format(gateway, text)))
		return false;
	if (!xml_child(e, "dhcp") && !reading_set(r, e, "no-dhcp", "true"))
		return false;
	return reading_take_inside(r, e, ip_rows, ARRAY_SIZE(ip_rows));
}

static const struct element_row dhcp6_rows[] = {
	{ "range", NULL, "addresses of DHCPv6 follow from the clients' identifiers" },
	{ "host", NULL, "a reservation of an IPv4 address reserves the IPv6 address that ends in it" },
};

/* Guests have addresses of a prefix of their own, behind NAT: one that is routed to the host cannot be theirs. */
static bool take_prefix6(struct reading *r, const struct xml_element *e, const struct ip_addr *address)
{
	const char *length = xml_attribute(e, "prefix");
	struct ip_addr network = *address, first = *address;
	char text[IP_TEXT_SIZE];
	memset(network.b + 8, 0, 8);
	memcpy(first.b, network.b, sizeof(first.b));
	first.b[15] = 1;
	if (address->b[0] != 0xfd || !length || strcmp(length, "64") != 0)
		return reading_ignore(r, e, "<ip family='ipv6'> with another prefix than a unique local /64",
				      "guests get a prefix of the network's own") &&
		       reading_set(r, e, "ipv6", "auto");
	if (!ip_equal(&first, address))
		reading_ignore(r, e, "<ip family='ipv6'> with another address than the first",
			       "the gateway has the first address of the prefix");
	return reading_set(r, e, "ipv6", "%s/64", ip_format(&network, text));
}

static bool take_ip6(struct reading *r, const struct xml_element *e)
{
	const char *text = reading_required(r, e, "address");
	struct ip_addr address;
	if (!text)
		return false;
	if (ip_parse(text, &address) < 0 || ip_is_v4(&address))
		return reading_refuse(r, e, "address='%s': expected an IPv6 address", text);
	if (r->has_ip6)
		return reading_ignore(r, e, "a second <ip> of IPv6", "a network has one prefix");
	r->has_ip6 = true;
	const struct xml_element *dhcp = xml_child(e, "dhcp");
	return take_prefix6(r, e, &address) && (!dhcp || reading_take_inside(r, dhcp, dhcp6_rows, ARRAY_SIZE(dhcp6_rows)));
}

/* Addresses are private to the segment, and their names are always answered here: localPtr has nothing to change. */
bool libvirt_network_take_ip(struct reading *r, const struct xml_element *e)
{
	if (xml_attribute_is(e, "family", "ipv6"))
		return take_ip6(r, e);
	if (r->subnet)
		return reading_ignore(r, e, "a second <ip> of IPv4", "a network has one subnet; run another network for it");
	r->subnet = e;
	return take_subnet(r, e);
}
