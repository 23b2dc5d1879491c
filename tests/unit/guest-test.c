/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/macros.h"
#include "gateway/guest.h"
#include "gateway/payer.h"
#include "lan/frame.h"
#include "lan/port.h"

#include <glib.h>

#define IP IP4(10, 0, 0, 2)
#define SECOND USEC_PER_SEC
#define HOUR (3600 * SECOND)

static const struct mac mac_a = { { 2, 0, 0, 0, 0, 1 } }, mac_b = { { 2, 0, 0, 0, 0, 2 } };

struct fixture {
	struct guest_table table;
	struct port one, two;
	unsigned asked, released, unanswered, appeared, moved, placed, gone;
	struct guest *from, *to; /* of the last move */
};

static void count_ask(void *opaque, usec_t now, const struct guest_address *a)
{
	((struct fixture *)opaque)->asked++;
}

static void count_release(void *opaque, usec_t now, const struct guest_address *a, const void *frame, size_t len)
{
	struct fixture *f = opaque;
	g_assert_cmpmem(frame, len, "frame", 5);
	g_assert_true(mac_equal(a->guest->mac, mac_a));
	f->released++;
}

static void count_unanswered(void *opaque, usec_t now, const void *frame, size_t len)
{
	((struct fixture *)opaque)->unanswered++;
}

static void count_appeared(void *opaque, usec_t now, struct guest_address *a)
{
	((struct fixture *)opaque)->appeared++;
}

static void count_moved(void *opaque, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
	struct fixture *f = opaque;
	f->moved++;
	f->from = from;
	f->to = to;
}

static void count_placed(void *opaque, usec_t now, struct guest *g, struct payer *before)
{
	struct fixture *f = opaque;
	f->placed++;
	g_assert_nonnull(before);
}

static void count_gone(void *opaque, usec_t now, struct guest *g, const struct ip_addr *addr)
{
	((struct fixture *)opaque)->gone++;
}

static const struct guest_ops ops = { count_ask, count_release, count_unanswered, count_appeared, count_moved, count_placed, count_gone };

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ .one.id = 1, .two.id = 2 };
	g_assert_cmpint(guest_table_init(&f->table, &(struct hash_key){ { 3, 4 } }, &ops, f), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	guest_table_done(&f->table, 0);
	g_assert_null(f->one.payer);
	g_assert_null(f->two.payer);
	guest_table_done(&f->table, 0);
}

static struct guest_address *learn(struct fixture *f, usec_t now, ip4_t ip, struct mac mac, struct port *port, enum guest_evidence how)
{
	struct ip_addr addr = ip_from_ip4(ip);
	return guest_learn(&f->table, now, port, mac, &addr, how);
}

/* The guest with @ip that is not only HEARD of; NULL when there is no such guest. */
static struct guest *find(struct fixture *f, ip4_t ip)
{
	struct ip_addr addr = ip_from_ip4(ip);
	struct guest_address *a = guest_find_address(&f->table, &addr);
	return a && a->guest->state != GUEST_HEARD ? a->guest : NULL;
}

static struct guest_address *expect(struct fixture *f, usec_t now, ip4_t ip, struct port *by)
{
	struct ip_addr addr = ip_from_ip4(ip);
	return guest_expect(&f->table, now, &addr, guest_payer(&f->table, by));
}

static bool wait_frame_of(struct fixture *f, usec_t now, ip4_t ip, struct port *by)
{
	struct iovec iov;
	struct frame frame = frame_of(&iov, "frame", 5);
	struct guest_address *a = expect(f, now, ip, by);
	g_assert_nonnull(a);
	return guest_wait(&f->table, now, a, &frame);
}

static bool wait_frame(struct fixture *f, usec_t now, ip4_t ip)
{
	return wait_frame_of(f, now, ip, NULL);
}

