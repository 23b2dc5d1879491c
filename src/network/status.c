/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a network as lines for people. */
#include "base/drop.h"
#include "base/macros.h"
#include "host/clock.h"
#include "link/connector.h"
#include "link/stream.h"
#include "link/vde/plug.h"
#include "link/vhost/vhost.h"
#include "network/network.h"
#include "service/dns/dns.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_network(FILE *out, const struct lanlet_network *n)
{
	char network[IP4_TEXT_SIZE], gateway[IP4_TEXT_SIZE], mac[MAC_TEXT_SIZE];
	if (n->settings.no_gateway) {
		fprintf(out, "a switch only, without a gateway\n");
		return;
	}
	fprintf(out, "subnet %s/%u, gateway %s at %s, engine %s\n", ip4_format(n->settings.subnet.network, network),
		n->settings.subnet.length, ip4_format(n->settings.gateway, gateway), mac_format(n->gateway.config.mac, mac),
		n->settings.engine->name);
}

/* What the switch does with the port beside forwarding, where there is such. */
static void write_port_policy(FILE *out, const struct lanlet_network *n, const struct port *p)
{
	char loop[LOOP_TEXT_SIZE], mac[MAC_TEXT_SIZE];
	if (!loop_passes(&p->loop))
		fprintf(out, "  %s\n", loop_guard_describe(&n->segment.loops, clock_now(), p, loop));
	if (!mac_is_zero(p->pinned))
		fprintf(out, "  pinned to %s\n", mac_format(p->pinned, mac));
	unsigned groups = snoop_count(clock_now(), p);
	if (groups > 0)
		fprintf(out, "  joined %u multicast group%s\n", groups, groups > 1 ? "s" : "");
	if (p->isolated)
		fprintf(out, "  isolated from other guests\n");
}

static void write_ports(FILE *out, const struct lanlet_network *n)
{
	fprintf(out, "\n%-16s %12s %14s %12s %14s %10s\n", "PORT", "RX FRAMES", "RX BYTES", "TX FRAMES", "TX BYTES", "DROPS");
	list_for_each(node, &n->segment.ports) {
		const struct port *p = container_of(node, struct port, node);
		const struct port_counters *c = &p->counters;
		uint64_t drops = 0;
		for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
			drops += c->drops.count[i];
		fprintf(out, "%-16s %12" PRIu64 " %14" PRIu64 " %12" PRIu64 " %14" PRIu64 " %10" PRIu64 "\n", p->name, c->rx_frames,
			c->rx_bytes, c->tx_frames, c->tx_bytes, drops);
		write_port_policy(out, n, p);
	}
}

/* Sockets of others that are not there. */
static void write_waiting(FILE *out, const struct connector *c)
{
	list_for_each(node, &c->targets) {
		const struct connector_target *t = container_of(node, struct connector_target, node);
		if (!connector_is_connected(t))
			fprintf(out, "waiting for %s: %s\n", t->path, t->failure < 0 ? strerror(-t->failure) : "the connection ended");
	}
}

static void write_plug(void *opaque, const char *url, const char *why)
{
	fprintf(opaque, "waiting for %s: %s\n", url, why);
}

struct lease_lines {
	FILE *out;
	usec_t now;
	bool any;
};

static void write_lease(void *opaque, const struct lease *l)
{
	struct lease_lines *lines = opaque;
	if (!lease_is_active(l, lines->now))
		return;
	char ip[IP4_TEXT_SIZE], mac[MAC_TEXT_SIZE], left[24] = "for ever";
	if (!lines->any)
		fprintf(lines->out, "\n%-16s %-18s %-24s %s\n", "LEASE", "MAC", "NAME", "SECONDS LEFT");
	lines->any = true;
	if (l->expires != USEC_INFINITY)
		snprintf(left, sizeof(left), "%" PRIu64, (l->expires - lines->now) / USEC_PER_SEC);
	fprintf(lines->out, "%-16s %-18s %-24s %s\n", ip4_format(l->ip, ip), mac_format(l->mac, mac), l->name[0] ? l->name : "-", left);
}

static void write_leases(FILE *out, const struct lanlet_network *n)
{
	struct lease_lines lines = { .out = out, .now = clock_now() };
	dhcp_for_each_lease(&n->name_services.dhcp, write_lease, &lines);
	if (!lines.any)
		fprintf(out, "\nno leases\n");
}

static void write_forwards(FILE *out, const struct lanlet_network *n)
{
	char host[FORWARD_TEXT_SIZE], guest[FORWARD_TEXT_SIZE];
	if (n->forwards.n > 0)
		fprintf(out, "\n%-8s %-8s %-28s %-28s %10s %10s  %s\n", "FORWARD", "PROTOCOL", "HOST", "GUEST", "OPENED", "REFUSED",
			"STATE");
	list_for_each(node, &n->forwards.all) {
		const struct forward *f = container_of(node, struct forward, node);
		fprintf(out, "%-8u %-8s %-28s %-28s %10" PRIu64 " %10" PRIu64 "  %s%s%s\n", f->id, forward_protocol_name(f->spec.protocol),
			forward_spec_format_host(&f->spec, host),
			f->spec.protocol == FORWARD_PROXY ? "-" : forward_spec_format_guest(&f->spec, guest), f->opened, f->refused,
			!f->is_open  ? "closed"
			: f->waiting ? "waits for the guest"
				     : "open",
			f->failure[0] ? ", " : "", f->failure);
	}
}

static void write_flows(FILE *out, const struct lanlet_network *n)
{
	struct engine_counters c;
	n->settings.engine->counters(n->engine, &c);
	fprintf(out, "\nflows: %" PRIu64 " tcp, %" PRIu64 " udp, %" PRIu64 " icmp now, %" PRIu64 " opened, %" PRIu64 " refused\n",
		c.flows_tcp, c.flows_udp, c.flows_icmp, c.flows_opened, c.flows_refused);
}

static void write_dns(FILE *out, const struct lanlet_network *n)
{
	struct dns_counters c;
	dns_get_counters(n->name_services.dns, &c);
	fprintf(out,
		"names: %" PRIu64 " queries, %" PRIu64 " answered here, %" PRIu64 " asked outside, %" PRIu64 " answered there, %" PRIu64
		" not\n",
		c.queries, c.local, c.forwarded, c.answered, c.unanswered);
}

static void write_drops(FILE *out, const struct lanlet_network *n)
{
	bool any = false;
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++) {
		if (n->segment.drops.count[i] == 0)
			continue;
		if (!any)
			fprintf(out, "\n%-20s %12s  %s\n", "DROPPED BECAUSE", "COUNT", "WHICH MEANS");
		any = true;
		fprintf(out, "%-20s %12" PRIu64 "  %s\n", drop_name(i), n->segment.drops.count[i], drop_explanation(i));
	}
	if (!any)
		fprintf(out, "\nnothing was dropped\n");
}

char *lanlet_network_status(const struct lanlet_network *n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	write_network(out, n);
	write_ports(out, n);
	write_waiting(out, stream_link_connector(n->stream));
	write_waiting(out, vhost_link_connector(n->vhost));
	plug_link_for_each_waiting(n->plug, write_plug, out);
	write_leases(out, n);
	write_forwards(out, n);
	write_flows(out, n);
	write_dns(out, n);
	write_drops(out, n);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
