/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DHCPv6 server on a segment, with memory ports as guests. */
#include "service/dhcp6/dhcp6.h"

#include "base/macros.h"
#include "gateway/gateway.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "service/dhcp/reservation.h"
#include "support/memory_port.h"
#include "wire/dhcp.h"
#include "wire/udp.h"

#include <errno.h>

#define FRAME_MAX 1514
#define PREFIX 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a, 0, 0
#define LEASE_TIME 3600u

static const struct mac gateway_mac = { { 2, 0, 0, 0, 0, 1 } }, mac_a = { { 2, 0, 0, 0, 0, 2 } }, mac_b = { { 2, 0, 0, 0, 0, 3 } };
static const struct ip_addr gateway_local = { { 0xfe, 0x80, [15] = 1 } }, gateway_ip = { { PREFIX, [15] = 1 } };
static const struct ip_addr local_a = { { 0xfe, 0x80, [15] = 0xa } }, agents = DHCP6_ALL_AGENTS, elsewhere = { { 0xfd, 0xee, [15] = 1 } };
static const struct dhcp6_duid duid_a = { 10, { 0, 3, 0, 1, 2, 0, 0, 0, 0, 2 } }, duid_b = { 10, { 0, 3, 0, 1, 2, 0, 0, 0, 0, 3 } };

struct told {
	enum dhcp_lease_event what;
	struct ip_addr addr;
	struct mac mac;
	char name[GUEST_NAME_SIZE];
};

struct fixture {
	struct segment segment;
	struct gateway gateway;
	struct reservation_table reservations;
	struct dhcp6 dhcp;
	struct memory_port a;
	struct dhcp6_env env;
	unsigned n_told, n_saves; /* events; requests to save soon */
	struct told told[8];      /* the latest is that before n_told */
	struct mac absent;        /* is behind no port */
	struct mac elsewhere;     /* is behind another port */
};

static struct fixture *of_env(struct dhcp6_env *env)
{
	return container_of(env, struct fixture, env);
}

static struct port *port_of(struct dhcp6_env *env, usec_t now, struct mac mac)
{
	static struct port other;
	struct fixture *f = of_env(env);
	return mac_equal(mac, f->absent) ? NULL : mac_equal(mac, f->elsewhere) ? &other : &f->a.port;
}

static void identified(struct dhcp6_env *env, usec_t now, struct mac mac, const struct dhcp6_message *m)
{
}

static bool may_have_name(struct dhcp6_env *env, usec_t now, struct mac mac, const char *name)
{
	return strcmp(name, "taken") != 0;
}

static const char *name_of(struct dhcp6_env *env, usec_t now, struct mac mac)
{
	return mac_equal(mac, mac_b) ? "web" : "";
}

static void changed(struct dhcp6_env *env, usec_t now, bool soon)
{
	of_env(env)->n_saves += soon;
}

static void leased(struct dhcp6_env *env, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what)
{
	struct fixture *f = of_env(env);
	struct told *t = &f->told[f->n_told++ % ARRAY_SIZE(f->told)];
	*t = (struct told){ .what = what, .addr = l->addr, .mac = l->mac };
	memcpy(t->name, l->name, sizeof(t->name));
}

static const struct dhcp6_env_ops env_ops = { port_of, identified, may_have_name, name_of, changed, leased };

static void start(struct fixture *f, uint64_t key)
{
	f->env.ops = &env_ops;
	dhcp6_done(&f->dhcp);
	dhcp6_init(&f->dhcp, &(struct dhcp6_config){ .env = &f->env,
						     .saves = true,
						     .mac = gateway_mac,
						     .ip6 = &f->gateway.config.ip6,
						     .domain = "lanlet.internal",
						     .key = { { key, 1 } },
						     .lease_time = LEASE_TIME,
						     .reservations = &f->reservations });
}

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ 0 };
	struct hash_key key = { { 5, 6 } };
	struct prefix6 prefix = { { { PREFIX } }, 64 };
	struct reservation reserved = { .mac = mac_b, .ip = IP4(192, 168, 122, 63) };
	g_assert_cmpint(reservation_table_init(&f->reservations, &reserved, 1), ==, 0);
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = key }), ==, 0);
	g_assert_cmpint(gateway_init(&f->gateway, &f->segment,
				     &(struct gateway_config){ .mac = gateway_mac,
							       .ip = IP4(10, 0, 0, 1),
							       .subnet = { IP4(10, 0, 0, 0), 24 },
							       .ip6 = gateway_ip6_of(&prefix),
							       .hash_key = key }),
			==, 0);
	start(f, 1);
	gateway_add_service(&f->gateway, &f->dhcp.service);
	memory_port_init(&f->a, &f->segment, "a", FRAME_MAX);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	memory_port_done(&f->a);
	gateway_done(&f->gateway, 0);
	dhcp6_done(&f->dhcp);
	segment_done(&f->segment);
	reservation_table_done(&f->reservations);
}

/* A client's message.  Members that are 0 or NULL are left out. */
struct ask {
	enum dhcp6_type type;
	const struct dhcp6_duid *client, *server;
	uint16_t ia; /* option code */
	uint32_t iaid;
	const struct ip_addr *address;
	bool rapid_commit, wants_all;
	struct mac mac;            /* zero: mac_a */
	const char *name;          /* of option 39, in wire format */
	const struct ip_addr *dst; /* NULL: all agents */
};