static void waiting_frames_are_sent_after_the_arp_answer(struct fixture *f, gconstpointer data)
{
	g_assert_true(wait_frame(f, 0, IP));
	g_assert_true(wait_frame(f, 0, IP));
	g_assert_cmpuint(f->asked, ==, 1);
	learn(f, 10, IP, mac_a, &f->one, GUEST_BY_ARP);
	g_assert_cmpuint(f->released, ==, 2);
	g_assert_cmpuint(f->table.waiting_bytes, ==, 0);
	g_assert_cmpuint(f->table.n_asked, ==, 0);
	g_assert_nonnull(find(f, IP));
}

/* What was opened for a guest that was only HEARD of goes to the guest that answers. */
static void flows_follow_the_guest_that_answers(struct fixture *f, gconstpointer data)
{
	struct guest *heard = expect(f, 0, IP, NULL)->guest;
	learn(f, 10, IP, mac_a, &f->one, GUEST_BY_ARP);
	g_assert_cmpuint(f->moved, ==, 1);
	g_assert_true(f->from == heard && f->to == find(f, IP));
}

/* One payer gets half of the 4 MiB for all, and 16 frames for each address. */
static void waiting_frames_have_a_limit_of_bytes(struct fixture *f, gconstpointer data)
{
	static uint8_t bytes[65536];
	struct iovec iov;
	struct frame large = frame_of(&iov, bytes, sizeof(bytes));
	unsigned held = 0;
	for (unsigned i = 0; i < 64; i++)
		held += guest_wait(&f->table, 0, expect(f, 0, IP + i / 16, &f->one), &large);
	g_assert_cmpuint(held, ==, 32);
	g_assert_true(guest_wait(&f->table, 0, expect(f, 0, IP + 100, &f->two), &large));
}

static void frames_are_dropped_after_three_requests(struct fixture *f, gconstpointer data)
{
	wait_frame(f, 0, IP);
	for (unsigned s = 1; s <= 3; s++) {
		g_assert_cmpuint(guest_deadline(&f->table), ==, s * SECOND);
		guest_expire(&f->table, s * SECOND);
	}
	g_assert_cmpuint(f->asked, ==, 3);
	g_assert_cmpuint(f->unanswered, ==, 1);
	g_assert_cmpuint(f->gone, ==, 1);
	g_assert_cmpuint(f->table.by_index.used, ==, 0);
	g_assert_cmpuint(guest_deadline(&f->table), ==, USEC_INFINITY);
}

static void queue_of_a_silent_address_is_bounded(struct fixture *f, gconstpointer data)
{
	unsigned held = 0;
	for (int i = 0; i < 1000; i++)
		held += wait_frame(f, 0, IP);
	g_assert_cmpuint(held, ==, 16);
}

static void ip_packet_cannot_move_an_address(struct fixture *f, gconstpointer data)
{
	learn(f, 0, IP, mac_a, &f->one, GUEST_BY_IP);
	learn(f, 0, IP, mac_b, &f->two, GUEST_BY_IP);
	g_assert_true(mac_equal(find(f, IP)->mac, mac_a));
	learn(f, 0, IP, mac_b, &f->two, GUEST_BY_ARP);
	g_assert_true(mac_equal(find(f, IP)->mac, mac_b));
	g_assert_cmpuint(f->moved, ==, 1);
	g_assert_null(guest_find(&f->table, mac_a)); /* it was its only address */
}

static void guest_has_any_number_of_addresses_of_both_families(struct fixture *f, gconstpointer data)
{
	struct ip_addr v6;
	g_assert_cmpint(ip_parse("fd00::2", &v6), ==, 0);
	struct guest *g = learn(f, 0, IP, mac_a, &f->one, GUEST_BY_ARP)->guest;
	g_assert_true(learn(f, 0, IP + 1, mac_a, &f->one, GUEST_BY_ARP)->guest == g);
	g_assert_true(guest_learn(&f->table, 0, &f->one, mac_a, &v6, GUEST_BY_ARP)->guest == g);
	g_assert_cmpuint(f->one.payer->n_addresses, ==, 3);
	learn(f, 0, IP, mac_b, &f->two, GUEST_BY_ARP);
	g_assert_true(find(f, IP + 1) == g);
	g_assert_cmpuint(f->one.payer->n_addresses, ==, 2);
	g_assert_cmpuint(f->two.payer->n_addresses, ==, 1);
}

