/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/dhcp_bench.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/udp.h"

static void record_udp(struct sink *s, usec_t now, const struct sink_udp *datagram)
{
	struct dhcp_bench *b = container_of(s, struct dhcp_bench, sink);
	struct bench_reply r = { .datagram = *datagram, .has_dst_mac = datagram->dst_mac, .when = now, .saves_before = b->saves };
	g_assert_cmpuint(now, ==, b->now);
	g_assert_cmpuint(datagram->len, <=, sizeof(r.bytes));
	memcpy(r.bytes, datagram->payload, datagram->len);
	if (datagram->dst_mac)
		r.dst_mac = *datagram->dst_mac;
	g_assert_cmpint(dhcp_parse(r.bytes, datagram->len, &r.message), ==, 0);
	g_array_append_val(b->replies, r);
}

static void record_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
	drop_count(&container_of(s, struct dhcp_bench, sink)->drops, why);
}

static const struct sink_ops sink_ops = { .udp = record_udp, .drop = record_drop };

static void record_probe(struct dhcp_env *env, usec_t now, ip4_t ip)
{
	g_array_append_val(container_of(env, struct dhcp_bench, env)->probes, ip);
}

static struct guest *look_up_guest(struct dhcp_env *env, struct mac mac)
{
	return guest_find(&container_of(env, struct dhcp_bench, env)->guests, mac);
}

static struct port *look_up_port(struct dhcp_env *env, usec_t now, struct mac mac)
{
	const struct dhcp_bench *b = container_of(env, struct dhcp_bench, env);
	for (unsigned i = 0; i < b->macs->len; i++)
		if (mac_equal(g_array_index(b->macs, struct bench_mac, i).mac, mac))
			return g_array_index(b->macs, struct bench_mac, i).port;
	return NULL;
}

static const struct guest_address *look_up_address(struct dhcp_env *env, ip4_t ip)
{
	struct ip_addr addr = ip_from_ip4(ip);
	const struct guest_address *a = guest_find_address(&container_of(env, struct dhcp_bench, env)->guests, &addr);
	return a && a->guest->state == GUEST_PRESENT ? a : NULL;
}

static void learn_mac(struct dhcp_bench *b, struct mac mac)
{
	struct bench_mac entry = { mac, b->from };
	struct guest *g = guest_find(&b->guests, mac);
	if (g)
		guest_moved_to(&b->guests, b->now, g, b->from); /* as the guard does */
	for (unsigned i = 0; i < b->macs->len; i++)
		if (mac_equal(g_array_index(b->macs, struct bench_mac, i).mac, mac))
			g_array_remove_index(b->macs, i--);
	g_array_append_val(b->macs, entry);
}

static bool look_up_neighbour(struct dhcp_env *env, usec_t now, ip4_t ip, struct mac *ret)
{
	const GArray *all = container_of(env, struct dhcp_bench, env)->neighbours;
	for (unsigned i = 0; i < all->len; i++) {
		const struct bench_neighbour *n = &g_array_index(all, struct bench_neighbour, i);
		if (n->ip != ip)
			continue;
		*ret = n->mac;
		return true;
	}
	return false;
}

static bool look_up_all_known(struct dhcp_env *env, const struct port *asking)
{
	const struct dhcp_bench *b = container_of(env, struct dhcp_bench, env);
	return b->all_known && asking == b->from;
}

static void ignore_change(struct dhcp_env *env, usec_t now)
{
}

static void record_save(struct dhcp_env *env, usec_t now)
{
	container_of(env, struct dhcp_bench, env)->saves++;
}

static void ignore_ask(void *opaque, usec_t now, const struct guest_address *a)
{
}

static void tell_appeared(void *opaque, usec_t now, struct guest_address *a)
{
	dhcp_guest_seen(&((struct dhcp_bench *)opaque)->dhcp, a->guest);
}

static void ignore_moved(void *opaque, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
}

static void ignore_gone(void *opaque, usec_t now, struct guest *g, const struct ip_addr *addr)
{
}

static void ignore_placed(void *opaque, usec_t now, struct guest *g, struct payer *before)
{
}

static const struct guest_ops guest_ops = {
	.ask = ignore_ask,
	.appeared = tell_appeared,
	.moved = ignore_moved,
	.placed = ignore_placed,
	.gone = ignore_gone,
};

static void record_start(struct dhcp_env *env, usec_t now, struct mac mac)
{
	g_array_append_val(container_of(env, struct dhcp_bench, env)->starts, mac);
}