static void put_ia(struct bytes_writer *w, const struct ask *ask)
{
	size_t begun = dhcp6_begin(w, (enum dhcp6_option)ask->ia);
	bytes_put_be32(w, ask->iaid);
	if (ask->ia != DHCP6_OPTION_IA_TA)
		bytes_put_zeros(w, 8);
	if (ask->address)
		dhcp6_put_address(w, ask->address, 0, 0);
	dhcp6_end(w, begun);
}

static void put_message(struct bytes_writer *w, const struct ask *ask)
{
	static const uint8_t requested[] = { 0, DHCP6_OPTION_DNS, 0, DHCP6_OPTION_SEARCH, 0, DHCP6_OPTION_REFRESH_TIME };
	dhcp6_put_header(w, ask->type, 0xabcdef);
	if (ask->client)
		dhcp6_put_option(w, DHCP6_OPTION_CLIENT_ID, ask->client->bytes, ask->client->len);
	if (ask->server)
		dhcp6_put_option(w, DHCP6_OPTION_SERVER_ID, ask->server->bytes, ask->server->len);
	dhcp6_put_option(w, DHCP6_OPTION_REQUESTED, requested, ask->wants_all ? sizeof(requested) : 2);
	if (ask->rapid_commit)
		dhcp6_put_option(w, DHCP6_OPTION_RAPID_COMMIT, NULL, 0);
	if (ask->name) {
		dhcp6_put_option(w, DHCP6_OPTION_REQUESTED, (uint8_t[]){ 0, DHCP6_OPTION_FQDN }, 2);
		size_t begun = dhcp6_begin(w, DHCP6_OPTION_FQDN);
		bytes_put_u8(w, 0);
		bytes_put(w, ask->name, strlen(ask->name));
		dhcp6_end(w, begun);
	}
	if (ask->ia)
		put_ia(w, ask);
}

static void send_bytes(struct fixture *f, const struct ask *ask, const void *payload, size_t len)
{
	uint8_t buf[FRAME_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	struct mac mac = mac_is_zero(ask->mac) ? mac_a : ask->mac;
	const struct ip_addr *dst = ask->dst ? ask->dst : &agents;
	memory_port_clear(&f->a);
	eth_emit(&w, &(struct eth_header){ ipv6_is_multicast(dst) ? ipv6_group_mac(dst) : gateway_mac, mac, ETH_TYPE_IPV6 });
	ipv6_emit(&w, &(struct ipv6_header){ .payload_len = (uint16_t)(UDP_HEADER_LEN + len),
					     .next_header = IP_PROTOCOL_UDP,
					     .hop_limit = 1,
					     .src = local_a,
					     .dst = *dst });
	udp_emit_datagram(&w, &local_a, dst, DHCP6_CLIENT_PORT, DHCP6_SERVER_PORT, payload, len);
	g_assert_false(w.failed);
	memory_port_input(&f->a, 0, buf, w.len);
}

static void send(struct fixture *f, const struct ask *ask)
{
	uint8_t message[512];
	struct bytes_writer w = bytes_writer(message, sizeof(message));
	put_message(&w, ask);
	g_assert_false(w.failed);
	send_bytes(f, ask, message, w.len);
}

/* What a client reads of a reply. */
struct seen {
	uint8_t type;
	uint16_t port;
	struct ip_addr src;
	struct dhcp6_duid client, server;
	int status;    /* -1: none */
	int ia_status; /* of the last IA; -1: none */
	bool rapid_commit, has_preference, has_dns, has_search, has_refresh_time;
	uint32_t iaid, t1, t2;
	unsigned n_addresses;
	struct ip_addr addresses[4];
	uint8_t fqdn_flags;
	struct dns_name fqdn;
	uint32_t valid[4];
};

static void read_options(struct bytes_reader *r, struct seen *s, bool in_ia);

static void read_option(uint16_t code, struct bytes_reader *v, struct seen *s, bool in_ia)
{
	switch (code) {
	case DHCP6_OPTION_CLIENT_ID: bytes_get(v, s->client.bytes, s->client.len = v->left); break;
	case DHCP6_OPTION_SERVER_ID: bytes_get(v, s->server.bytes, s->server.len = v->left); break;
	case DHCP6_OPTION_STATUS: *(in_ia ? &s->ia_status : &s->status) = bytes_get_be16(v); break;
	case DHCP6_OPTION_RAPID_COMMIT: s->rapid_commit = true; break;
	case DHCP6_OPTION_PREFERENCE: s->has_preference = bytes_get_u8(v) == 255; break;
	case DHCP6_OPTION_DNS: s->has_dns = v->left == 16 && memcmp(v->at, gateway_ip.b, 16) == 0; break;
	case DHCP6_OPTION_SEARCH: s->has_search = v->left == 17 && memcmp(v->at, "\6lanlet\10internal", 17) == 0; break;
	case DHCP6_OPTION_FQDN:
		s->fqdn_flags = bytes_get_u8(v);
		g_assert_cmpint(dns_name_parse(v, v->at, &s->fqdn), ==, 0);
		break;
	case DHCP6_OPTION_REFRESH_TIME: s->has_refresh_time = bytes_get_be32(v) == LEASE_TIME; break;
	case DHCP6_OPTION_IA_TA:
		bytes_skip(v, 4);
		read_options(v, s, true);
		break;
	case DHCP6_OPTION_IA_NA:
	case DHCP6_OPTION_IA_PD:
		s->iaid = bytes_get_be32(v);
		s->t1 = bytes_get_be32(v);
		s->t2 = bytes_get_be32(v);
		read_options(v, s, true);
		break;
	case DHCP6_OPTION_IA_ADDRESS:
		bytes_get(v, s->addresses[s->n_addresses].b, 16);
		bytes_skip(v, 4);
		s->valid[s->n_addresses++] = bytes_get_be32(v);
		break;
	default: g_assert_not_reached();
	}
	g_assert_false(v->failed);
}

static void read_options(struct bytes_reader *r, struct seen *s, bool in_ia)
{
	while (r->left > 0) {
		uint16_t code = bytes_get_be16(r);
		size_t len = bytes_get_be16(r);
		const uint8_t *value = bytes_take(r, len);
		g_assert_true(value || len == 0);
		struct bytes_reader v = bytes_reader(value, len);
		read_option(code, &v, s, in_ia);
	}
	g_assert_false(r->failed);
}

/* The UDP payload of the only frame that was sent. */
static struct bytes_reader only_payload(struct fixture *f, struct seen *s)
{
	size_t len;
	g_assert_cmpuint(f->a.frames->len, ==, 1);
	const uint8_t *bytes = memory_port_frame(&f->a, 0, &len);
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, len);
	struct packet p;
	struct udp_view udp;
	enum drop_reason why;
	g_assert_cmpint(packet_parse(&frame, NULL, &f->segment.arena, &p, &why), ==, 0);
	g_assert_cmpint(packet_udp(&p, &udp), ==, 0);
	g_assert_true(ip_equal(&p.dst, &local_a));
	s->src = p.src;
	s->port = udp.dst.port;
	return bytes_reader(udp.payload, udp.len);
}