static void guest_moves_to_another_port_with_its_addresses(struct fixture *f, gconstpointer data)
{
	struct guest *g = learn(f, 0, IP, mac_a, &f->one, GUEST_BY_ARP)->guest;
	learn(f, 0, IP + 1, mac_a, &f->one, GUEST_BY_ARP);
	g_assert_true(learn(f, 0, IP, mac_a, &f->two, GUEST_BY_IP)->guest == g);
	g_assert_true(g->port == &f->two);
	g_assert_cmpuint(f->one.payer->n_addresses, ==, 0);
	g_assert_cmpuint(f->two.payer->n_addresses, ==, 2);
	g_assert_cmpuint(f->moved + f->gone, ==, 0);
	g_assert_cmpuint(f->placed, ==, 1);
}

static void view_lists_each_known_address_once(struct fixture *f, gconstpointer data)
{
	struct guest_view seen[3];
	uint32_t slot = 0;
	unsigned total = 0, n;
	for (unsigned i = 0; i < 7; i++)
		learn(f, i, IP + 1 + i, i % 2 ? mac_b : mac_a, i % 2 ? &f->two : &f->one, GUEST_BY_ARP);
	wait_frame(f, 0, IP);
	guest_port_gone(&f->table, SECOND, &f->two);
	unsigned found = 0;
	while (slot != GUEST_VIEW_END) {
		n = guest_view(&f->table, &slot, seen, G_N_ELEMENTS(seen));
		total += n;
		for (unsigned i = 0; i < n; i++) {
			unsigned k = ip_to_ip4(&seen[i].addr) - IP - 1;
			g_assert_cmpuint(k, <, 7);
			g_assert_cmpuint(seen[i].port_id, ==, k % 2 ? 0 : 1);
			g_assert_cmpuint(seen[i].seen, ==, k);
			found |= 1u << k;
		}
	}
	g_assert_cmpuint(total, ==, 7);
	g_assert_cmphex(found, ==, 0x7f);
}

static void guest_without_a_port_is_gone_after_a_minute(struct fixture *f, gconstpointer data)
{
	learn(f, 0, IP, mac_a, &f->one, GUEST_BY_ARP);
	guest_port_gone(&f->table, SECOND, &f->one);
	guest_expire(&f->table, 60 * SECOND);
	g_assert_cmpuint(f->gone, ==, 0);
	guest_expire(&f->table, 61 * SECOND);
	g_assert_cmpuint(f->gone, ==, 1);
	g_assert_cmpuint(f->table.by_index.used, ==, 0);
}

static void silent_guest_is_asked_by_arp_before_it_is_gone(struct fixture *f, gconstpointer data)
{
	learn(f, 0, IP, mac_a, &f->one, GUEST_BY_ARP);
	guest_expire(&f->table, 2 * HOUR + 240 * SECOND); /* RFC 5382 REQ-5 */
	g_assert_cmpuint(f->asked + f->gone, ==, 0);
	guest_expire(&f->table, 3 * HOUR);
	g_assert_cmpuint(f->asked, ==, 1);
	learn(f, 3 * HOUR, IP, mac_a, &f->one, GUEST_BY_ARP);
	while (guest_deadline(&f->table) <= 6 * HOUR)
		guest_expire(&f->table, guest_deadline(&f->table));
	g_assert_cmpuint(f->asked, ==, 2);
	g_assert_cmpuint(f->gone, ==, 0);
	for (unsigned i = 0; i < 3; i++)
		guest_expire(&f->table, guest_deadline(&f->table));
	g_assert_cmpuint(f->asked, ==, 4);
	g_assert_cmpuint(f->gone, ==, 1);
}

