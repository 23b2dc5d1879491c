/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hundreds of guests that come, move, lie and go, against a stupid model: the table of guests and the forwarding database must agree with
 * arrays that are searched from end to end, and their accounts with sums.
 *
 * The seed of each run is GLib's: --seed repeats a run.
 */
#include "base/macros.h"
#include "engine/null/null.h"
#include "gateway/gateway.h"
#include "gateway/guest.h"
#include "gateway/payer.h"
#include "lan/fdb.h"
#include "lan/frame.h"
#include "lan/port.h"
#include "lan/segment.h"
#include "service/arp.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/ipv4.h"

#include <glib.h>

#define N_PORTS 200u
#define N_MACS 400u
#define N_ADDRESSES 600u
#define STEPS 20000u
#define CHECK_EVERY 100u
#define WAIT_LEN 100u
#define GREEDY 50u /* ports that invent addresses and MACs */
#define MANY 100u  /* of a port that may lose some */

enum model_state {
	MODEL_NONE,
	MODEL_HEARD,
	MODEL_KNOWN,
};

struct model_address {
	enum model_state state;
	unsigned mac; /* of a KNOWN one */
	usec_t since;
	usec_t seen;
};

#define NOWHERE UINT32_MAX

struct world {
	struct guest_table table;
	struct fdb fdb;
	struct port ports[N_PORTS];
	bool attached[N_PORTS];
	unsigned last_port_id;
	struct model_address addresses[N_ADDRESSES];
	unsigned mac_at[N_MACS];   /* port of each MAC's guest, NOWHERE while it is away; valid while it has an address */
	usec_t mac_since[N_MACS];  /* then: since */
	unsigned fdb_port[N_MACS]; /* NOWHERE: not learned */
	usec_t fdb_seen[N_MACS];
	unsigned invented; /* addresses and MACs beyond those of the model */
	usec_t now;
};

static unsigned pick(unsigned n)
{
	return (unsigned)g_test_rand_int_range(0, (int)n);
}