static const struct dhcp_env_ops env_ops = {
	.probe = record_probe,
	.guest_of = look_up_guest,
	.port_of = look_up_port,
	.address_at = look_up_address,
	.in_use = look_up_neighbour,
	.all_known = look_up_all_known,
	.changed = ignore_change,
	.save = record_save,
	.starts = record_start,
};

void bench_init(struct dhcp_bench *b)
{
	*b = (struct dhcp_bench){
		.env = { .ops = &env_ops },
		.sink = { .ops = &sink_ops },
		.now = 1000 * USEC_PER_SEC,
		.replies = g_array_new(FALSE, FALSE, sizeof(struct bench_reply)),
		.starts = g_array_new(FALSE, FALSE, sizeof(struct mac)),
		.probes = g_array_new(FALSE, FALSE, sizeof(ip4_t)),
		.neighbours = g_array_new(FALSE, FALSE, sizeof(struct bench_neighbour)),
		.macs = g_array_new(FALSE, FALSE, sizeof(struct bench_mac)),
	};
	b->port.mtu = b->other.mtu = b->third.mtu = 1500;
	b->port.id = 1;
	b->other.id = 2;
	b->third.id = 3;
	b->from = &b->port;
	g_assert_cmpint(guest_table_init(&b->guests, &(struct hash_key){ { 3, 4 } }, &guest_ops, b), ==, 0);
	b->from = &b->port;
	b->config = (struct dhcp_config){
		.env = &b->env,
		.hash_key = { { 1, 2 } },
		.gateway = BENCH_GATEWAY,
		.gateway_mac = { { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } },
		.subnet = { BENCH_IP(0), 24 },
		.first = BENCH_IP(2),
		.last = BENCH_IP(254),
		.lease_time = 3600,
		.domain = "lanlet.internal",
		.gateway_name = "gateway",
		.saves = true,
	};
	arena_init(&b->arena, 1 << 20);
}

void bench_start(struct dhcp_bench *b)
{
	g_assert_cmpint(dhcp_init(&b->dhcp, &b->config), ==, 0);
}

const struct reservation bench_web = { .mac = { { 0x52, 0x54, 0, 0, 0, 1 } }, .ip = BENCH_IP(77), .name = "web" };

void bench_start_default(struct dhcp_bench *b)
{
	bench_init(b);
	bench_start(b);
}

void bench_start_small(struct dhcp_bench *b, unsigned n)
{
	bench_init(b);
	b->config.first = BENCH_IP(10);
	b->config.last = BENCH_IP(10) + n - 1;
	bench_start(b);
}

void bench_start_reserved(struct dhcp_bench *b)
{
	bench_init(b);
	b->config.reservations = &bench_web;
	b->config.n_reservations = 1;
	bench_start(b);
}

void bench_done(struct dhcp_bench *b)
{
	dhcp_done(&b->dhcp);
	guest_table_done(&b->guests, b->now);
	arena_done(&b->arena);
	g_array_unref(b->replies);
	g_array_unref(b->probes);
	g_array_unref(b->neighbours);
	g_array_unref(b->starts);
	g_array_unref(b->macs);
}

void bench_guard(struct dhcp_bench *b)
{
	b->port.guarded = b->other.guarded = b->third.guarded = true;
}

void bench_unplug(struct dhcp_bench *b, struct port *p)
{
	guest_port_gone(&b->guests, b->now, p);
	for (unsigned i = 0; i < b->neighbours->len; i++)
		if (!look_up_address(&b->env, g_array_index(b->neighbours, struct bench_neighbour, i).ip))
			g_array_remove_index(b->neighbours, i--);
	for (unsigned i = 0; i < b->macs->len; i++)
		if (g_array_index(b->macs, struct bench_mac, i).port == p)
			g_array_remove_index(b->macs, i--);
}

static enum service_verdict send_packet(struct dhcp_bench *b, struct mac through, ip4_t src, ip4_t dst, uint16_t dst_port,
					const void *payload, size_t len)
{
	g_autofree uint8_t *bytes = g_malloc(len + 64);
	struct bytes_writer w = bytes_writer(bytes, len + 64);
	eth_emit(&w, &(struct eth_header){ .dst = MAC_BROADCAST, .src = through, .ethertype = ETH_TYPE_IPV4 });
	struct ipv4_header ip = {
		.total_len = (uint16_t)(IPV4_HEADER_LEN + UDP_HEADER_LEN + len),
		.ttl = 64,
		.protocol = IP_PROTOCOL_UDP,
		.src = src,
		.dst = dst,
	};
	ipv4_emit(&w, &ip);
	udp_emit_ipv4(&w, src, dst, dst_port == DHCP_SERVER_PORT ? DHCP_CLIENT_PORT : DHCP_SERVER_PORT, dst_port, payload, len);
	g_assert_false(w.failed);
	struct iovec iov;
	struct frame f = frame_of(&iov, bytes, w.len);
	struct packet p;
	enum drop_reason why;
	g_assert_cmpint(packet_parse(&f, b->from, &b->arena, &p, &why), ==, 0);
	learn_mac(b, through);
	if (mac_is_zero(b->from->first_mac))
		b->from->first_mac = through;
	g_assert_nonnull(guest_payer(&b->guests, b->from));
	enum service_verdict verdict = b->dhcp.service.ops->input(&b->dhcp.service, b->now, &p, &b->sink);
	arena_reset(&b->arena);
	dhcp_turn_ends(&b->dhcp, b->now, &b->sink);
	return verdict;
}