static struct seen read_reply(struct bytes_reader *r)
{
	struct seen s = { .status = -1, .ia_status = -1 };
	uint32_t first = bytes_get_be32(r);
	s.type = (uint8_t)(first >> 24);
	g_assert_cmphex(first & 0xffffff, ==, 0xabcdef);
	read_options(r, &s, false);
	return s;
}

static struct seen reply_to(struct fixture *f, const struct ask *ask)
{
	struct seen outer = { 0 };
	send(f, ask);
	struct bytes_reader r = only_payload(f, &outer);
	struct seen s = read_reply(&r);
	s.src = outer.src;
	s.port = outer.port;
	return s;
}

static void assert_ignored(struct fixture *f, const struct ask *ask)
{
	uint64_t before = f->segment.drops.count[DROP_DHCP_IGNORED];
	send(f, ask);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_cmpuint(f->segment.drops.count[DROP_DHCP_IGNORED], ==, before + 1);
}

/* The whole exchange. */
static struct ip_addr lease(struct fixture *f, const struct dhcp6_duid *duid, uint32_t iaid, struct mac mac)
{
	struct ask ask = { .type = DHCP6_SOLICIT, .client = duid, .ia = DHCP6_OPTION_IA_NA, .iaid = iaid, .mac = mac };
	struct seen offer = reply_to(f, &ask);
	g_assert_cmpuint(offer.type, ==, DHCP6_ADVERTISE);
	ask.type = DHCP6_REQUEST;
	ask.server = &offer.server;
	ask.address = &offer.addresses[0];
	struct seen s = reply_to(f, &ask);
	g_assert_cmpuint(s.type, ==, DHCP6_REPLY);
	g_assert_cmpuint(s.n_addresses, ==, 1);
	g_assert_true(ip_equal(&s.addresses[0], &offer.addresses[0]));
	return s.addresses[0];
}

static void client_gets_one_address_of_the_prefix(struct fixture *f, gconstpointer data)
{
	struct seen s = reply_to(
		f, &(struct ask){ .type = DHCP6_SOLICIT, .client = &duid_a, .ia = DHCP6_OPTION_IA_NA, .iaid = 77, .wants_all = true });
	g_assert_cmpuint(s.type, ==, DHCP6_ADVERTISE);
	g_assert_true(dhcp6_duid_equal(&s.client, &duid_a) && dhcp6_duid_equal(&s.server, &f->dhcp.duid));
	g_assert_true(s.has_preference && s.has_dns && s.has_search && !s.rapid_commit);
	g_assert_cmpuint(s.iaid, ==, 77);
	g_assert_cmpuint(s.t1, ==, LEASE_TIME / 2);
	g_assert_cmpuint(s.t2, ==, LEASE_TIME / 5 * 4);
	g_assert_cmpuint(s.valid[0], ==, LEASE_TIME);
	g_assert_cmpuint(s.port, ==, DHCP6_CLIENT_PORT);
	g_assert_true(ip_equal(&s.src, &gateway_local));
	struct ip_addr addr = lease(f, &duid_a, 77, mac_a);
	g_assert_true(prefix6_contains(&f->gateway.config.ip6.prefix, &addr) && ip_equal(&addr, &s.addresses[0]));
}

static void addresses_differ_by_client_and_association_and_survive_a_restart(struct fixture *f, gconstpointer data)
{
	struct ip_addr a = lease(f, &duid_a, 1, mac_a), b = lease(f, &duid_a, 2, mac_a), c = lease(f, &duid_b, 1, mac_a);
	g_assert_false(ip_equal(&a, &b) || ip_equal(&a, &c) || ip_equal(&b, &c));
	start(f, 1);
	struct ip_addr again = lease(f, &duid_a, 1, mac_a);
	g_assert_true(ip_equal(&a, &again));
	start(f, 2); /* another network */
	again = lease(f, &duid_a, 1, mac_a);
	g_assert_false(ip_equal(&a, &again));
}