static struct mac mac_of(unsigned i)
{
	return (struct mac){ { 2, (uint8_t)(i >> 24), 1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
}

/* Every third address is IPv6. */
static struct ip_addr addr_of(unsigned i)
{
	struct ip_addr a = ip_from_ip4(IP4(10, 0, 0, 0) + i);
	if (i % 3 == 0)
		a.b[0] = 0xfd;
	return a;
}

static unsigned index_of(const struct ip_addr *a)
{
	return ((unsigned)a->b[13] << 16 | (unsigned)a->b[14] << 8 | a->b[15]);
}

static bool is_of_model(const struct ip_addr *a)
{
	return index_of(a) < N_ADDRESSES;
}

/* --- what the table reports --- */

static void asked(void *opaque, usec_t now, const struct guest_address *a)
{
	g_assert_cmpuint(a->asked, <=, 3);
}

static void released(void *opaque, usec_t now, const struct guest_address *a, const void *frame, size_t len)
{
	g_assert_cmpuint(len, ==, WAIT_LEN);
	g_assert_cmpint(a->guest->state, ==, GUEST_PRESENT);
}

static void unanswered(void *opaque, usec_t now, const void *frame, size_t len)
{
	g_assert_cmpuint(len, ==, WAIT_LEN);
}

static void appeared(void *opaque, usec_t now, struct guest_address *a)
{
	g_assert_cmpint(a->guest->state, ==, GUEST_PRESENT);
}

static void moved(void *opaque, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
	g_assert_true(from != to);
}

static void placed(void *opaque, usec_t now, struct guest *g, struct payer *before)
{
	g_assert_true(g->state == GUEST_AWAY ? g->payer == before : g->port == g->payer->port);
}

/* An address of the model ends by time, or by displacement, which takes only from who has many. */
static void gone(void *opaque, usec_t now, struct guest *g, const struct ip_addr *addr)
{
	struct world *w = opaque;
	if (!is_of_model(addr))
		return;
	struct model_address *m = &w->addresses[index_of(addr)];
	g_assert_cmpint(m->state, !=, MODEL_NONE);
	if (g->payer->n_addresses > MANY) {
		m->state = MODEL_NONE;
		return;
	}
	if (g->state == GUEST_HEARD) {
		g_assert_cmpint(m->state, ==, MODEL_HEARD);
		g_assert_cmpuint(now - m->since, >=, 3 * USEC_PER_SEC);
	} else if (g->state == GUEST_AWAY) {
		g_assert_cmpuint(now - w->mac_since[m->mac], >=, 60 * USEC_PER_SEC);
	} else {
		g_assert_cmpuint(now - m->seen, >=, 3 * 3600 * USEC_PER_SEC);
	}
	m->state = MODEL_NONE;
}

static const struct guest_ops ops = { asked, released, unanswered, appeared, moved, placed, gone };

/* --- checks --- */

static void check_payer(struct world *w, const struct payer *p, struct account *sum)
{
	unsigned n = 0, n_asked = 0;
	size_t waiting = 0;
	list_for_each(node, &p->addresses) {
		const struct guest_address *a = container_of(node, struct guest_address, of_payer);
		g_assert_true(a->guest->payer == p);
		n++;
		n_asked += a->guest->state == GUEST_HEARD;
		waiting += a->n_waiting * (size_t)WAIT_LEN;
		if (a->guest->state == GUEST_PRESENT)
			g_assert_true(a->guest->port == p->port && a->guest->port->payer == p);
		else
			g_assert_null(a->guest->port);
		if (n % 64 > 0)
			continue;
		g_assert_true(guest_find_address(&w->table, &a->addr) == a);
		g_assert_true((a->guest->state == GUEST_HEARD) == (guest_find(&w->table, a->guest->mac) != a->guest));
	}
	g_assert_cmpuint(p->n_addresses, ==, n);
	g_assert_cmpuint(p->n_asked, ==, n_asked);
	g_assert_cmpuint(p->waiting_bytes, ==, waiting);
	sum->n_flows += n;
	sum->n_sockets += n_asked;
	sum->held += waiting;
}

static void check_sums(struct world *w)
{
	struct account sum = { 0 };
	check_payer(w, w->table.host, &sum);
	list_for_each(node, &w->table.payers)
		check_payer(w, container_of(node, struct payer, node), &sum);
	g_assert_cmpuint(w->table.by_index.used, ==, sum.n_flows);
	g_assert_cmpuint(w->table.by_address.n, ==, sum.n_flows);
	g_assert_cmpuint(w->table.n_asked, ==, sum.n_sockets);
	g_assert_cmpuint(w->table.n_asked, <=, GUEST_ASKED_MAX);
	g_assert_cmpuint(w->table.waiting_bytes, ==, sum.held);
	g_assert_cmpuint(w->table.by_index.used, <=, GUEST_ADDRESSES_MAX);
	size_t macs = 0;
	for (unsigned i = 0; i < N_PORTS; i++)
		macs += w->ports[i].n_macs;
	g_assert_cmpuint(w->fdb.by_mac.n, ==, macs);
	g_assert_cmpuint(w->fdb.by_index.used, ==, macs);
	g_assert_cmpuint(macs, <=, FDB_MAX);
}

static void check_address(struct world *w, unsigned i)
{
	const struct model_address *m = &w->addresses[i];
	struct ip_addr addr = addr_of(i);
	const struct guest_address *a = guest_find_address(&w->table, &addr);
	switch (m->state) {
	case MODEL_NONE: g_assert_null(a); return;
	case MODEL_HEARD:
		g_assert_nonnull(a);
		g_assert_cmpint(a->guest->state, ==, GUEST_HEARD);
		return;
	case MODEL_KNOWN: break;
	}
	g_assert_nonnull(a);
	g_assert_true(mac_equal(a->guest->mac, mac_of(m->mac)));
	if (w->mac_at[m->mac] == NOWHERE)
		g_assert_cmpint(a->guest->state, ==, GUEST_AWAY);
	else
		g_assert_true(a->guest->port == &w->ports[w->mac_at[m->mac]]);
}

static void check_mac(struct world *w, unsigned i)
{
	struct port *port = fdb_find(&w->fdb, w->now, mac_of(i));
	if (!port && w->fdb_port[i] < GREEDY)
		w->fdb_port[i] = NOWHERE; /* displaced */
	bool is_young = w->fdb_port[i] != NOWHERE && w->now - w->fdb_seen[i] <= FDB_AGE - USEC_PER_SEC;
	bool is_old = w->fdb_port[i] == NOWHERE || w->now - w->fdb_seen[i] > FDB_AGE;
	if (is_young)
		g_assert_true(port == &w->ports[w->fdb_port[i]]);
	if (is_old)
		g_assert_null(port);
}

static void check_all(struct world *w)
{
	for (unsigned i = 0; i < N_ADDRESSES; i++)
		check_address(w, i);
	for (unsigned i = 0; i < N_MACS; i++)
		check_mac(w, i);
	check_sums(w);
}

/* --- what happens --- */

static unsigned some_port(struct world *w)
{
	for (;;) {
		unsigned i = pick(N_PORTS);
		if (w->attached[i])
			return i;
	}
}

static void mac_is_at(struct world *w, unsigned mac, unsigned port)
{
	w->mac_at[mac] = port;
}

/* A frame of @mac on @port that shows @addr. */
static void shows(struct world *w, unsigned port, unsigned mac, unsigned address, enum guest_evidence how)
{
	struct ip_addr addr = addr_of(address);
	struct model_address *m = &w->addresses[address];
	bool other = m->state == MODEL_KNOWN && m->mac != mac && w->mac_at[m->mac] != NOWHERE;
	const struct guest_address *a = guest_learn(&w->table, w->now, &w->ports[port], mac_of(mac), &addr, how);
	g_assert_nonnull(a);
	g_assert_true(ip_equal(&a->addr, &addr));
	if (other && how == GUEST_BY_IP)
		return;
	bool is_new = m->state != MODEL_KNOWN || m->mac != mac;
	mac_is_at(w, mac, port);
	*m = (struct model_address){ .state = MODEL_KNOWN, .mac = mac, .since = is_new ? w->now : m->since, .seen = w->now };
}

/* Mostly at home: each MAC has a port and addresses of its own. */
static void speaks(struct world *w)
{
	unsigned mac = pick(N_MACS), port = mac % N_PORTS;
	bool lies = pick(10) == 0;
	if (lies || !w->attached[port])
		port = some_port(w);
	unsigned address = lies ? pick(N_ADDRESSES) : (mac + pick(2) * N_MACS) % N_ADDRESSES;
	g_assert_cmpint(fdb_learn(&w->fdb, w->now, mac_of(mac), &w->ports[port]), !=, FDB_FULL);
	w->fdb_port[mac] = port;
	w->fdb_seen[mac] = w->now;
	if (pick(4) > 0)
		shows(w, port, mac, address, pick(2) ? GUEST_BY_ARP : GUEST_BY_IP);
}

static void wants_another(struct world *w)
{
	static uint8_t bytes[WAIT_LEN];
	unsigned i = pick(N_ADDRESSES);
	struct ip_addr addr = addr_of(i);
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, sizeof(bytes));
	struct payer *payer = guest_payer(&w->table, pick(4) ? &w->ports[some_port(w)] : NULL);
	g_assert_nonnull(payer);
	struct guest_address *a = guest_expect(&w->table, w->now, &addr, payer);
	if (!a) {
		g_assert_cmpint(w->addresses[i].state, ==, MODEL_NONE);
		return;
	}
	if (w->addresses[i].state == MODEL_NONE)
		w->addresses[i] = (struct model_address){ .state = MODEL_HEARD, .since = w->now };
	if (pick(2) && a->guest->state == GUEST_HEARD)
		guest_wait(&w->table, w->now, a, &frame);
}

static void attach(struct world *w, unsigned i)
{
	static const struct port_ops none;
	port_init(&w->ports[i], &none, "sim", 1514, 1500);
	w->ports[i].id = ++w->last_port_id;
	w->attached[i] = true;
}

static void detach(struct world *w, unsigned i)
{
	fdb_forget(&w->fdb, &w->ports[i]);
	guest_port_gone(&w->table, w->now, &w->ports[i]);
	g_assert_null(w->ports[i].payer);
	g_assert_cmpuint(w->ports[i].n_macs, ==, 0);
	w->attached[i] = false;
	for (unsigned m = 0; m < N_MACS; m++) {
		if (w->mac_at[m] == i) {
			w->mac_at[m] = NOWHERE;
			w->mac_since[m] = w->now;
		}
		if (w->fdb_port[m] == i)
			w->fdb_port[m] = NOWHERE;
	}
}

static void comes_or_goes(struct world *w)
{
	unsigned i = GREEDY + pick(N_PORTS - GREEDY - 1); /* the last one is the newcomer's */
	if (w->attached[i])
		detach(w, i);
	else
		attach(w, i);
}

static void invents(struct world *w)
{
	unsigned port = pick(GREEDY);
	for (unsigned i = 0; i < 500; i++) {
		unsigned k = (1u << 20) + w->invented++;
		struct ip_addr addr = addr_of(k);
		fdb_learn(&w->fdb, w->now, mac_of(k), &w->ports[port]);
		guest_learn(&w->table, w->now, &w->ports[port], mac_of(w->invented % 7 ? k : N_MACS + port), &addr, GUEST_BY_IP);
	}
}

static void scans(struct world *w)
{
	struct payer *payer = guest_payer(&w->table, &w->ports[pick(GREEDY)]);
	for (unsigned i = 0; i < 100; i++) {
		struct ip_addr addr = addr_of((1u << 23) + pick(1 << 20));
		guest_expect(&w->table, w->now, &addr, payer);
	}
}

static void time_passes(struct world *w)
{
	w->now += pick(50) == 0 ? pick(100) * USEC_PER_SEC : pick(500) * USEC_PER_MSEC;
	while (guest_deadline(&w->table) <= w->now)
		guest_expire(&w->table, w->now);
	/* The model does not follow who is silent for hours. */
	for (unsigned i = 0; i < N_ADDRESSES; i++) {
		struct model_address *m = &w->addresses[i];
		if (m->state == MODEL_KNOWN && w->now - m->seen > 2 * 3600 * USEC_PER_SEC && w->mac_at[m->mac] != NOWHERE)
			shows(w, w->mac_at[m->mac], m->mac, i, GUEST_BY_ARP);
	}
}

/* However full the tables are, a guest that comes gets its two addresses and its MAC, and keeps them while the others go on. */
static void newcomer_gets_in(struct world *w)
{
	unsigned port = N_PORTS - 1, mac = N_MACS + GREEDY + 1;
	struct ip_addr own[2] = { addr_of((1u << 23) - 2), addr_of((1u << 23) - 3) };
	if (w->attached[port])
		detach(w, port);
	attach(w, port);
	g_assert_cmpint(fdb_learn(&w->fdb, w->now, mac_of(mac), &w->ports[port]), !=, FDB_FULL);
	for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
		g_assert_nonnull(guest_learn(&w->table, w->now, &w->ports[port], mac_of(mac), &own[i], GUEST_BY_ARP));
	for (unsigned i = 0; i < 5; i++)
		invents(w);
	g_assert_true(fdb_find(&w->fdb, w->now, mac_of(mac)) == &w->ports[port]);
	for (unsigned i = 0; i < ARRAY_SIZE(own); i++) {
		const struct guest_address *a = guest_find_address(&w->table, &own[i]);
		g_assert_nonnull(a);
		g_assert_true(a->guest->port == &w->ports[port]);
	}
}

static void happens(struct world *w)
{
	unsigned what = pick(1000);
	if (what < 600)
		speaks(w);
	else if (what < 750)
		wants_another(w);
	else if (what < 800)
		comes_or_goes(w);
	else if (what < 808)
		invents(w);
	else if (what < 815)
		scans(w);
	else if (what < 817)
		newcomer_gets_in(w);
	else
		time_passes(w);
}

static void tables_agree_with_a_stupid_model(void)
{
	struct world *w = g_new0(struct world, 1);
	struct hash_key key = { { g_test_rand_int(), 5 } };
	w->now = 1000 * USEC_PER_SEC;
	g_assert_cmpint(guest_table_init(&w->table, &key, &ops, w), ==, 0);
	fdb_init(&w->fdb, &key);
	for (unsigned i = 0; i < N_PORTS; i++)
		attach(w, i);
	for (unsigned i = 0; i < N_MACS; i++)
		w->fdb_port[i] = w->mac_at[i] = NOWHERE;
	for (unsigned i = 0; i < STEPS; i++) {
		happens(w);
		if (i % CHECK_EVERY == 0)
			check_all(w);
	}
	g_test_message("%u addresses and MACs were invented, %zu and %zu are known", w->invented, w->table.by_address.n, w->fdb.by_mac.n);
	g_assert_cmpuint(w->invented, >, GUEST_ADDRESSES_MAX);
	for (unsigned i = 0; i < N_PORTS; i++)
		if (w->attached[i])
			detach(w, i);
	g_assert_cmpuint(w->fdb.by_mac.n, ==, 0);
	for (unsigned i = 0; i < 61; i++) {
		w->now += USEC_PER_SEC;
		guest_expire(&w->table, w->now);
	}
	g_assert_true(list_empty(&w->table.payers));
	check_sums(w);
	guest_table_done(&w->table, w->now);
	fdb_done(&w->fdb);
	g_free(w);
}

/* --- through the gateway --- */

#define GATEWAY_IP IP4(10, 0, 0, 1)
#define SEGMENT_PORTS 40u
#define SEGMENT_STEPS 60000u

struct segment_world {
	struct segment segment;
	struct gateway gateway;
	struct arp_service arp;
	struct engine *engine;
	struct port ports[SEGMENT_PORTS];
	usec_t now;
};

static const struct mac gateway_mac = { { 2, 0xff, 0, 0, 0, 1 } };

static void swallow(struct port *p, usec_t now, const struct frame *frame)
{
}

static void no_flush(struct port *p, usec_t now)
{
}

static const struct port_ops sink_ops = { .send = swallow, .flush = no_flush };

static void attach_to(struct segment_world *w, unsigned i)
{
	port_init(&w->ports[i], &sink_ops, "sim", 1514, 1500);
	w->ports[i].guard = pick(5) == 0 ? PORT_GUARD_OFF : PORT_GUARD_DEFAULT;
	segment_attach(&w->segment, &w->ports[i]);
}

/* ARP or UDP with any MAC and any address, of which each port has some that it shows more often. */
static void lies(struct segment_world *w, unsigned i)
{
	uint8_t bytes[128];
	struct bytes_writer b = bytes_writer(bytes, sizeof(bytes));
	bool at_home = pick(3) > 0;
	struct mac src = mac_of(at_home ? i : pick(SEGMENT_PORTS));
	ip4_t ip = IP4(10, 0, 1, 0) + (at_home ? i * 4 + pick(4) : pick(SEGMENT_PORTS * 4)), other = IP4(10, 0, 1, 0) + pick(400);
	if (pick(200) == 0)
		ip = GATEWAY_IP;
	if (pick(2)) {
		eth_emit(&b, &(struct eth_header){ pick(2) ? MAC_BROADCAST : gateway_mac, src, ETH_TYPE_ARP });
		arp_emit(&b, &(struct arp_message){ pick(2) ? ARP_REPLY : ARP_REQUEST, src, ip, { { 0 } }, pick(2) ? GATEWAY_IP : other });
	} else {
		ip4_t dst = pick(3) == 0 ? GATEWAY_IP : pick(2) ? other : IP4(192, 0, 2, 1);
		struct ipv4_header h = { .ttl = 64, .protocol = IP_PROTOCOL_UDP, .src = ip, .dst = dst, .id = (uint16_t)pick(8) };
		h.total_len = IPV4_HEADER_LEN + 32;
		h.more_fragments = pick(8) == 0;
		h.fragment_offset = (uint16_t)(pick(8) == 0 ? 32 : 0);
		eth_emit(&b, &(struct eth_header){ gateway_mac, src, ETH_TYPE_IPV4 });
		ipv4_emit(&b, &h);
		bytes_put_zeros(&b, 32);
	}
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, b.len);
	frame.ingress = &w->ports[i];
	segment_input(&w->segment, w->now, &w->ports[i], &frame);
}