void bench_send_bytes(struct dhcp_bench *b, const void *payload, size_t len)
{
	g_assert_cmpint(send_packet(b, BENCH_MAC(999), 0, IP4_BROADCAST, DHCP_SERVER_PORT, payload, len), ==, SERVICE_TAKEN);
}

void bench_foreign_answer(struct dhcp_bench *b, ip4_t server)
{
	uint8_t bytes[1400];
	struct dhcp_writer w;
	dhcp_writer_init(&w, bytes, sizeof(bytes), &(struct dhcp_header){ .op = DHCP_BOOTREPLY, .chaddr = BENCH_MAC(1) });
	dhcp_put_u8(&w, DHCP_OPTION_TYPE, DHCP_OFFER);
	g_assert_cmpint(send_packet(b, BENCH_MAC(999), server, IP4_BROADCAST, DHCP_CLIENT_PORT, bytes, dhcp_finish(&w)), ==,
			SERVICE_NOT_MINE);
}

static void put_text(struct dhcp_writer *w, uint8_t code, const char *text)
{
	if (text)
		g_assert_true(dhcp_put(w, code, text, strlen(text)));
}

static void put_number(struct dhcp_writer *w, uint8_t code, uint32_t number)
{
	if (number)
		g_assert_true(dhcp_put_be32(w, code, number));
}

uint32_t bench_xid(struct mac mac)
{
	return 0x10000000 | (uint32_t)mac.b[4] << 8 | mac.b[5];
}

void bench_send(struct dhcp_bench *b, const struct bench_ask *ask)
{
	uint8_t bytes[1400];
	struct dhcp_writer w;
	struct dhcp_header h = {
		.op = DHCP_BOOTREQUEST,
		.xid = bench_xid(ask->mac),
		.broadcast = ask->broadcast,
		.ciaddr = ask->ciaddr,
		.giaddr = ask->giaddr,
		.chaddr = ask->mac,
	};
	dhcp_writer_init(&w, bytes, sizeof(bytes), &h);
	dhcp_put_u8(&w, DHCP_OPTION_TYPE, (uint8_t)ask->type);
	put_number(&w, DHCP_OPTION_REQUESTED_IP, ask->requested);
	put_number(&w, DHCP_OPTION_SERVER_ID, ask->server_id);
	put_number(&w, DHCP_OPTION_LEASE_TIME, ask->lease_time);
	if (ask->max_size)
		dhcp_put_be16(&w, DHCP_OPTION_MAX_SIZE, ask->max_size);
	put_text(&w, DHCP_OPTION_HOST_NAME, ask->name);
	if (ask->fqdn) {
		g_autofree char *value = g_strdup_printf("   %s", ask->fqdn);
		value[0] = (char)ask->fqdn_flags;
		value[1] = value[2] = 0;
		g_assert_true(dhcp_put(&w, DHCP_OPTION_FQDN, value, 3 + strlen(ask->fqdn)));
	}
	put_text(&w, DHCP_OPTION_VENDOR_CLASS, ask->vendor_class);
	put_text(&w, DHCP_OPTION_USER_CLASS, ask->user_class);
	if (ask->architecture)
		dhcp_put_be16(&w, DHCP_OPTION_ARCHITECTURE, ask->architecture);
	put_text(&w, DHCP_OPTION_CLIENT_ID, ask->client_id);
	put_text(&w, DHCP_OPTION_PARAMETERS, ask->parameters);
	put_text(&w, DHCP_OPTION_RELAY, ask->relay);
	size_t len = dhcp_finish(&w);
	ip4_t dst = ask->dst ? ask->dst : IP4_BROADCAST;
	struct mac through = mac_is_zero(ask->through) ? ask->mac : ask->through;
	g_assert_cmpint(send_packet(b, through, ask->src, dst, DHCP_SERVER_PORT, bytes, len), ==, SERVICE_TAKEN);
}