static void reservation_of_a_mac_reserves_the_address_that_ends_in_it(struct fixture *f, gconstpointer data)
{
	struct ip_addr addr = lease(f, &duid_b, 1, mac_b), wanted;
	g_assert_cmpint(ip_parse("fd12:3456:789a::c0a8:7a3f", &wanted), ==, 0);
	g_assert_true(ip_equal(&addr, &wanted));
}

static void rapid_commit_saves_two_messages(struct fixture *f, gconstpointer data)
{
	struct seen s =
		reply_to(f, &(struct ask){ .type = DHCP6_SOLICIT, .client = &duid_a, .ia = DHCP6_OPTION_IA_NA, .rapid_commit = true });
	g_assert_cmpuint(s.type, ==, DHCP6_REPLY);
	g_assert_true(s.rapid_commit && s.n_addresses == 1 && !s.has_preference);
}

/* RFC 8415 §18.3.4 */
static void renewal_keeps_the_address_and_ends_others(struct fixture *f, gconstpointer data)
{
	struct ip_addr mine = lease(f, &duid_a, 1, mac_a);
	struct ask ask = { .client = &duid_a, .ia = DHCP6_OPTION_IA_NA, .iaid = 1, .address = &mine };
	for (int i = 0; i < 2; i++) {
		ask.type = i == 0 ? DHCP6_RENEW : DHCP6_REBIND;
		ask.server = i == 0 ? &f->dhcp.duid : NULL;
		ask.address = &mine;
		struct seen s = reply_to(f, &ask);
		g_assert_true(s.type == DHCP6_REPLY && s.n_addresses == 1 && ip_equal(&s.addresses[0], &mine) && s.valid[0] == LEASE_TIME);
		ask.address = &elsewhere;
		s = reply_to(f, &ask);
		g_assert_cmpuint(s.n_addresses, ==, 2);
		g_assert_true(ip_equal(&s.addresses[1], &elsewhere) && s.valid[1] == 0);
	}
}

static void confirm_says_whether_addresses_belong_to_the_segment(struct fixture *f, gconstpointer data)
{
	struct ip_addr mine = lease(f, &duid_a, 1, mac_a);
	struct ask ask = { .type = DHCP6_CONFIRM, .client = &duid_a, .ia = DHCP6_OPTION_IA_NA, .address = &mine };
	g_assert_cmpint(reply_to(f, &ask).status, ==, DHCP6_SUCCESS);
	ask.address = &elsewhere;
	g_assert_cmpint(reply_to(f, &ask).status, ==, DHCP6_NOT_ON_LINK);
	ask.address = NULL;
	assert_ignored(f, &ask);
}

static void declined_address_is_not_given_to_the_client_again(struct fixture *f, gconstpointer data)
{
	struct ip_addr first = lease(f, &duid_a, 1, mac_a);
	struct ask ask = {
		.type = DHCP6_DECLINE, .client = &duid_a, .server = &f->dhcp.duid, .ia = DHCP6_OPTION_IA_NA, .iaid = 1, .address = &first
	};
	g_assert_cmpint(reply_to(f, &ask).status, ==, DHCP6_SUCCESS);
	struct ip_addr second = lease(f, &duid_a, 1, mac_a);
	g_assert_false(ip_equal(&first, &second));
	reply_to(f, &ask); /* not its address any more */
	struct ip_addr third = lease(f, &duid_a, 1, mac_a);
	g_assert_true(ip_equal(&second, &third));
}

/* Another guest may know or guess the DUID of a client: with it, it is told the client's address. */
static void decline_by_another_mac_does_not_move_the_client(struct fixture *f, gconstpointer data)
{
	struct ip_addr before = lease(f, &duid_a, 1, mac_a);
	reply_to(f, &(struct ask){ .type = DHCP6_DECLINE,
				   .client = &duid_a,
				   .server = &f->dhcp.duid,
				   .ia = DHCP6_OPTION_IA_NA,
				   .iaid = 1,
				   .address = &before,
				   .mac = { { 2, 0, 0, 0, 0, 9 } } });
	struct ip_addr after = lease(f, &duid_a, 1, mac_a);
	g_assert_true(ip_equal(&before, &after));
}

static void declines_of_a_port_are_bounded(struct fixture *f, gconstpointer data)
{
	for (uint32_t iaid = 0; iaid <= DHCP6_DECLINED_PER_PORT; iaid++) {
		struct ip_addr addr = lease(f, &duid_a, iaid, mac_a);
		reply_to(f, &(struct ask){ .type = DHCP6_DECLINE,
					   .client = &duid_a,
					   .server = &f->dhcp.duid,
					   .ia = DHCP6_OPTION_IA_NA,
					   .iaid = iaid,
					   .address = &addr });
	}
	g_assert_cmpuint(f->dhcp.n_declined, ==, DHCP6_DECLINED_PER_PORT);
	g_assert_cmpuint(f->segment.drops.count[DROP_DHCP_SHARE], ==, 1);
}

