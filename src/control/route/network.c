/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/network: the settings and the state of the network as a whole. */
#include "base/macros.h"
#include "control/control_internal.h"
#include "control/request.h"
#include "control/values.h"
#include "host/clock.h"
#include "network/snapshot.h"

#include <unistd.h>

static void fetch(struct lanlet_network *n, usec_t now, void *data)
{
	snapshot_network(n, now, data);
}

static void write_ip6(struct json *j, const struct gateway_ip6 *ip6)
{
	char prefix[PREFIX6_TEXT_SIZE], gateway[IP_TEXT_SIZE];
	if (!ip6->on) {
		json_null(j, "ipv6_prefix");
		json_null(j, "ipv6_gateway");
		return;
	}
	json_string(j, "ipv6_prefix", prefix6_format(&ip6->prefix, prefix));
	json_string(j, "ipv6_gateway", ip_format(&ip6->address, gateway));
}

static void write_duid(struct json *j, const struct dhcp6_duid *duid)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (size_t i = 0; i < duid->len; i++)
		g_string_append_printf(text, "%s%02x", i ? ":" : "", duid->bytes[i]);
	json_string(j, "dhcpv6_duid", text->len ? text->str : NULL);
}

static void write_lease_time(struct json *j, uint32_t seconds)
{
	if (seconds == UINT32_MAX)
		json_null(j, "lease_time");
	else
		json_unsigned(j, "lease_time", seconds);
}

static void write_ranges(struct json *j, const struct snapshot_network *n)
{
	struct dhcp_range all = { n->dhcp_first, n->dhcp_last, 0 };
	json_open_array(j, "dhcp_ranges");
	for (unsigned i = 0; i < MAX(n->n_dhcp_ranges, 1u); i++) {
		const struct dhcp_range *r = n->n_dhcp_ranges ? &n->dhcp_ranges[i] : &all;
		json_open_object(j, NULL);
		json_ip4(j, "first", r->first);
		json_ip4(j, "last", r->last);
		write_lease_time(j, r->lease_time_s ? r->lease_time_s : n->lease_time_s);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_network(struct json *j, const struct control *c, const struct snapshot_network *n)
{
	char mac[MAC_TEXT_SIZE], prefix[IP4_TEXT_SIZE + 3], network[IP4_TEXT_SIZE];
	g_snprintf(prefix, sizeof(prefix), "%s/%u", ip4_format(n->subnet.network, network), n->subnet.length);
	json_string(j, "name", c->config.name);
	json_string(j, "version", c->config.version);
	json_unsigned(j, "pid", (uint64_t)getpid());
	json_unsigned(j, "uptime", (clock_now() - n->started) / USEC_PER_SEC);
	json_string(j, "subnet", prefix);
	json_ip4(j, "gateway", n->gateway);
	write_ip6(j, &n->ip6);
	write_duid(j, &n->dhcp6_duid);
	json_string(j, "gateway_mac", mac_format(n->gateway_mac, mac));
	json_string(j, "engine", n->engine);
	json_ip4(j, "dhcp_first", n->dhcp_first);
	json_ip4(j, "dhcp_last", n->dhcp_last);
	write_ranges(j, n);
	write_lease_time(j, n->lease_time_s);
	json_string(j, "tftp_root", n->tftp_root[0] ? n->tftp_root : NULL);
	json_string(j, "http_root", n->http_root[0] ? n->http_root : NULL);
	if (n->mtu)
		json_unsigned(j, "mtu", n->mtu);
	else
		json_null(j, "mtu");
	json_string(j, "domain", n->domain);
	json_bool(j, "host_loopback", n->host_loopback);
	json_bool(j, "keep_tcp_ports", n->keep_tcp_ports);
	json_bool(j, "dhcp", n->dhcp);
	json_bool(j, "ipv6_only", n->ipv6_only);
	json_bool(j, "metadata", n->metadata);
	json_bool(j, "link_local", n->link_local);
	json_bool(j, "switch_only", n->switch_only);
	json_bool(j, "guard", n->guard);
	json_bandwidth(j, &n->bandwidth);
	json_unsigned(j, "ports", n->n_ports);
	if (n->foreign_dhcp_server) {
		g_autofree char *who =
			g_strdup_printf("%s (%s)", ip4_format(n->foreign_dhcp_server, network), mac_format(n->foreign_dhcp_mac, mac));
		json_string(j, "foreign_dhcp_server", who);
	} else {
		json_null(j, "foreign_dhcp_server");
	}
}

static void respond(struct request *r, void *data)
{
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	write_network(&j, request_control(r), data);
	json_close_object(&j);
	request_respond_json(r, j.text);
}

static void get_network(struct request *r)
{
	request_ask(r, fetch, respond, g_new0(struct snapshot_network, 1));
}

const struct route routes_network[] = {
	{ "GET", "/v1/network", get_network },
	{ NULL },
};
