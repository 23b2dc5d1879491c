/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCPv6 messages of a hostile client through the server.  Input: records of { control, length be16, UDP payload }.  control & 1: sent to
 * the server's address, not to all servers; & 2: the server id of the message, where there is one, is made the server's own; & 4: it comes
 * 20 seconds later, when leases may have ended; & 8: leases were saved before it.
 */
#include "base/arena.h"
#include "base/macros.h"
#include "gateway/ip6.h"
#include "gateway/sink.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "service/dhcp/reservation.h"
#include "service/dhcp6/dhcp6.h"
#include "wire/dhcp.h"
#include "wire/udp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
	struct dhcp6 dhcp;
	struct gateway_ip6 ip6;
	struct reservation_table reservations;
	struct sink sink;
	struct arena arena;
	struct port port;
	unsigned replies;
	usec_t now;
	struct dhcp6_env env;
};

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* A reply is one that clients could parse: all options are whole, in the envelopes, too. */
static void take_reply(struct sink *s, usec_t now, const struct sink_udp *d)
{
	struct bench *b = container_of(s, struct bench, sink);
	struct bytes_reader r = bytes_reader(d->payload, d->len);
	b->replies++;
	check(d->src_port == DHCP6_SERVER_PORT && (d->dst_port == DHCP6_SERVER_PORT || d->dst_port == DHCP6_CLIENT_PORT));
	uint8_t type = bytes_get_u8(&r);
	bytes_skip(&r, type == DHCP6_RELAY_REPLY ? 33 : 3);
	check(type == DHCP6_RELAY_REPLY || type == DHCP6_REPLY || type == DHCP6_ADVERTISE);
	while (r.left > 0) {
		bytes_skip(&r, 2);
		bytes_skip(&r, bytes_get_be16(&r));
		check(!r.failed);
	}
}

static void count_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
	check(why == DROP_DHCP_MALFORMED || why == DROP_DHCP_IGNORED || why == DROP_DHCP_SHARE);
}

static const struct sink_ops sink_ops = { .udp = take_reply, .drop = count_drop };

static struct port *port_of(struct dhcp6_env *env, usec_t now, struct mac mac)
{
	return &container_of(env, struct bench, env)->port;
}

static void identified(struct dhcp6_env *env, usec_t now, struct mac mac, const struct dhcp6_message *m)
{
	check(m->client.len > 0 && !mac_is_zero(mac));
}

static bool may_have_name(struct dhcp6_env *env, usec_t now, struct mac mac, const char *name)
{
	return name[0] != 'x';
}

static const char *name_of(struct dhcp6_env *env, usec_t now, struct mac mac)
{
	return "";
}

static void changed(struct dhcp6_env *env, usec_t now, bool soon)
{
}

static void leased(struct dhcp6_env *env, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what)
{
	struct bench *b = container_of(env, struct bench, env);
	check(prefix6_contains(&b->ip6.prefix, &l->addr) && !gateway_ip6_has(&b->ip6, &l->addr));
}

static const struct dhcp6_env_ops env_ops = { port_of, identified, may_have_name, name_of, changed, leased };

static void mend_server_id(const struct bench *b, uint8_t *payload, size_t len)
{
	for (size_t at = 4; at + 4 + b->dhcp.duid.len <= len; at += 4 + (size_t)(payload[at + 2] << 8 | payload[at + 3]))
		if (payload[at] == 0 && payload[at + 1] == DHCP6_OPTION_SERVER_ID && payload[at + 3] == b->dhcp.duid.len)
			memcpy(payload + at + 4, b->dhcp.duid.bytes, b->dhcp.duid.len);
}

static void send(struct bench *b, uint8_t control, const uint8_t *message, size_t len)
{
	static const struct ip_addr client = { { 0xfe, 0x80, [15] = 9 } }, agents = DHCP6_ALL_AGENTS;
	static const struct mac mac = { { 2, 0, 0, 0, 0, 9 } };
	size_t size = ETH_HEADER_LEN + IPV6_HEADER_LEN + UDP_HEADER_LEN + len;
	uint8_t *bytes = malloc(size), *payload = malloc(len);
	check(bytes && (payload || len == 0));
	if (len > 0)
		memcpy(payload, message, len);
	if (control & 2)
		mend_server_id(b, payload, len);
	const struct ip_addr *dst = control & 1 ? &b->ip6.address : &agents;
	struct bytes_writer w = bytes_writer(bytes, size);
	eth_emit(&w, &(struct eth_header){ .src = mac, .ethertype = ETH_TYPE_IPV6 });
	ipv6_emit(&w,
		  &(struct ipv6_header){
			  .payload_len = (uint16_t)(UDP_HEADER_LEN + len), .next_header = IP_PROTOCOL_UDP, .src = client, .dst = *dst });
	udp_emit_datagram(&w, &client, dst, DHCP6_CLIENT_PORT, DHCP6_SERVER_PORT, payload, len);
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, size);
	struct packet p;
	enum drop_reason why;
	unsigned before = b->replies;
	b->now += control & 4 ? 20 * USEC_PER_SEC : 0;
	b->dhcp.service.ops->expire(&b->dhcp.service, b->now, &b->sink);
	if (control & 8)
		dhcp6_saved(&b->dhcp, b->now);
	check(packet_parse(&frame, &b->port, &b->arena, &p, &why) == 0);
	check(b->dhcp.service.ops->input(&b->dhcp.service, b->now, &p, &b->sink) == SERVICE_TAKEN);
	check(b->replies <= before + 1);
	arena_reset(&b->arena);
	free(payload);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefix6 prefix = { .network = { { 0xfd } }, .length = 64 };
	struct reservation reserved = { .mac = { { 2, 0, 0, 0, 0, 9 } }, .ip = IP4(192, 168, 122, 9) };
	struct bench *b = calloc(1, sizeof(*b));
	check(b && reservation_table_init(&b->reservations, &reserved, 1) == 0);
	b->ip6 = gateway_ip6_of(&prefix);
	b->sink.ops = &sink_ops;
	b->port.id = 1;
	b->env.ops = &env_ops;
	arena_init(&b->arena, 1 << 18);
	dhcp6_init(&b->dhcp, &(struct dhcp6_config){ .env = &b->env,
						     .saves = true,
						     .ip6 = &b->ip6,
						     .domain = "lan",
						     .key = { { 1, 2 } },
						     .lease_time = 60,
						     .reservations = &b->reservations });
	struct bytes_reader r = bytes_reader(data, size);
	while (r.left >= 3) {
		uint8_t control = bytes_get_u8(&r);
		size_t len = bytes_get_be16(&r);
		len = MIN(MIN(len, r.left), (size_t)60000);
		const uint8_t *message = bytes_take(&r, len);
		if (message)
			send(b, control, message, len);
	}
	check(b->dhcp.n_declined <= DHCP6_DECLINED_PER_PORT);
	arena_done(&b->arena);
	dhcp6_done(&b->dhcp);
	reservation_table_done(&b->reservations);
	free(b);
	return 0;
}
