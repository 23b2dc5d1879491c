/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/snapshot.h"

#include "base/macros.h"
#include "gateway/guard.h"
#include "gateway/payer.h"
#include "network/network_internal.h"
#include "service/dhcp/holder.h"
#include "service/dhcp6/address.h"
#include "service/dhcp6/binding.h"
#include "service/dns/dns.h"
#include "wire/dns_text.h"

#include <stdio.h>

#define FOREIGN_DHCP_REMEMBERED (3600 * USEC_PER_SEC)

static void copy_rate(const struct rate_limit *l, char ret[static RATE_TEXT_SIZE])
{
	ret[0] = '\0';
	if (l->average > 0)
		rate_format(l, ret);
}

static struct snapshot_bandwidth bandwidth_of(const struct bandwidth *b)
{
	struct snapshot_bandwidth ret;
	copy_rate(&b->in, ret.in);
	copy_rate(&b->out, ret.out);
	return ret;
}

void snapshot_network(const struct lanlet_network *n, usec_t now, struct snapshot_network *ret)
{
	const struct settings *s = &n->settings;
	*ret = (struct snapshot_network){
		.subnet = s->subnet,
		.gateway = s->gateway,
		.ip6 = n->gateway.config.ip6,
		.dhcp_first = s->dhcp_first,
		.dhcp_last = s->dhcp_last,
		.n_dhcp_ranges = s->n_dhcp_ranges,
		.gateway_mac = n->gateway.config.mac,
		.engine = s->engine->name,
		.dhcp6_duid = n->name_services.dhcp6.duid,
		.lease_time_s = s->lease_time_s,
		.mtu = s->mtu,
		.host_loopback = s->host_loopback,
		.keep_tcp_ports = s->keep_tcp_ports,
		.dhcp = !s->no_dhcp && !s->no_gateway,
		.ipv6_only = s->ipv6_only,
		.metadata = s->metadata,
		.link_local = s->link_local,
		.switch_only = s->no_gateway,
		.guard = !s->unguarded,
		.bandwidth = bandwidth_of(&s->bandwidth),
		.log_level = (int)n->log.level,
		.n_ports = n->segment.n_ports,
		.started = n->started,
	};
	const struct dhcp_foreign *foreign = &n->name_services.dhcp.foreign;
	if (foreign->server && now - foreign->seen < FOREIGN_DHCP_REMEMBERED) {
		ret->foreign_dhcp_server = foreign->server;
		ret->foreign_dhcp_mac = foreign->mac;
	}
	snprintf(ret->domain, sizeof(ret->domain), "%s", s->domain);
	memcpy(ret->dhcp_ranges, s->dhcp_ranges, sizeof(ret->dhcp_ranges));
	memcpy(ret->tftp_root, s->tftp_root, sizeof(ret->tftp_root));
	memcpy(ret->http_root, s->http_root, sizeof(ret->http_root));
}

static size_t copy_rules(void *to, const void *from, size_t n, size_t size)
{
	n = MIN(n, (size_t)DHCP_RULES_MAX);
	if (n > 0)
		memcpy(to, from, n * size);
	return n;
}

void snapshot_dhcp(const struct lanlet_network *n, struct snapshot_dhcp *ret)
{
	const struct dhcp_rules *r = &n->name_services.dhcp.config.rules;
	ret->n_options = copy_rules(ret->options, r->options, r->n_options, sizeof(ret->options[0]));
	ret->n_tags = copy_rules(ret->tags, r->tags, r->n_tags, sizeof(ret->tags[0]));
	ret->n_boots = copy_rules(ret->boots, r->boots, r->n_boots, sizeof(ret->boots[0]));
}

/* By its address first: a bridge that translates MACs has one MAC for several machines with leases of their own. */
static void copy_name(const struct lanlet_network *n, usec_t now, const struct ip_addr *addr, const char *guest,
		      char ret[static GUEST_NAME_SIZE])
{
	if (!ip_is_v4(addr) && guest_names_of_lease6(&n->name_services.names, now, addr, ret) == 0)
		return;
	if (!ip_is_v4(addr) || dhcp_find_address(&n->name_services.dhcp, now, ip_to_ip4(addr), ret) < 0)
		snprintf(ret, GUEST_NAME_SIZE, "%s", guest);
}