/* Of ports that were detached long ago, say. */
static void decline_that_is_longest_ago_is_forgotten_first(struct fixture *f, gconstpointer data)
{
	struct ip_addr first = lease(f, &duid_a, 1, mac_a);
	f->dhcp.n_declined = DHCP6_DECLINED_MAX;
	for (unsigned i = 0; i < DHCP6_DECLINED_MAX; i++)
		f->dhcp.declined[i] = (struct dhcp6_declined){ .client = i, .port_id = 1000 + i, .times = 1 };
	reply_to(f, &(struct ask){ .type = DHCP6_DECLINE,
				   .client = &duid_a,
				   .server = &f->dhcp.duid,
				   .ia = DHCP6_OPTION_IA_NA,
				   .iaid = 1,
				   .address = &first });
	struct ip_addr second = lease(f, &duid_a, 1, mac_a);
	g_assert_false(ip_equal(&first, &second));
	g_assert_cmpuint(f->dhcp.n_declined, ==, DHCP6_DECLINED_MAX);
	g_assert_cmpuint(f->dhcp.declined[0].client, ==, 1);
}

static void release_is_acknowledged(struct fixture *f, gconstpointer data)
{
	struct ip_addr mine = lease(f, &duid_a, 1, mac_a);
	struct ask ask = { .type = DHCP6_RELEASE, .client = &duid_a, .server = &f->dhcp.duid, .ia = DHCP6_OPTION_IA_NA, .address = &mine };
	g_assert_cmpint(reply_to(f, &ask).status, ==, DHCP6_SUCCESS);
}

static struct ask release_of(struct fixture *f, const struct ip_addr *addr)
{
	return (struct ask){
		.type = DHCP6_RELEASE, .client = &duid_a, .server = &f->dhcp.duid, .ia = DHCP6_OPTION_IA_NA, .iaid = 1, .address = addr
	};
}

static const struct told *last_told(const struct fixture *f)
{
	g_assert_cmpuint(f->n_told, >, 0);
	return &f->told[(f->n_told - 1) % ARRAY_SIZE(f->told)];
}

static void offer_is_no_lease(struct fixture *f, gconstpointer data)
{
	reply_to(f, &(struct ask){ .type = DHCP6_SOLICIT, .client = &duid_a, .ia = DHCP6_OPTION_IA_NA });
	g_assert_cmpuint(lease6_count(&f->dhcp.leases), ==, 0);
	g_assert_cmpuint(f->n_told, ==, 0);
}

static void lease_is_told_renewed_and_ends(struct fixture *f, gconstpointer data)
{
	struct ip_addr mine = lease(f, &duid_a, 1, mac_a);
	g_assert_cmpuint(f->n_told, ==, 1);
	g_assert_true(last_told(f)->what == DHCP_LEASE_GIVEN && ip_equal(&last_told(f)->addr, &mine) &&
		      mac_equal(last_told(f)->mac, mac_a));
	g_assert_nonnull(dhcp6_find_address(&f->dhcp, LEASE_TIME * USEC_PER_SEC - 1, &mine));
	reply_to(f, &(struct ask){ .type = DHCP6_RENEW,
				   .client = &duid_a,
				   .server = &f->dhcp.duid,
				   .ia = DHCP6_OPTION_IA_NA,
				   .iaid = 1,
				   .address = &mine });
	g_assert_true(f->n_told == 2 && last_told(f)->what == DHCP_LEASE_RENEWED);
	const struct service *s = &f->dhcp.service;
	usec_t end = s->ops->deadline(s);
	g_assert_cmpuint(end, ==, LEASE_TIME * USEC_PER_SEC);
	f->dhcp.service.ops->expire(&f->dhcp.service, end, NULL);
	g_assert_true(f->n_told == 3 && last_told(f)->what == DHCP_LEASE_EXPIRED);
	g_assert_null(dhcp6_find_address(&f->dhcp, end, &mine));
	g_assert_cmpuint(s->ops->deadline(s), ==, USEC_INFINITY);
}

static void renewals_are_saved_when_the_saved_end_is_near(struct fixture *f, gconstpointer data)
{
	struct ip_addr mine = lease(f, &duid_a, 1, mac_a);
	g_assert_cmpuint(f->n_saves, ==, 1);
	dhcp6_saved(&f->dhcp, 0);
	for (int i = 0; i < 3; i++)
		lease(f, &duid_a, 1, mac_a);
	g_assert_cmpuint(f->n_saves, ==, 1);
	struct lease6 *l = lease6_find_address(&f->dhcp.leases, &mine);
	l->saved = LEASE_TIME / 2 * USEC_PER_SEC;
	lease(f, &duid_a, 1, mac_a);
	g_assert_cmpuint(f->n_saves, ==, 2);
}

/* RFC 8415 §18.3.7 */
static void release_ends_the_lease_of_its_own_client_only(struct fixture *f, gconstpointer data)
{
	struct ip_addr mine = lease(f, &duid_a, 1, mac_a);
	dhcp6_saved(&f->dhcp, 0);
	struct ask ask = release_of(f, &mine);
	ask.mac = mac_b;
	struct seen s = reply_to(f, &ask);
	g_assert_true(s.status == DHCP6_SUCCESS && s.ia_status == DHCP6_NO_BINDING);
	g_assert_nonnull(dhcp6_find_address(&f->dhcp, 0, &mine));
	ask.mac = mac_a;
	s = reply_to(f, &ask);
	g_assert_true(s.status == DHCP6_SUCCESS && s.ia_status == -1 && last_told(f)->what == DHCP_LEASE_RELEASED);
	g_assert_null(dhcp6_find_address(&f->dhcp, 0, &mine));
	g_assert_cmpuint(lease6_count(&f->dhcp.leases), ==, 1); /* until the saved leases have its end */
	dhcp6_saved(&f->dhcp, 0);
	g_assert_cmpuint(lease6_count(&f->dhcp.leases), ==, 0);
	g_assert_cmpint(reply_to(f, &ask).ia_status, ==, DHCP6_NO_BINDING);
}