void bench_sleep(struct dhcp_bench *b, usec_t how_long)
{
	struct service *s = &b->dhcp.service;
	usec_t until = b->now + how_long;
	for (usec_t due = s->ops->deadline(s); due <= until; due = s->ops->deadline(s)) {
		b->now = MAX(b->now, due);
		s->ops->expire(s, b->now, &b->sink);
	}
	b->now = until;
}

void bench_arp(struct dhcp_bench *b, ip4_t ip, struct mac mac)
{
	struct bench_neighbour n = { ip, mac };
	struct ip_addr addr = ip_from_ip4(ip);
	for (unsigned i = 0; i < b->neighbours->len; i++)
		if (g_array_index(b->neighbours, struct bench_neighbour, i).ip == ip)
			g_array_remove_index(b->neighbours, i--);
	g_array_append_val(b->neighbours, n);
	learn_mac(b, mac);
	g_assert_nonnull(guest_learn(&b->guests, b->now, b->from, mac, &addr, GUEST_BY_ARP));
	dhcp_address_seen(&b->dhcp, b->now, b->from, ip, mac);
}

const struct bench_reply *bench_reply_at(const struct dhcp_bench *b, unsigned index)
{
	g_assert_cmpuint(index, <, b->replies->len);
	struct bench_reply *r = &g_array_index(b->replies, struct bench_reply, index);
	r->datagram.payload = r->bytes;
	r->datagram.dst_mac = r->has_dst_mac ? &r->dst_mac : NULL;
	return r;
}

const struct bench_reply *bench_only_reply(const struct dhcp_bench *b, enum dhcp_type type)
{
	g_assert_cmpuint(b->replies->len, ==, 1);
	const struct bench_reply *r = bench_reply_at(b, 0);
	g_assert_cmpuint(r->message.type, ==, type);
	return r;
}

void bench_forget(struct dhcp_bench *b)
{
	g_array_set_size(b->replies, 0);
	g_array_set_size(b->probes, 0);
	b->saves = 0;
	b->drops = (struct drop_counters){ { 0 } };
}

uint32_t bench_number(const struct bench_reply *r, uint8_t code)
{
	uint8_t bytes[4];
	ssize_t len = dhcp_option_get(r->bytes, r->datagram.len, code, bytes, sizeof(bytes));
	g_assert_cmpint(len, >, 0);
	uint32_t v = 0;
	for (ssize_t i = 0; i < len; i++)
		v = v << 8 | bytes[i];
	return v;
}

bool bench_has(const struct bench_reply *r, uint8_t code)
{
	uint8_t bytes[600];
	return dhcp_option_get(r->bytes, r->datagram.len, code, bytes, sizeof(bytes)) >= 0;
}

void bench_request(struct dhcp_bench *b, struct mac mac, ip4_t requested, ip4_t server_id, ip4_t ciaddr)
{
	bench_forget(b);
	struct bench_ask ask = { .type = DHCP_REQUEST, .mac = mac, .requested = requested, .server_id = server_id, .ciaddr = ciaddr };
	bench_send(b, &ask);
}

/* Sends @ask; the address in the reply of type @answer, 0 without one within a second. */
static ip4_t ask_and_wait(struct dhcp_bench *b, const struct bench_ask *ask, enum dhcp_type answer)
{
	unsigned before = b->replies->len;
	bench_send(b, ask);
	for (int i = 0; i < 10 && b->replies->len == before; i++)
		bench_sleep(b, 100 * USEC_PER_MSEC);
	if (b->replies->len == before)
		return 0;
	const struct bench_reply *r = bench_reply_at(b, before);
	return r->message.type == answer ? r->message.header.yiaddr : 0;
}

ip4_t bench_discover(struct dhcp_bench *b, struct mac mac)
{
	return ask_and_wait(b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = mac }, DHCP_OFFER);
}

ip4_t bench_lease(struct dhcp_bench *b, struct mac mac, const char *name)
{
	struct bench_ask ask = { .type = DHCP_DISCOVER, .mac = mac, .name = name };
	ask.requested = ask_and_wait(b, &ask, DHCP_OFFER);
	if (!ask.requested)
		return 0;
	ask.type = DHCP_REQUEST;
	ask.server_id = BENCH_GATEWAY;
	return ask_and_wait(b, &ask, DHCP_ACK);
}

int bench_find_name(const struct dhcp_bench *b, const char *name, ip4_t *ret)
{
	struct mac mac;
	int r = dhcp_holder_of_name(&b->dhcp, b->now, name, &mac);
	return r < 0 ? r : dhcp_find_mac(&b->dhcp, b->now, mac, ret);
}