/* Of the addresses behind a port that were used last.  A port may have tens of thousands. */
#define PORT_ADDRESSES_LOOKED_AT 64u

static bool has_name(const struct snapshot_port *p, const char *name)
{
	for (unsigned i = 0; i < p->n_guests; i++)
		if (strcmp(p->guests[i], name) == 0)
			return true;
	return false;
}

static void name_guests(const struct lanlet_network *n, usec_t now, const struct payer *payer, struct snapshot_port *ret)
{
	const struct list *node = payer->addresses.prev;
	for (unsigned i = 0; i < PORT_ADDRESSES_LOOKED_AT && node != &payer->addresses; i++, node = node->prev) {
		const struct guest_address *a = container_of((struct list *)(uintptr_t)node, struct guest_address, of_payer);
		char name[GUEST_NAME_SIZE];
		copy_name(n, now, &a->addr, a->guest->name, name);
		if (name[0] == '\0' || has_name(ret, name))
			continue;
		memcpy(ret->guests[ret->n_guests++], name, sizeof(name));
		if (ret->n_guests == SNAPSHOT_PORT_GUESTS_MAX)
			return;
	}
}

static struct snapshot_port port_of(const struct lanlet_network *n, usec_t now, const struct port *p)
{
	const struct port_counters *c = &p->counters;
	struct snapshot_port ret = {
		.id = p->id,
		.kind = p->ops->kind,
		.mtu = p->mtu,
		.max_frame = p->max_frame,
		.offloads = p->offloads,
		.congested = port_is_busy(p),
		.bandwidth = bandwidth_of(&p->bandwidth),
		.blocked = !loop_passes(&p->loop),
		.isolated = p->isolated,
		.uplink = p->uplink,
		.guarded = p->guarded,
		.may_serve_dhcp = p->may_serve_dhcp,
		.may_route = p->may_route,
		.pinned = p->pinned,
		.n_macs = p->n_macs,
		.rx_frames = c->rx_frames,
		.rx_bytes = c->rx_bytes,
		.tx_frames = c->tx_frames,
		.tx_bytes = c->tx_bytes,
		.drops = c->drops,
	};
	struct guard_conflict conflict;
	if (guard_conflict_of(p, now, &conflict)) {
		ret.conflict = (struct snapshot_conflict){ .when = conflict.when, .mac = conflict.mac, .addr = conflict.addr };
		memcpy(ret.conflict.other, conflict.other, sizeof(ret.conflict.other));
	}
	memcpy(ret.name, p->name, sizeof(ret.name));
	static_assert(sizeof(ret.why_blocked) == LOOP_TEXT_SIZE, "a reason fits");
	if (p->payer && p != &n->gateway.port)
		name_guests(n, now, p->payer, &ret);
	if (!loop_passes(&p->loop))
		loop_guard_describe(&n->segment.loops, now, p, ret.why_blocked);
	return ret;
}

/* Ports are in the order of their ids, and no id is used twice: the cursor is the last id seen. */
unsigned snapshot_ports(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_port *ret, unsigned max)
{
	unsigned count = 0;
	list_for_each(node, &n->segment.ports) {
		const struct port *p = container_of(node, struct port, node);
		if (p->id <= *cursor)
			continue;
		if (count == max)
			return count;
		ret[count++] = port_of(n, now, p);
		*cursor = p->id;
	}
	*cursor = SNAPSHOT_END;
	return count;
}

static struct snapshot_capture capture_of(const struct capture *c)
{
	struct snapshot_capture ret = {
		.id = c->id,
		.of = c->config.of,
		.drops = c->config.drops,
		.snaplen = c->config.snaplen,
		.records = c->records,
		.lost = c->lost,
		.started = c->started,
	};
	memcpy(ret.who, c->config.who, sizeof(ret.who));
	memcpy(ret.filter, c->config.filter_text, sizeof(ret.filter));
	return ret;
}