static void guest_that_reconnects_is_not_gone(struct fixture *f, gconstpointer data)
{
	learn(f, 0, IP, mac_a, &f->one, GUEST_BY_ARP);
	guest_port_gone(&f->table, SECOND, &f->one);
	g_assert_cmpuint(f->placed, ==, 1);
	learn(f, 2 * SECOND, IP, mac_a, &f->two, GUEST_BY_IP);
	g_assert_cmpuint(f->placed, ==, 2);
	guest_expire(&f->table, 100 * SECOND);
	g_assert_cmpuint(f->gone, ==, 0);
}

/* The addresses that a port invents displace its own old ones. */
static void invented_addresses_of_one_port_leave_room_for_others(struct fixture *f, gconstpointer data)
{
	learn(f, 0, IP, mac_b, &f->two, GUEST_BY_IP);
	for (unsigned i = 0; i < GUEST_ADDRESSES_MAX; i++)
		g_assert_nonnull(learn(f, 0, IP4(10, 1, 0, 0) + i, mac_a, &f->one, GUEST_BY_IP));
	g_assert_cmpuint(f->one.payer->n_addresses, <=, GUEST_ADDRESSES_MAX / 2);
	g_assert_nonnull(find(f, IP));
	g_assert_nonnull(find(f, IP4(10, 1, 0, 0) + GUEST_ADDRESSES_MAX - 1));
	g_assert_null(find(f, IP4(10, 1, 0, 0)));
	g_assert_nonnull(learn(f, 0, IP + 1, mac_b, &f->two, GUEST_BY_IP));
}

/* Hundreds of ports that invent addresses, one after another, until the table is full. */
static void newcomer_gets_addresses_in_a_full_table(struct fixture *f, gconstpointer data)
{
	enum { GREEDY = 300, EACH = 400 };
	struct port *ports = g_new0(struct port, GREEDY);
	for (unsigned i = 0; i < GREEDY * EACH; i++) {
		struct mac mac = { { 2, 1, 0, 0, (uint8_t)(i / EACH >> 8), (uint8_t)(i / EACH) } };
		learn(f, 0, IP4(10, 1, 0, 0) + i, mac, &ports[i / EACH], GUEST_BY_IP);
	}
	g_assert_cmpuint(f->table.by_index.used, <=, GUEST_ADDRESSES_MAX);
	for (unsigned i = 0; i < 8; i++)
		g_assert_nonnull(learn(f, 0, IP + i, mac_b, &f->two, GUEST_BY_ARP));
	for (unsigned i = 0; i < 8; i++)
		g_assert_nonnull(find(f, IP + i));
	guest_table_done(&f->table, 0);
	g_free(ports);
}

static void requests_of_one_port_leave_room_for_others(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 2 * GUEST_ASKED_MAX; i++)
		g_assert_nonnull(expect(f, 0, IP4(10, 1, 0, 0) + i, &f->one));
	g_assert_cmpuint(f->one.payer->n_asked, ==, GUEST_ASKED_MAX / 2);
	for (unsigned i = 0; i < 1000; i++)
		expect(f, 0, IP4(10, 2, 0, 0) + i, &f->two);
	g_assert_cmpuint(f->two.payer->n_asked, ==, 1000);
	g_assert_cmpuint(f->one.payer->n_asked, ==, GUEST_ASKED_MAX / 2);
}

/* As a scanner's of a /16: what answers at once is found, however many are silent. */
static void oldest_request_gives_way_to_a_new_one(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 65536; i++) {
		ip4_t ip = IP4(10, 1, 0, 0) + i;
		g_assert_true(wait_frame_of(f, 0, ip, &f->one));
		if (i % 100 == 99)
			learn(f, 0, ip, mac_a, &f->two, GUEST_BY_ARP);
	}
	g_assert_cmpuint(f->asked, ==, 65536);
	g_assert_cmpuint(f->released, ==, 655);
	g_assert_cmpuint(f->unanswered, ==, 65536 - 655 - f->table.n_asked);
	struct ip_addr first = ip_from_ip4(IP4(10, 1, 0, 0)), last = ip_from_ip4(IP4(10, 1, 255, 255));
	g_assert_null(guest_find_address(&f->table, &first));
	g_assert_nonnull(guest_find_address(&f->table, &last));
}

