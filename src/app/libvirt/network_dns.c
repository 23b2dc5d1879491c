/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <dns>: servers and records. */
#include "app/libvirt/reading.h"
#include "base/macros.h"

#include <string.h>

static bool take_forwarder(struct reading *r, const struct xml_element *e)
{
	const char *address = xml_attribute(e, "addr"), *domain = xml_attribute(e, "domain");
	if (!address && !domain)
		return reading_refuse(r, e, "one of the attributes addr and domain is needed");
	return reading_set(r, e, "dns", "%s%s%s", domain ? domain : "", domain ? "=" : "", address ? address : "default");
}

static bool take_dns_host(struct reading *r, const struct xml_element *e)
{
	const char *ip = reading_required(r, e, "ip");
	if (!ip)
		return false;
	for (const struct xml_element *child = e->first; child; child = child->next) {
		g_autofree char *name = g_strstrip(g_strdup(child->text->str));
		if (strcmp(child->name, "hostname") != 0)
			continue;
		if (strcmp(name, "gateway") == 0)
			reading_ignore(r, child, "\"gateway\"", "the gateway has this name in each network");
		else if (!reading_set(r, child, "name", "%s,%s", name, ip))
			return false;
	}
	return true;
}

static bool take_txt(struct reading *r, const struct xml_element *e)
{
	const char *name = reading_required(r, e, "name"), *value = name ? reading_required(r, e, "value") : NULL;
	return value && reading_set(r, e, "name", "%s,TXT,%s", name, value);
}

/* Where libvirt's default is dnsmasq's. */
static bool take_srv(struct reading *r, const struct xml_element *e)
{
	const char *service = reading_required(r, e, "service"), *protocol = service ? reading_required(r, e, "protocol") : NULL;
	const char *domain = xml_attribute(e, "domain"), *target = xml_attribute(e, "target"), *port = xml_attribute(e, "port");
	const char *priority = xml_attribute(e, "priority"), *weight = xml_attribute(e, "weight");
	if (!protocol)
		return false;
	if (!domain && r->domain)
		domain = xml_attribute(r->domain, "name");
	return reading_set(r, e, "name", "_%s._%s%s%s,SRV,%s %s %s %s", service, protocol, domain ? "." : "", domain ? domain : "",
			   priority ? priority : "0", weight ? weight : "0", port ? port : "1", target ? target : ".");
}

static const struct element_row dns_rows[] = {
	{ "forwarder", take_forwarder },
	{ "host", take_dns_host },
	{ "txt", take_txt },
	{ "srv", take_srv },
};

bool libvirt_network_take_dns(struct reading *r, const struct xml_element *e)
{
	if (xml_attribute_is(e, "forwardPlainNames", "no"))
		reading_ignore_attribute(r, e, "forwardPlainNames", "plain names are looked up as the host does, unless a guest has them");
	if (xml_attribute_is(e, "enable", "no"))
		reading_ignore_attribute(r, e, "enable", "guests find their own names by the gateway's DNS server, which is always there");
	return reading_take_inside(r, e, dns_rows, ARRAY_SIZE(dns_rows));
}