/* As with ports. */
unsigned snapshot_captures(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_capture *ret, unsigned max)
{
	unsigned count = 0;
	list_for_each(node, &n->captures.all) {
		const struct capture *c = container_of(node, struct capture, node);
		if (c->id <= *cursor)
			continue;
		if (count == max)
			return count;
		ret[count++] = capture_of(c);
		*cursor = c->id;
	}
	*cursor = SNAPSHOT_END;
	return count;
}

static struct snapshot_forward forward_of(const struct forward *f)
{
	struct snapshot_forward ret = {
		.id = f->id,
		.protocol = forward_protocol_name(f->spec.protocol),
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

static void port_name(const struct port *p, char ret[static PORT_NAME_SIZE])
{
	memcpy(ret, p->name, PORT_NAME_SIZE);
}

/* The cursor is the next slot. */
unsigned snapshot_fdb(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_fdb_entry *ret, unsigned max)
{
	unsigned count = 0;
	const struct slots *entries = &n->segment.fdb.by_index;
	uint64_t end = MIN(*cursor + max, (uint64_t)entries->n);
	for (; *cursor < end; (*cursor)++) {
		const struct fdb_entry *e = slots_get(entries, (uint32_t)*cursor);
		if (!e || now - e->seen > FDB_AGE)
			continue;
		ret[count] = (struct snapshot_fdb_entry){ .mac = e->mac, .seen = e->seen };
		port_name(e->port, ret[count++].port);
	}
	if (*cursor >= entries->n)
		*cursor = SNAPSHOT_END;
	return count;
}

/* The cursor is the next slot. */
unsigned snapshot_neighbours(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct guest_view *ret, unsigned max)
{
	uint32_t slot = (uint32_t)*cursor;
	unsigned count = guest_view(&n->gateway.guests, &slot, ret, max);
	for (unsigned i = 0; i < count; i++) {
		char of_guest[GUEST_NAME_SIZE];
		memcpy(of_guest, ret[i].name, sizeof(of_guest));
		copy_name(n, now, &ret[i].addr, of_guest, ret[i].name);
	}
	*cursor = slot == GUEST_VIEW_END ? SNAPSHOT_END : slot;
	return count;
}

struct lease_slice {
	const struct lanlet_network *network;
	usec_t now;
	struct snapshot_lease *to;
	unsigned count, max;
};

static void copy_lease(void *opaque, const struct lease *l)
{
	struct lease_slice *s = opaque;
	if (!lease_is_active(l, s->now) || s->count == s->max)
		return;
	struct snapshot_lease *to = &s->to[s->count++];
	const struct reservation *r = reservation_of_mac(&s->network->name_services.dhcp.reservations, l->mac);
	*to = (struct snapshot_lease){
		.mac = l->mac,
		.addr = ip_from_ip4(l->ip),
		.expires = l->expires,
		.reserved = r && r->ip != 0,
		.named = r && r->name[0] != '\0',
		.client_id_len = l->client_id_len,
	};
	const struct port *p = dhcp_holder_port(&s->network->name_services.dhcp, s->now, l->mac);
	if (p)
		port_name(p, to->port);
	memcpy(to->name, l->name, sizeof(to->name));
	memcpy(to->client_id, l->client_id, l->client_id_len);
}

static void copy_lease6(void *opaque, const struct lease6 *l)
{
	struct lease_slice *s = opaque;
	const struct name_services *services = &s->network->name_services;
	if (!lease6_is_active(l, s->now) || s->count == s->max)
		return;
	const struct reservation *r = reservation_of_mac(&services->dhcp.reservations, l->mac);
	const struct port *p = name_services_lease6_port(services, s->now, l);
	struct snapshot_lease *to = &s->to[s->count++];
	*to = (struct snapshot_lease){
		.mac = l->mac,
		.addr = l->addr,
		.iaid = l->iaid,
		.expires = l->expires,
		.reserved = dhcp6_reserved_by(&services->gateway->config.ip6.prefix, &l->addr) != 0,
		.named = r && r->name[0] != '\0',
		.client_id_len = (uint8_t)l->client.len,
	};
	if (p)
		port_name(p, to->port);
	snprintf(to->name, sizeof(to->name), "%s", dhcp6_binding_name(&services->dhcp6, s->now, l));
	memcpy(to->client_id, l->client.bytes, l->client.len);
}

/* The cursor is that of each table; the second one's has LEASES_OF_IPV6. */
#define LEASES_OF_IPV6 ((uint64_t)1 << 31)

unsigned snapshot_leases(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_lease *ret, unsigned max)
{
	struct lease_slice s = { .network = n, .now = now, .to = ret, .max = max };
	unsigned slot = (unsigned)(*cursor & ~LEASES_OF_IPV6);
	if (*cursor & LEASES_OF_IPV6) {
		bool more = lease6_table_walk(&n->name_services.dhcp6.leases, &slot, max, copy_lease6, &s);
		*cursor = more ? LEASES_OF_IPV6 | slot : SNAPSHOT_END;
	} else {
		bool more = lease_table_walk(&n->name_services.dhcp.leases, &slot, max, copy_lease, &s);
		*cursor = more ? slot : LEASES_OF_IPV6;
	}
	return s.count;
}

struct flow_slice {
	const struct lanlet_network *network;
	const struct snapshot_flow_filter *filter;
	usec_t now;
	struct snapshot_flow *to;
	unsigned count;
};

static bool is_address(const struct ip_addr *a, const struct ip_addr *wanted)
{
	return ip_is_unspecified(wanted) || ip_equal(a, wanted);
}

static bool is_wanted(const struct snapshot_flow_filter *w, const struct engine_flow *f)
{
	return is_address(&f->guest.addr, &w->guest) && is_address(&f->remote.addr, &w->remote) &&
	       (w->port == 0 || w->port == f->guest.port || w->port == f->remote.port) &&
	       (w->protocol == 0 || w->protocol == f->protocol) && (w->state[0] == '\0' || strcmp(w->state, f->state) == 0);
}

static void copy_flow(void *opaque, const struct engine_flow *flow)
{
	struct flow_slice *s = opaque;
	if (!is_wanted(s->filter, flow))
		return;
	struct snapshot_flow *to = &s->to[s->count];
	to->flow = *flow;
	copy_name(s->network, s->now, &flow->guest.addr, flow->guest_name, to->guest_name);
	if (s->filter->guest_name[0] == '\0' || strcmp(s->filter->guest_name, to->guest_name) == 0)
		s->count++;
}

unsigned snapshot_flows(const struct lanlet_network *n, usec_t now, const struct snapshot_flow_filter *filter, uint64_t *cursor,
			struct snapshot_flow *ret, unsigned max)
{
	static_assert(ENGINE_FLOWS_END == SNAPSHOT_END, "one end");
	struct flow_slice s = { .network = n, .filter = filter, .now = now, .to = ret };
	n->settings.engine->flows(n->engine, cursor, max, copy_flow, &s);
	return s.count;
}

void snapshot_drops(const struct lanlet_network *n, struct snapshot_drops *ret)
{
	ret->counters = n->segment.drops;
	memcpy(ret->examples, n->segment.drop_examples, sizeof(ret->examples));
}

void snapshot_counters(const struct lanlet_network *n, usec_t now, struct snapshot_counters *ret)
{
	*ret = (struct snapshot_counters){
		.drops = n->segment.drops,
		.n_reservations = (unsigned)n->name_services.dhcp.reservations.n,
		.dials_opened = n->dials.opened,
		.dials_failed = n->dials.failed,
		.last_event = n->events.last,
		.n_captures = n->captures.n,
		.capture_records = n->captures.records,
		.capture_lost = n->captures.lost,
		.started = n->started,
	};
	n->settings.engine->counters(n->engine, &ret->engine);
	dns_get_counters(n->name_services.dns, &ret->dns);
	list_for_each(node, &n->segment.ports) {
		const struct port *p = container_of(node, struct port, node);
		if (p == &n->gateway.port)
			continue;
		ret->n_ports++;
		ret->rx_frames += p->counters.rx_frames;
		ret->rx_bytes += p->counters.rx_bytes;
		ret->tx_frames += p->counters.tx_frames;
		ret->tx_bytes += p->counters.tx_bytes;
	}
	ret->n_leases = n->name_services.dhcp.leases.n_bound + lease6_count(&n->name_services.dhcp6.leases);
}

static struct snapshot_reservation reservation_of_host(const struct lanlet_network *n, size_t i)
{
	const struct settings_host *h = &n->settings.hosts[i];
	struct snapshot_reservation ret = {
		.mac = h->mac,
		.ip = h->ip,
		.properties = h->properties,
		.bandwidth = bandwidth_of(&h->properties.bandwidth),
		.lease_time_s = h->lease_time_s,
		.origin = i >= n->configured.n_hosts ? SNAPSHOT_ADDED : SNAPSHOT_CONFIGURED,
	};
	memcpy(ret.name, h->name, sizeof(h->name));
	memcpy(ret.tag, h->tag, sizeof(h->tag));
	guest_sockets_find(&n->guest_sockets, h->name, ret.sockets, sizeof(ret.sockets));
	return ret;
}

static struct snapshot_reservation reservation_of_client(const struct lanlet_network *n, size_t i)
{
	const struct reservation *h = &n->settings.dhcp_hosts[i];
	const struct reservation *claimed = reservation_of_ip(&n->name_services.dhcp.reservations, h->ip);
	struct snapshot_reservation ret = {
		.mac = claimed ? claimed->mac : h->mac,
		.ip = h->ip,
		.lease_time_s = h->lease_time_s,
		.origin = i >= n->configured.n_dhcp_hosts ? SNAPSHOT_ADDED : SNAPSHOT_CONFIGURED,
	};
	settings_client_format(h, ret.client);
	memcpy(ret.name, h->name, sizeof(h->name));
	memcpy(ret.tag, h->tag, sizeof(h->tag));
	return ret;
}

/* First those of MACs, then those of clients. */
unsigned snapshot_reservations(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_reservation *ret, unsigned max)
{
	size_t n_hosts = n->settings.n_hosts, all = n_hosts + n->settings.n_dhcp_hosts;
	unsigned count = 0;
	for (; count < max && *cursor < all; (*cursor)++)
		ret[count++] = *cursor < n_hosts ? reservation_of_host(n, *cursor) : reservation_of_client(n, *cursor - n_hosts);
	if (*cursor >= all)
		*cursor = SNAPSHOT_END;
	return count;
}

/* The names of the settings, then their records, then those of their hosts, then of leases: the cursor is part << 32 | index. */
enum names_part { NAMES_OF_SETTINGS, NAMES_OF_RECORDS, NAMES_OF_HOSTS, NAMES_OF_LEASES };

static uint64_t names_cursor(enum names_part part, uint64_t index)
{
	return (uint64_t)part << 32 | index;
}

static struct snapshot_name name_of(const char *name, const struct ip_addr *addr, enum snapshot_origin origin)
{
	struct snapshot_name ret = { .type = ip_is_v4(addr) ? "A" : "AAAA", .is_address = true, .origin = origin };
	snprintf(ret.name, sizeof(ret.name), "%s", name);
	ip_format(addr, ret.data);
	return ret;
}

static struct snapshot_name name_of_ip4(const char *name, ip4_t ip, enum snapshot_origin origin)
{
	struct ip_addr addr = ip_from_ip4(ip);
	return name_of(name, &addr, origin);
}

static struct snapshot_name record_of(const struct settings_record *r, enum snapshot_origin origin)
{
	struct snapshot_name ret = { .type = dns_type_name(r->type), .origin = origin };
	ret.is_address = r->type == DNS_TYPE_A || r->type == DNS_TYPE_AAAA;
	memcpy(ret.name, r->name, sizeof(ret.name));
	memcpy(ret.data, r->data, sizeof(ret.data));
	return ret;
}

static unsigned names_of_settings(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_name *ret, unsigned max)
{
	const struct settings *s = &n->settings;
	unsigned count = 0;
	for (; count < max && *cursor < s->n_names; (*cursor)++)
		ret[count++] = name_of_ip4(s->names[*cursor].name, s->names[*cursor].ip,
					   *cursor >= n->configured.n_names ? SNAPSHOT_ADDED : SNAPSHOT_CONFIGURED);
	if (*cursor >= s->n_names)
		*cursor = names_cursor(NAMES_OF_RECORDS, 0);
	return count;
}

static unsigned names_of_records(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_name *ret, unsigned max)
{
	const struct settings *s = &n->settings;
	unsigned count = 0;
	uint32_t i = (uint32_t)*cursor;
	for (; count < max && i < s->n_records; i++)
		ret[count++] = record_of(&s->records[i], i >= n->configured.n_records ? SNAPSHOT_ADDED : SNAPSHOT_CONFIGURED);
	*cursor = i < s->n_records ? names_cursor(NAMES_OF_RECORDS, i) : names_cursor(NAMES_OF_HOSTS, 0);
	return count;
}

static unsigned names_of_hosts(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_name *ret, unsigned max)
{
	const struct settings *s = &n->settings;
	unsigned count = 0;
	uint32_t i = (uint32_t)*cursor;
	for (; count < max && i < s->n_hosts + s->n_dhcp_hosts; i++) {
		const struct reservation *client = i < s->n_hosts ? NULL : &s->dhcp_hosts[i - s->n_hosts];
		const char *name = client ? client->name : s->hosts[i].name;
		ip4_t ip = client ? client->ip : s->hosts[i].ip;
		if (name[0] && ip != 0)
			ret[count++] = name_of_ip4(name, ip, SNAPSHOT_RESERVED);
	}
	*cursor = i < s->n_hosts + s->n_dhcp_hosts ? names_cursor(NAMES_OF_HOSTS, i) : names_cursor(NAMES_OF_LEASES, 0);
	return count;
}

static unsigned names_of_leases(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_name *ret, unsigned max)
{
	struct snapshot_lease leases[16];
	uint64_t at = (uint32_t)*cursor;
	unsigned count = 0, found = snapshot_leases(n, now, &at, leases, MIN(max, (unsigned)ARRAY_SIZE(leases)));
	for (unsigned i = 0; i < found; i++)
		if (leases[i].name[0] && !(leases[i].reserved && ip_is_v4(&leases[i].addr)))
			ret[count++] = name_of(leases[i].name, &leases[i].addr, leases[i].named ? SNAPSHOT_RESERVED : SNAPSHOT_LEASED);
	*cursor = at == SNAPSHOT_END ? at : names_cursor(NAMES_OF_LEASES, at);
	return count;
}

unsigned snapshot_names(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_name *ret, unsigned max)
{
	switch ((enum names_part)(*cursor >> 32)) {
	case NAMES_OF_SETTINGS: return names_of_settings(n, cursor, ret, max);
	case NAMES_OF_RECORDS: return names_of_records(n, cursor, ret, max);
	case NAMES_OF_HOSTS: return names_of_hosts(n, cursor, ret, max);
	case NAMES_OF_LEASES: return names_of_leases(n, now, cursor, ret, max);
	}
	*cursor = SNAPSHOT_END;
	return 0;
}

uint64_t snapshot_last_event(const struct lanlet_network *n)
{
	return n->events.last;
}

void snapshot_events(const struct lanlet_network *n, uint64_t *after, struct snapshot_events *ret)
{
	ret->n = events_read(&n->events, *after, ret->events, ARRAY_SIZE(ret->events));
	ret->after = *after;
	if (ret->n > 0)
		*after = ret->events[ret->n - 1].number;
}

struct connect_slice {
	uint64_t place, from; /* how many were seen; how many to skip */
	struct snapshot_connect *to;
	unsigned count, max;
};

static void copy_connect(void *opaque, const char *target, bool is_connected, const char *why_not)
{
	struct connect_slice *s = opaque;
	if (s->place++ < s->from || s->count == s->max)
		return;
	struct snapshot_connect *to = &s->to[s->count++];
	to->connected = is_connected;
	snprintf(to->path, sizeof(to->path), "%s", target);
	snprintf(to->why_not, sizeof(to->why_not), "%s", is_connected ? "" : why_not);
}

/* They are few, and an operator's: the cursor is how many were seen. */
unsigned snapshot_connects(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_connect *ret, unsigned max)
{
	struct connect_slice s = { .from = *cursor, .to = ret, .max = max };
	links_for_each_target(&n->links, copy_connect, &s);
	*cursor = s.from + s.count < s.place ? s.from + s.count : SNAPSHOT_END;
	return s.count;
}
