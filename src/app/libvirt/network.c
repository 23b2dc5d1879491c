/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/libvirt/network.h"

#include "app/failure.h"
#include "app/libvirt/reading.h"
#include "base/macros.h"

#include <string.h>

/* --- <forward> --- */

static const struct element_row nat_rows[] = {
	{ "port", NULL, "the kernel chooses source ports outside" },
	{ "address", NULL, "guests go out with the host's own address" },
};

static bool take_nat(struct reading *r, const struct xml_element *e)
{
	return reading_take_inside(r, e, nat_rows, ARRAY_SIZE(nat_rows));
}

static const struct element_row forward_rows[] = {
	{ "nat", take_nat },
	{ "interface", NULL, "guests go out by the host's routes" },
};

static bool take_forward(struct reading *r, const struct xml_element *e)
{
	const char *mode = xml_attribute(e, "mode");
	if (mode && (strcmp(mode, "route") == 0 || strcmp(mode, "open") == 0))
		reading_ignore_attribute(r, e, "mode", "guests go out by NAT; the outside reaches guests by forward");
	else if (mode && strcmp(mode, "nat") != 0)
		return reading_refuse(
			r, e,
			"mode='%s' gives guests a network card or a bridge of the host, for which root is needed; --vde joins other "
			"segments",
			mode);
	reading_ignore_attribute(r, e, "dev", "guests go out by the host's routes");
	return reading_take_inside(r, e, forward_rows, ARRAY_SIZE(forward_rows));
}

/* --- <network> --- */

static bool take_mac(struct reading *r, const struct xml_element *e)
{
	const char *address = reading_required(r, e, "address");
	return address && reading_set(r, e, "gateway-mac", "%s", address);
}

static bool take_domain(struct reading *r, const struct xml_element *e)
{
	const char *name = reading_required(r, e, "name");
	reading_ignore_attribute(r, e, "register", "names of guests are not told to the host's resolver");
	return name && reading_set(r, e, "domain", "%s", name) &&
	       (xml_attribute_is(e, "localOnly", "yes") || reading_set(r, e, "local-only", "false"));
}

static bool take_mtu(struct reading *r, const struct xml_element *e)
{
	const char *size = reading_required(r, e, "size");
	return size && reading_set(r, e, "mtu", "%s", size);
}

/* The attribute @name, from 1 on; 0: @e does not have it. */
static bool read_number(struct reading *r, const struct xml_element *e, const char *name, guint64 *ret)
{
	const char *text = xml_attribute(e, name);
	*ret = 0;
	return !text || g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT32, ret, NULL) ||
	       reading_refuse(r, e, "%s='%s': expected a number from 1 on", name, text);
}

/* <inbound average='1000' peak='5000' burst='5120'/>: rates in kB/s, as tc's kbps, the burst in KiB. */
static bool take_limit(struct reading *r, const struct xml_element *e, const char *key)
{
	guint64 average, peak, burst;
	if (!reading_required(r, e, "average") || !read_number(r, e, "average", &average) || !read_number(r, e, "peak", &peak) ||
	    !read_number(r, e, "burst", &burst))
		return false;
	reading_ignore_attribute(r, e, "floor", "no guest has a share that is set apart for it; all have fair shares");
	GString *text = g_string_new(NULL);
	g_string_printf(text, "%" G_GUINT64_FORMAT "k", average * 8);
	if (peak > 0)
		g_string_append_printf(text, "/%" G_GUINT64_FORMAT "k", peak * 8);
	if (burst > 0)
		g_string_append_printf(text, "%s%" G_GUINT64_FORMAT "K", peak > 0 ? "/" : "//", burst);
	bool good = reading_set(r, e, key, "%s", text->str);
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
	return reading_take_inside(r, e, bandwidth_rows, ARRAY_SIZE(bandwidth_rows));
}

static bool take_port(struct reading *r, const struct xml_element *e)
{
	return !xml_attribute_is(e, "isolated", "yes") || reading_set(r, e, "isolate", "true");
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
	{ "ip", libvirt_network_take_ip },
	{ "dns", libvirt_network_take_dns },
	{ "port", take_port },
	{ "bandwidth", take_bandwidth },
	{ "route", NULL, "guests reach other networks by the gateway and the host's routes" },
	{ "vlan", NULL, "tagged frames pass between guests as they are" },
	{ "portgroup", NULL, "all ports of a network are alike" },
	{ "virtualport", NULL, "there is no Open vSwitch and no 802.1Qbg behind it" },
};

/* The elements of libvirt's own, and those of dnsmasq. */
static bool take_elements(struct reading *r)
{
	for (const struct xml_element *e = r->network->first; e; e = e->next)
		if (libvirt_network_is_dnsmasq(r->network, e) ? !libvirt_network_take_dnsmasq(r, e)
							      : !reading_take(r, e, network_rows, ARRAY_SIZE(network_rows)))
			return false;
	return true;
}

/* What has an effect on elements that may stand in front of it, or has one by not being there. */
static bool take_network(struct reading *r)
{
	const struct xml_element *network = r->network;
	if (!xml_child(network, "ip"))
		return reading_set(r, network, "no-gateway", "true") && take_elements(r);
	if (!xml_child(network, "forward") && !reading_set(r, network, "engine", "null"))
		return false;
	if (!take_elements(r))
		return false;
	if (!r->subnet)
		reading_ignore(r, network, "a network without <ip> of IPv4", "guests get IPv4 addresses, too");
	return true;
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