/* Its connections wait for the answers. */
static void requests_for_the_host_do_not_give_way(struct fixture *f, gconstpointer data)
{
	struct ip_addr first = ip_from_ip4(IP4(10, 1, 0, 0));
	unsigned asked = 0;
	for (unsigned i = 0; i < GUEST_ASKED_MAX; i++)
		asked += expect(f, 0, IP4(10, 1, 0, 0) + i, NULL) != NULL;
	g_assert_cmpuint(asked, ==, GUEST_ASKED_MAX / 2);
	g_assert_nonnull(guest_find_address(&f->table, &first));
}

/* As of a machine that may have another MAC since. */
static void silent_guest_that_is_checked_is_forgotten(struct fixture *f, gconstpointer data)
{
	learn(f, 0, IP, mac_a, &f->one, GUEST_BY_ARP);
	struct guest_address *b = learn(f, 0, IP + 1, mac_b, &f->one, GUEST_BY_ARP);
	struct ip_addr addr = ip_from_ip4(IP);
	for (unsigned i = 0; i < 2; i++) {
		guest_check(&f->table, 0, guest_find_address(&f->table, &addr));
		guest_check(&f->table, 0, b);
	}
	g_assert_cmpuint(f->asked, ==, 2);
	learn(f, USEC_PER_SEC / 2, IP + 1, mac_b, &f->one, GUEST_BY_ARP);
	for (unsigned i = 1; i <= 3; i++) {
		g_assert_nonnull(find(f, IP));
		guest_expire(&f->table, i * USEC_PER_SEC);
	}
	g_assert_null(find(f, IP));
	g_assert_nonnull(find(f, IP + 1));
	g_assert_cmpuint(f->gone, ==, 1);
}

/* Flows may outlive their port: what they are charged to must stay. */
static void payer_outlives_its_port_while_it_is_used(struct fixture *f, gconstpointer data)
{
	struct payer *p = payer_ref(guest_payer(&f->table, &f->one));
	guest_port_gone(&f->table, 0, &f->one);
	g_assert_null(f->one.payer);
	g_assert_null(p->port);
	g_assert_true(guest_payer(&f->table, &f->one) != p);
	payer_unref(p);
}

#define TEST(name) g_test_add("/guest/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(waiting_frames_are_sent_after_the_arp_answer);
	TEST(waiting_frames_have_a_limit_of_bytes);
	TEST(frames_are_dropped_after_three_requests);
	TEST(queue_of_a_silent_address_is_bounded);
	TEST(ip_packet_cannot_move_an_address);
	TEST(view_lists_each_known_address_once);
	TEST(guest_moves_to_another_port_with_its_addresses);
	TEST(guest_without_a_port_is_gone_after_a_minute);
	TEST(silent_guest_is_asked_by_arp_before_it_is_gone);
	TEST(guest_that_reconnects_is_not_gone);
	TEST(invented_addresses_of_one_port_leave_room_for_others);
	TEST(silent_guest_that_is_checked_is_forgotten);
	TEST(requests_of_one_port_leave_room_for_others);
	TEST(oldest_request_gives_way_to_a_new_one);
	TEST(requests_for_the_host_do_not_give_way);
	TEST(newcomer_gets_addresses_in_a_full_table);
	TEST(payer_outlives_its_port_while_it_is_used);
	TEST(flows_follow_the_guest_that_answers);
	TEST(guest_has_any_number_of_addresses_of_both_families);
	return g_test_run();
}
