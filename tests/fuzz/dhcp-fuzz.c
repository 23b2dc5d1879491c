/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DHCP server with a pool of eight addresses, step by step.  The input is a list of steps, each a byte that says
 * what happens and what belongs to it:
 *
 *     0  a client's message: its length (2 bytes, big-endian) and its bytes
 *     1  time passes: 1 byte, in 10 ms
 *     2  time passes: 1 byte, in minutes
 *     3  ARP shows a machine: last octet of its address, last octet of its MAC
 *     4  the operator changes the reservations: 1 byte, a bit for each of three
 *     5  messages and ARP come from another port: 1 byte, its number, 4 when ports are guarded, 8 when it was detached and comes back
 */
#include "base/bytes.h"
#include "base/macros.h"
#include "gateway/payer.h"
#include "support/dhcp_bench.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step {
	STEP_MESSAGE,
	STEP_SLEEP_10MS,
	STEP_SLEEP_MINUTES,
	STEP_ARP,
	STEP_RESERVE,
	STEP_PORT,
	STEP_COUNT,
};

/* Longest that fits a frame, also so that a big corpus file is not one packet. */
#define MESSAGE_MAX 1472

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_reply(const struct dhcp_bench *b, const struct bench_reply *r)
{
	ip4_t ip = r->message.header.yiaddr;
	check(r->datagram.len >= DHCP_LEN_MIN && r->datagram.len <= MESSAGE_MAX);
	check(r->message.header.op == DHCP_BOOTREPLY && r->message.server_id == BENCH_GATEWAY);
	check(r->message.type == DHCP_OFFER || r->message.type == DHCP_ACK || r->message.type == DHCP_NAK);
	if (!ip)
		return;
	check(prefix4_contains(b->config.subnet, ip) && ip != BENCH_GATEWAY && ip != BENCH_IP(0) && ip != BENCH_IP(255));
	if (r->when < b->now)
		return; /* an offer may have lapsed since */
	const struct lease *l = lease_find_ip(&b->dhcp.leases, ip);
	check(l && lease_is_held(l, b->now) && mac_equal(l->mac, r->message.header.chaddr));
	check(r->message.type == DHCP_OFFER || lease_is_active(l, b->now));
	check(r->message.type == DHCP_OFFER || r->saves_before > 0 || l->saved - b->now >= (l->expires - b->now) / 4 * 3);
}

static void check_names(const struct dhcp_bench *b, const struct lease *l)
{
	char name[GUEST_NAME_SIZE];
	ip4_t ip;
	if (dhcp_find_address(&b->dhcp, b->now, l->ip, name) == 0 && lease_is_active(l, b->now))
		check(bench_find_name(b, name, &ip) == 0 && ip == l->ip);
}

static void check_leases(const struct dhcp_bench *b)
{
	const struct lease_table *t = &b->dhcp.leases;
	unsigned count = 0, bound = 0, probing = 0, charged = 0, charged_to[3] = { 0 };
	const struct payer *payers[] = { b->port.payer, b->other.payer, b->third.payer };
	list_for_each(node, &t->ages) {
		const struct lease *l = container_of(node, struct lease, age);
		count++;
		probing += l->probe != NULL;
		check((l->state == LEASE_PROBING) == (l->probe != NULL));
		check(lease_find_ip(t, l->ip) == l);
		check(l->state == LEASE_SET_ASIDE || lease_find_mac(t, l->mac) == l);
		check(!l->name[0] || lease_find_name(t, l->name) == l);
		check(l->holder.guest == guest_find(&b->guests, l->mac));
		charged += l->charged;
		bound += lease_is_active(l, b->now);
		for (size_t i = 0; i < ARRAY_SIZE(payers); i++)
			charged_to[i] += l->charged && l->payer && l->payer == payers[i];
		check_names(b, l);
	}
	check(charged == t->n_charged && bound == t->n_bound);
	for (size_t i = 0; i < ARRAY_SIZE(payers); i++)
		check(!payers[i] || payers[i]->n_leases == charged_to[i]);
	check(count == t->count && count <= t->capacity && probing == b->dhcp.n_probes);
}

static void reserve(struct dhcp_bench *b, unsigned which)
{
	static const struct reservation all[] = {
		{ BENCH_MAC(1), BENCH_IP(12), "web" },
		{ BENCH_MAC(2), BENCH_IP(99), "" },
		{ { { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } }, BENCH_IP(63), "db" },
	};
	struct reservation r[ARRAY_SIZE(all)];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (which >> i & 1)
			r[n++] = all[i];
	check(dhcp_set_reservations(&b->dhcp, r, n) == 0);
}

static void send_message(struct dhcp_bench *b, struct bytes_reader *r)
{
	size_t len = bytes_get_be16(r);
	len = MIN(MIN(len, r->left), (size_t)MESSAGE_MAX);
	const uint8_t *message = bytes_take(r, len);
	if (message)
		bench_send_bytes(b, message, len);
}

static void change_port(struct dhcp_bench *b, unsigned how)
{
	struct port *const ports[] = { &b->port, &b->other, &b->third, &b->port };
	b->from = ports[how & 3];
	b->port.guarded = b->other.guarded = b->third.guarded = how & 4;
	if (how & 8)
		bench_unplug(b, b->from);
}

static void take_step(struct dhcp_bench *b, struct bytes_reader *r)
{
	ip4_t ip;
	switch (bytes_get_u8(r) % STEP_COUNT) {
	case STEP_MESSAGE: send_message(b, r); break;
	case STEP_SLEEP_10MS: bench_sleep(b, bytes_get_u8(r) * 10 * USEC_PER_MSEC); break;
	case STEP_SLEEP_MINUTES: bench_sleep(b, bytes_get_u8(r) * 60 * USEC_PER_SEC); break;
	case STEP_ARP:
		ip = BENCH_IP(bytes_get_u8(r));
		bench_arp(b, ip, BENCH_MAC(bytes_get_u8(r)));
		break;
	case STEP_RESERVE: reserve(b, bytes_get_u8(r)); break;
	case STEP_PORT: change_port(b, bytes_get_u8(r)); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp_bench b;
	struct bytes_reader r = bytes_reader(data, size);
	bench_init(&b);
	b.config.first = BENCH_IP(10);
	b.config.last = BENCH_IP(17);
	bench_start(&b);
	while (!r.failed && r.left > 0) {
		take_step(&b, &r);
		for (unsigned i = 0; i < b.replies->len; i++)
			check_reply(&b, bench_reply_at(&b, i));
		check_leases(&b);
		bench_forget(&b);
	}
	bench_done(&b);
	return 0;
}