static void check_gateway(const struct segment_world *w)
{
	const struct guest_table *t = &w->gateway.guests;
	size_t waiting = t->host->waiting_bytes, macs = 0;
	unsigned n = t->host->n_addresses, n_asked = t->host->n_asked;
	list_for_each(node, &t->payers) {
		const struct payer *p = container_of(node, struct payer, node);
		unsigned own = 0;
		list_for_each(address, &p->addresses) {
			const struct guest *g = container_of(address, struct guest_address, of_payer)->guest;
			g_assert_true(g->payer == p);
			g_assert_true((g->state == GUEST_PRESENT) == (g->port != NULL));
			own++;
		}
		g_assert_cmpuint(p->n_addresses, ==, own);
		g_assert_true(!p->port || p->port->payer == p);
		n += own;
		n_asked += p->n_asked;
		waiting += p->waiting_bytes;
	}
	g_assert_cmpuint(t->by_index.used, ==, n);
	g_assert_cmpuint(t->n_asked, ==, n_asked);
	g_assert_cmpuint(t->waiting_bytes, ==, waiting);
	for (unsigned i = 0; i < SEGMENT_PORTS; i++)
		macs += w->ports[i].n_macs;
	g_assert_cmpuint(w->segment.fdb.by_mac.n, ==, macs);
}