static void decline_ends_the_lease(struct fixture *f, gconstpointer data)
{
	struct ip_addr mine = lease(f, &duid_a, 1, mac_a);
	struct ask ask = release_of(f, &mine);
	ask.type = DHCP6_DECLINE;
	g_assert_cmpint(reply_to(f, &ask).ia_status, ==, -1);
	g_assert_true(last_told(f)->what == DHCP_LEASE_DECLINED);
	g_assert_null(dhcp6_find_address(&f->dhcp, 0, &mine));
}

/* Machines that were copied from one image have one DUID. */
static void copies_of_a_machine_get_addresses_of_their_own(struct fixture *f, gconstpointer data)
{
	struct ip_addr first = lease(f, &duid_a, 1, mac_a), second = lease(f, &duid_a, 1, (struct mac){ { 2, 0, 0, 0, 0, 7 } });
	g_assert_false(ip_equal(&first, &second));
	struct ip_addr again = lease(f, &duid_a, 1, mac_a);
	g_assert_true(ip_equal(&first, &again));
	struct ask ask = release_of(f, &first);
	reply_to(f, &ask);
	again = lease(f, &duid_a, 1, (struct mac){ { 2, 0, 0, 0, 0, 7 } });
	g_assert_true(ip_equal(&second, &again));
}

static void machine_keeps_its_address_with_another_network_card(struct fixture *f, gconstpointer data)
{
	struct ip_addr before = lease(f, &duid_a, 1, mac_a);
	f->absent = mac_a;
	struct ip_addr after = lease(f, &duid_a, 1, (struct mac){ { 2, 0, 0, 0, 0, 7 } });
	g_assert_true(ip_equal(&before, &after));
	g_assert_cmpuint(lease6_count(&f->dhcp.leases), ==, 1);
}

/* RFC 4704 §6 */
static void name_of_the_client_is_recorded_and_answered(struct fixture *f, gconstpointer data)
{
	struct dns_name full;
	struct mac holder;
	struct ask ask = { .type = DHCP6_SOLICIT, .client = &duid_a, .ia = DHCP6_OPTION_IA_NA, .rapid_commit = true, .name = "\6Debian" };
	struct seen s = reply_to(f, &ask);
	g_assert_cmpint(dns_name_from_text("debian.lanlet.internal", &full), ==, 0);
	g_assert_true(dns_name_equal(&s.fqdn, &full));
	g_assert_cmpuint(s.fqdn_flags, ==, DHCP6_FQDN_SERVER | DHCP6_FQDN_OVERRIDE);
	g_assert_cmpint(dhcp6_holder_of_name(&f->dhcp, 0, "debian", &holder), ==, 0);
	g_assert_true(mac_equal(holder, mac_a));
	g_assert_cmpstr(dhcp6_name_of(&f->dhcp, 0, mac_a), ==, "debian");
	g_assert_cmpstr(last_told(f)->name, ==, "debian");
}

static void name_of_another_guest_is_not_given(struct fixture *f, gconstpointer data)
{
	struct ask ask = { .type = DHCP6_SOLICIT, .client = &duid_a, .ia = DHCP6_OPTION_IA_NA, .rapid_commit = true, .name = "\5taken" };
	g_assert_cmpuint(reply_to(f, &ask).fqdn.len, ==, 0);
	ask.name = "\3own\3org";
	reply_to(f, &ask);
	g_assert_cmpstr(dhcp6_name_of(&f->dhcp, 0, mac_a), ==, "own");
	ask.client = &duid_b;
	ask.mac = (struct mac){ { 2, 0, 0, 0, 0, 7 } };
	reply_to(f, &ask);
	g_assert_cmpstr(dhcp6_name_of(&f->dhcp, 0, ask.mac), ==, "");
	ask.mac = mac_b; /* has a name by a reservation */
	ask.name = "\5other";
	g_assert_cmpmem(reply_to(f, &ask).fqdn.bytes, 4, "\3web", 4);
}

/* One guest invents DUIDs; beyond its share its own records give way, and its clients keep their addresses. */
static void records_are_bounded_for_each_mac(struct fixture *f, gconstpointer data)
{
	struct ip_addr first = lease(f, &duid_a, 0, mac_a);
	for (uint32_t iaid = 1; iaid < 3 * LEASES6_PER_MAC; iaid++)
		lease(f, &duid_a, iaid, mac_a);
	g_assert_cmpuint(lease6_count(&f->dhcp.leases), ==, LEASES6_PER_MAC);
	struct ip_addr again = lease(f, &duid_a, 0, mac_a);
	g_assert_true(ip_equal(&first, &again));
}

static void records_are_bounded_for_each_port(struct fixture *f, gconstpointer data)
{
	for (uint32_t i = 0; i < LEASES6_MAX; i++)
		lease(f, &duid_a, i, (struct mac){ { 2, 0, 0, (uint8_t)(i >> 12), (uint8_t)(i >> 4), 8 } });
	g_assert_cmpuint(lease6_count(&f->dhcp.leases), <=, LEASES6_MAX / 8 * 7 + 1);
}

static void count_lease(void *opaque, const struct lease6 *l)
{
	++*(unsigned *)opaque;
}

