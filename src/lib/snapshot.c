/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/snapshot.h"

#include "base/macros.h"
#include "lib/network.h"

#include <stdio.h>

void snapshot_network(const struct lanlet_network *n, struct snapshot_network *ret)
{
	const struct settings *s = &n->settings;
	*ret = (struct snapshot_network){
		.subnet = s->subnet,
		.gateway = s->gateway,
		.dhcp_first = s->dhcp_first,
		.dhcp_last = s->dhcp_last,
		.gateway_mac = n->gateway.config.mac,
		.engine = s->engine->name,
		.lease_time_s = s->lease_time_s,
		.mtu = s->mtu,
		.host_loopback = s->host_loopback,
		.log_level = (int)n->log.level,
		.n_ports = n->segment.n_ports,
		.started = n->started,
	};
	snprintf(ret->domain, sizeof(ret->domain), "%s", s->domain);
}

static struct snapshot_port port_of(const struct port *p)
{
	const struct port_counters *c = &p->counters;
	struct snapshot_port ret = {
		.id = p->id,
		.kind = p->ops->kind,
		.mtu = p->mtu,
		.max_frame = p->max_frame,
		.offloads = p->offloads,
		.congested = p->congested,
		.blocked = !loop_passes(&p->loop),
		.isolated = p->isolated,
		.uplink = p->uplink,
		.pinned = p->pinned,
		.n_macs = p->n_macs,
		.rx_frames = c->rx_frames,
		.rx_bytes = c->rx_bytes,
		.tx_frames = c->tx_frames,
		.tx_bytes = c->tx_bytes,
		.drops = c->drops,
	};
	memcpy(ret.name, p->name, sizeof(ret.name));
	return ret;
}

/* Ports are listed in the order of their ids, which are never used again: the cursor is the last one seen. */
unsigned snapshot_ports(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_port *ret, unsigned max)
{
	unsigned count = 0;
	list_for_each(node, &n->segment.ports) {
		const struct port *p = container_of(node, struct port, node);
		if (p->id <= *cursor)
			continue;
		if (count == max)
			return count;
		ret[count++] = port_of(p);
		*cursor = p->id;
	}
	*cursor = SNAPSHOT_END;
	return count;
}

static struct snapshot_forward forward_of(const struct forward *f)
{
	struct snapshot_forward ret = {
		.id = f->id,
		.udp = f->spec.udp,
		.kept = f->kept,
		.is_open = f->is_open,
		.waiting = f->waiting,
		.opened = f->opened,
		.refused = f->refused,
	};
	forward_spec_format_host(&f->spec, ret.host);
	forward_spec_format_guest(&f->spec, ret.guest);
	snprintf(ret.failure, sizeof(ret.failure), "%s", f->failure);
	return ret;
}

/* As with ports. */
unsigned snapshot_forwards(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_forward *ret, unsigned max)
{
	unsigned count = 0;
	list_for_each(node, &n->forwards.all) {
		const struct forward *f = container_of(node, struct forward, node);
		if (f->id <= *cursor)
			continue;
		if (count == max)
			return count;
		ret[count++] = forward_of(f);
		*cursor = f->id;
	}
	*cursor = SNAPSHOT_END;
	return count;
}