static void step(struct segment_world *w)
{
	unsigned i = pick(SEGMENT_PORTS), what = pick(100);
	if (what < 90 && w->ports[i].segment) {
		lies(w, i);
	} else if (what < 93) {
		if (w->ports[i].segment)
			segment_detach(&w->segment, w->now, &w->ports[i]);
		else
			attach_to(w, i);
	} else {
		w->now += pick(50) == 0 ? pick(100) * USEC_PER_SEC : pick(300) * USEC_PER_MSEC;
		if (gateway_deadline(&w->gateway) <= w->now)
			gateway_expire(&w->gateway, w->now);
		segment_expire(&w->segment, w->now);
	}
	segment_flush(&w->segment, w->now);
}

static void gateway_keeps_its_accounts(void)
{
	struct segment_world *w = g_new0(struct segment_world, 1);
	struct hash_key key = { { g_test_rand_int(), 6 } };
	struct prefix4 subnet = { IP4(10, 0, 0, 0), 16 };
	w->now = 1000 * USEC_PER_SEC;
	g_assert_cmpint(segment_init(&w->segment, &(struct segment_config){ .hash_key = key }), ==, 0);
	struct gateway_config config = { .mac = gateway_mac, .ip = GATEWAY_IP, .subnet = subnet, .hash_key = key };
	g_assert_cmpint(gateway_init(&w->gateway, &w->segment, &config), ==, 0);
	arp_service_init(&w->arp, gateway_mac, GATEWAY_IP);
	gateway_add_service(&w->gateway, &w->arp.service);
	struct engine_config engine = { .env = &w->gateway.env, .gateway = GATEWAY_IP, .subnet = subnet };
	g_assert_cmpint(null_engine_ops.new(&engine, &w->engine), ==, 0);
	gateway_set_engine(&w->gateway, &null_engine_ops, w->engine);
	for (unsigned i = 0; i < SEGMENT_PORTS; i++)
		attach_to(w, i);
	for (unsigned i = 0; i < SEGMENT_STEPS; i++) {
		step(w);
		if (i % 20 == 0)
			check_gateway(w);
	}
	for (unsigned i = 0; i < SEGMENT_PORTS; i++)
		if (w->ports[i].segment)
			segment_detach(&w->segment, w->now, &w->ports[i]);
	check_gateway(w);
	gateway_set_engine(&w->gateway, NULL, NULL);
	null_engine_ops.free(w->engine);
	gateway_done(&w->gateway, w->now);
	segment_done(&w->segment);
	g_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/crowd/tables_agree_with_a_stupid_model", tables_agree_with_a_stupid_model);
	g_test_add_func("/crowd/gateway_keeps_its_accounts", gateway_keeps_its_accounts);
	return g_test_run();
}