static void lease_outlives_a_restart(struct fixture *f, gconstpointer data)
{
	struct ip_addr mine = lease(f, &duid_a, 1, mac_a);
	unsigned n = 0;
	dhcp6_for_each_unsaved(&f->dhcp, count_lease, &n);
	dhcp6_for_each_lease(&f->dhcp, 0, count_lease, &n);
	g_assert_cmpuint(n, ==, 2);
	start(f, 1);
	struct dhcp6_saved_lease saved = { .addr = mine, .client = duid_a, .iaid = 1, .expires = USEC_PER_SEC, .name = "debian" };
	g_assert_cmpint(dhcp6_restore(&f->dhcp, 0, &saved), ==, 0);
	saved.addr = elsewhere;
	g_assert_cmpint(dhcp6_restore(&f->dhcp, 0, &saved), ==, -EADDRNOTAVAIL);
	const struct lease6 *l = dhcp6_find_address(&f->dhcp, 0, &mine);
	g_assert_true(l && mac_is_zero(l->mac));
	g_assert_cmpstr(l->name, ==, "debian");
	lease(f, &duid_a, 1, mac_a); /* its MAC is known again */
	g_assert_true(l == dhcp6_find_address(&f->dhcp, 0, &mine) && mac_equal(l->mac, mac_a));
	g_assert_cmpuint(lease6_count(&f->dhcp.leases), ==, 1);
}

static void information_request_is_answered_without_an_address(struct fixture *f, gconstpointer data)
{
	struct ask ask = { .type = DHCP6_INFORMATION_REQUEST, .wants_all = true };
	struct seen s = reply_to(f, &ask);
	g_assert_true(s.type == DHCP6_REPLY && s.client.len == 0);
	g_assert_true(s.has_dns && s.has_search && s.has_refresh_time && s.n_addresses == 0);
	ask.wants_all = false;
	ask.client = &duid_a;
	s = reply_to(f, &ask);
	g_assert_true(s.has_dns && !s.has_search && !s.has_refresh_time && dhcp6_duid_equal(&s.client, &duid_a));
	ask.ia = DHCP6_OPTION_IA_NA;
	assert_ignored(f, &ask);
}

static void prefixes_and_temporary_addresses_are_refused(struct fixture *f, gconstpointer data)
{
	struct ask ask = { .type = DHCP6_SOLICIT, .client = &duid_a, .ia = DHCP6_OPTION_IA_PD };
	g_assert_cmpint(reply_to(f, &ask).ia_status, ==, DHCP6_NO_PREFIXES);
	ask.ia = DHCP6_OPTION_IA_TA;
	g_assert_cmpint(reply_to(f, &ask).ia_status, ==, DHCP6_NO_ADDRESSES);
}

/* RFC 8415 §16 */
static void messages_that_break_the_rules_of_their_type_are_ignored(struct fixture *f, gconstpointer data)
{
	const struct ask bad[] = {
		{ .type = DHCP6_SOLICIT, .ia = DHCP6_OPTION_IA_NA },
		{ .type = DHCP6_SOLICIT, .client = &duid_a, .server = &f->dhcp.duid, .ia = DHCP6_OPTION_IA_NA },
		{ .type = DHCP6_REQUEST, .client = &duid_a, .ia = DHCP6_OPTION_IA_NA },
		{ .type = DHCP6_REQUEST, .client = &duid_a, .server = &duid_b, .ia = DHCP6_OPTION_IA_NA },
		{ .type = DHCP6_REBIND, .client = &duid_a, .server = &f->dhcp.duid, .ia = DHCP6_OPTION_IA_NA },
		{ .type = DHCP6_INFORMATION_REQUEST, .server = &duid_b },
		{ .type = DHCP6_REPLY, .client = &duid_a, .server = &f->dhcp.duid },
		{ .type = (enum dhcp6_type)99, .client = &duid_a },
		{ .type = DHCP6_SOLICIT, .client = &duid_a, .ia = DHCP6_OPTION_IA_NA, .dst = &gateway_ip },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_ignored(f, &bad[i]);
}

static void client_that_sends_to_the_servers_address_is_told_to_use_multicast(struct fixture *f, gconstpointer data)
{
	struct seen s = reply_to(
		f, &(struct ask){
			   .type = DHCP6_RENEW, .client = &duid_a, .server = &f->dhcp.duid, .ia = DHCP6_OPTION_IA_NA, .dst = &gateway_ip });
	g_assert_cmpint(s.status, ==, DHCP6_USE_MULTICAST);
	g_assert_cmpuint(s.n_addresses, ==, 0);
}

/* RFC 8415 §19.3: the answer goes back in the envelopes that it came in. */
/* The answer to a message of duid_b that a relay has sent for mac_b. */
static struct seen relayed(struct fixture *f)
{
	uint8_t bytes[900];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct dhcp6_relay relays[] = { { .hops = 1, .link = gateway_ip, .peer = elsewhere, .interface_id = (const uint8_t *)"eth1", 4 },
					{ .hops = 0, .link = elsewhere, .peer = local_a } };
	size_t outer = dhcp6_begin_relay(&w, &relays[0]), inner = dhcp6_begin_relay(&w, &relays[1]);
	put_message(&w, &(struct ask){ .type = DHCP6_SOLICIT, .client = &duid_b, .ia = DHCP6_OPTION_IA_NA });
	dhcp6_end(&w, inner);
	dhcp6_put_option(&w, DHCP6_OPTION_LINK_LAYER, "\0\1\2\0\0\0\0\3", 8); /* mac_b, by the inner relay */
	dhcp6_end(&w, outer);
	bytes[0] = DHCP6_RELAY_FORWARD;
	bytes[outer + 4] = DHCP6_RELAY_FORWARD;
	send_bytes(f, &(struct ask){ .dst = &gateway_ip }, bytes, w.len);
	struct seen s = { 0 };
	struct bytes_reader r = only_payload(f, &s);
	g_assert_cmpuint(s.port, ==, DHCP6_SERVER_PORT);
	g_assert_true(ip_equal(&s.src, &gateway_local));
	for (size_t i = 0; i < 2; i++) {
		g_assert_cmpuint(bytes_get_u8(&r), ==, DHCP6_RELAY_REPLY);
		g_assert_cmpuint(bytes_get_u8(&r), ==, relays[i].hops);
		g_assert_cmpmem(bytes_take(&r, 16), 16, relays[i].link.b, 16);
		g_assert_cmpmem(bytes_take(&r, 16), 16, relays[i].peer.b, 16);
		if (i == 0)
			g_assert_cmpmem(bytes_take(&r, 8), 8, "\0\22\0\4eth1", 8);
		g_assert_cmpuint(bytes_get_be16(&r), ==, DHCP6_OPTION_RELAY_MESSAGE);
		g_assert_cmpuint(bytes_get_be16(&r), ==, r.left);
	}
	return read_reply(&r);
}

static void relayed_messages_are_answered_through_their_relays(struct fixture *f, gconstpointer data)
{
	struct seen reply = relayed(f);
	g_assert_cmpuint(reply.type, ==, DHCP6_ADVERTISE);
	g_assert_cmphex(reply.addresses[0].b[15], ==, 63); /* reserved for mac_b */
}

static void guest_that_plays_relay_does_not_get_what_is_reserved_for_another(struct fixture *f, gconstpointer data)
{
	struct ip_addr reserved = f->gateway.config.ip6.prefix.network;
	memcpy(reserved.b + 8, "\0\0\0\0\300\250\172\77", 8);
	f->a.port.guarded = true;
	f->elsewhere = mac_b;
	g_assert_false(ip_equal(&relayed(f).addresses[0], &reserved));
	f->elsewhere = (struct mac){ { 0 } };
	g_assert_true(ip_equal(&relayed(f).addresses[0], &reserved));
}

static void list_of_options_that_ends_within_a_code_is_refused(struct fixture *f, gconstpointer data)
{
	static const uint8_t message[] = { DHCP6_INFORMATION_REQUEST, 0, 0, 1, 0, DHCP6_OPTION_REQUESTED, 0, 3, 0, 23, 0 };
	struct dhcp6_message m;
	g_assert_cmpint(dhcp6_parse(message, sizeof(message), &m), ==, -EBADMSG);
}

static void truncated_messages_are_dropped(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[512];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	put_message(&w, &(struct ask){ .type = DHCP6_SOLICIT, .client = &duid_a, .ia = DHCP6_OPTION_IA_NA, .address = &elsewhere });
	struct dhcp6_message m;
	unsigned good = 0;
	for (size_t len = 0; len < w.len; len++) {
		g_autofree uint8_t *copy = g_memdup2(bytes, len);
		good += dhcp6_parse(copy, len, &m) == 0;
	}
	g_assert_cmpuint(good, ==, 3); /* behind the header and two options */
	g_assert_cmpint(dhcp6_parse(bytes, w.len, &m), ==, 0);
	send_bytes(f, &(struct ask){ 0 }, bytes, w.len - 1);
	g_assert_cmpuint(f->segment.drops.count[DROP_DHCP_MALFORMED], ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add("/dhcp6/" #name, struct fixture, NULL, set_up, name, tear_down)
	ADD(client_gets_one_address_of_the_prefix);
	ADD(addresses_differ_by_client_and_association_and_survive_a_restart);
	ADD(reservation_of_a_mac_reserves_the_address_that_ends_in_it);
	ADD(rapid_commit_saves_two_messages);
	ADD(renewal_keeps_the_address_and_ends_others);
	ADD(confirm_says_whether_addresses_belong_to_the_segment);
	ADD(declined_address_is_not_given_to_the_client_again);
	ADD(decline_by_another_mac_does_not_move_the_client);
	ADD(declines_of_a_port_are_bounded);
	ADD(decline_that_is_longest_ago_is_forgotten_first);
	ADD(release_is_acknowledged);
	ADD(offer_is_no_lease);
	ADD(lease_is_told_renewed_and_ends);
	ADD(renewals_are_saved_when_the_saved_end_is_near);
	ADD(release_ends_the_lease_of_its_own_client_only);
	ADD(decline_ends_the_lease);
	ADD(copies_of_a_machine_get_addresses_of_their_own);
	ADD(machine_keeps_its_address_with_another_network_card);
	ADD(name_of_the_client_is_recorded_and_answered);
	ADD(name_of_another_guest_is_not_given);
	ADD(records_are_bounded_for_each_mac);
	ADD(records_are_bounded_for_each_port);
	ADD(lease_outlives_a_restart);
	ADD(guest_that_plays_relay_does_not_get_what_is_reserved_for_another);
	ADD(information_request_is_answered_without_an_address);
	ADD(prefixes_and_temporary_addresses_are_refused);
	ADD(messages_that_break_the_rules_of_their_type_are_ignored);
	ADD(client_that_sends_to_the_servers_address_is_told_to_use_multicast);
	ADD(relayed_messages_are_answered_through_their_relays);
	ADD(list_of_options_that_ends_within_a_code_is_refused);
	ADD(truncated_messages_are_dropped);
	return g_test_run();
}
