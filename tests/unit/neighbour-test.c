/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/neighbour.h"
#include "lan/frame.h"

#include <glib.h>

#define IP IP4(10, 0, 0, 2)
#define SECOND USEC_PER_SEC

static const struct mac mac_a = { { 2, 0, 0, 0, 0, 1 } }, mac_b = { { 2, 0, 0, 0, 0, 2 } };

struct fixture {
	struct neighbour_table table;
	unsigned asked, released, unanswered, gone;
};

static void count_ask(void *opaque, usec_t now, ip4_t ip)
{
	((struct fixture *)opaque)->asked++;
}

static void count_release(void *opaque, usec_t now, struct mac mac, const void *frame, size_t len)
{
	struct fixture *f = opaque;
	g_assert_cmpmem(frame, len, "frame", 5);
	g_assert_true(mac_equal(mac, mac_a));
	f->released++;
}

static void count_unanswered(void *opaque, usec_t now, const void *frame, size_t len)
{
	((struct fixture *)opaque)->unanswered++;
}

static void count_gone(void *opaque, usec_t now, ip4_t ip)
{
	g_assert_cmpuint(ip, ==, IP);
	((struct fixture *)opaque)->gone++;
}

static const struct neighbour_ops ops = { count_ask, count_release, count_unanswered, count_gone };

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ 0 };
	g_assert_cmpint(neighbour_init(&f->table, &(struct hash_key){ { 3, 4 } }, &ops, f), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	neighbour_done(&f->table);
}

static bool wait_frame(struct fixture *f, usec_t now, ip4_t ip)
{
	struct iovec iov;
	struct frame frame = frame_of(&iov, "frame", 5);
	return neighbour_wait(&f->table, now, ip, &frame);
}

static void waiting_frames_are_sent_after_the_arp_answer(struct fixture *f, gconstpointer data)
{
	g_assert_true(wait_frame(f, 0, IP));
	g_assert_true(wait_frame(f, 0, IP));
	g_assert_cmpuint(f->asked, ==, 1);
	neighbour_learn(&f->table, 10, IP, mac_a, 1, NEIGHBOUR_BY_ARP, 0);
	g_assert_cmpuint(f->released, ==, 2);
	g_assert_cmpuint(f->table.waiting_bytes, ==, 0);
	struct mac got;
	g_assert_true(neighbour_find(&f->table, IP, &got));
}

/* 4 MiB for all neighbours together, 16 frames for each. */
static void waiting_frames_have_a_limit_of_bytes(struct fixture *f, gconstpointer data)
{
	static uint8_t bytes[65536];
	struct iovec iov;
	struct frame large = frame_of(&iov, bytes, sizeof(bytes));
	for (unsigned i = 0; i < 64; i++)
		g_assert_true(neighbour_wait(&f->table, 0, IP + i / 16, &large));
	g_assert_false(wait_frame(f, 0, IP + 100));
	g_assert_cmpuint(f->table.waiting_bytes, ==, 4 * 1024 * 1024);
}

static void frames_are_dropped_after_three_requests(struct fixture *f, gconstpointer data)
{
	wait_frame(f, 0, IP);
	for (unsigned s = 1; s <= 3; s++) {
		g_assert_cmpuint(neighbour_deadline(&f->table), ==, s * SECOND);
		neighbour_expire(&f->table, s * SECOND);
	}
	g_assert_cmpuint(f->asked, ==, 3);
	g_assert_cmpuint(f->unanswered, ==, 1);
	g_assert_cmpuint(f->table.used, ==, 0);
	g_assert_cmpuint(neighbour_deadline(&f->table), ==, USEC_INFINITY);
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
	struct mac got;
	neighbour_learn(&f->table, 0, IP, mac_a, 1, NEIGHBOUR_BY_IP, 60);
	neighbour_learn(&f->table, 0, IP, mac_b, 2, NEIGHBOUR_BY_IP, 60);
	g_assert_true(neighbour_find(&f->table, IP, &got) && mac_equal(got, mac_a));
	neighbour_learn(&f->table, 0, IP, mac_b, 2, NEIGHBOUR_BY_ARP, 0);
	g_assert_true(neighbour_find(&f->table, IP, &got) && mac_equal(got, mac_b));
}

static void view_lists_each_known_entry_once(struct fixture *f, gconstpointer data)
{
	struct neighbour_view seen[3];
	unsigned slot = 0, total = 0, n;
	for (unsigned i = 0; i < 7; i++)
		neighbour_learn(&f->table, i, IP + 1 + i, mac_a, 1 + i % 2, NEIGHBOUR_BY_ARP, 0);
	wait_frame(f, 0, IP);
	neighbour_port_gone(&f->table, SECOND, 2);
	unsigned found = 0;
	while (slot < NEIGHBOUR_SLOTS) {
		n = neighbour_view(&f->table, &slot, seen, G_N_ELEMENTS(seen));
		total += n;
		for (unsigned i = 0; i < n; i++) {
			unsigned k = seen[i].ip - IP - 1;
			g_assert_cmpuint(k, <, 7);
			g_assert_cmpuint(seen[i].port_id, ==, k % 2 ? 0 : 1);
			g_assert_cmpuint(seen[i].seen, ==, k);
			found |= 1u << k;
		}
	}
	g_assert_cmpuint(total, ==, 7);
	g_assert_cmphex(found, ==, 0x7f);
}

static void mtu_is_that_of_the_largest_packet_of_the_guest(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(neighbour_mtu(&f->table, IP), ==, 1500);
	neighbour_learn(&f->table, 0, IP, mac_a, 1, NEIGHBOUR_BY_IP, 9000);
	neighbour_learn(&f->table, 0, IP, mac_a, 1, NEIGHBOUR_BY_IP, 60);
	g_assert_cmpuint(neighbour_mtu(&f->table, IP), ==, 9000);
	neighbour_learn(&f->table, 0, IP, mac_b, 1, NEIGHBOUR_BY_ARP, 0);
	g_assert_cmpuint(neighbour_mtu(&f->table, IP), ==, 1500);
}

static void guest_without_a_port_is_gone_after_a_minute(struct fixture *f, gconstpointer data)
{
	neighbour_learn(&f->table, 0, IP, mac_a, 1, NEIGHBOUR_BY_ARP, 0);
	neighbour_port_gone(&f->table, SECOND, 1);
	neighbour_expire(&f->table, 60 * SECOND);
	g_assert_cmpuint(f->gone, ==, 0);
	neighbour_expire(&f->table, 61 * SECOND);
	g_assert_cmpuint(f->gone, ==, 1);
	g_assert_cmpuint(f->table.used, ==, 0);
}

#define HOUR (3600 * SECOND)

static void silent_guest_is_asked_by_arp_before_it_is_gone(struct fixture *f, gconstpointer data)
{
	neighbour_learn(&f->table, 0, IP, mac_a, 1, NEIGHBOUR_BY_ARP, 0);
	neighbour_expire(&f->table, 2 * HOUR + 240 * SECOND); /* RFC 5382 REQ-5 */
	g_assert_cmpuint(f->asked + f->gone, ==, 0);
	neighbour_expire(&f->table, 3 * HOUR);
	g_assert_cmpuint(f->asked, ==, 1);
	neighbour_learn(&f->table, 3 * HOUR, IP, mac_a, 1, NEIGHBOUR_BY_ARP, 0);
	usec_t now = 3 * HOUR;
	while (neighbour_deadline(&f->table) <= 6 * HOUR) {
		now = neighbour_deadline(&f->table);
		neighbour_expire(&f->table, now);
	}
	g_assert_cmpuint(f->asked, ==, 2);
	g_assert_cmpuint(f->gone, ==, 0);
	for (unsigned i = 0; i < 3; i++)
		neighbour_expire(&f->table, neighbour_deadline(&f->table));
	g_assert_cmpuint(f->asked, ==, 4);
	g_assert_cmpuint(f->gone, ==, 1);
}

static void guest_that_reconnects_is_not_gone(struct fixture *f, gconstpointer data)
{
	neighbour_learn(&f->table, 0, IP, mac_a, 1, NEIGHBOUR_BY_ARP, 0);
	neighbour_port_gone(&f->table, SECOND, 1);
	neighbour_learn(&f->table, 2 * SECOND, IP, mac_a, 2, NEIGHBOUR_BY_IP, 60);
	neighbour_expire(&f->table, 100 * SECOND);
	g_assert_cmpuint(f->gone, ==, 0);
}

static void invented_addresses_of_one_port_leave_room_for_others(struct fixture *f, gconstpointer data)
{
	unsigned learned = 0;
	for (unsigned i = 0; i < 5000; i++)
		learned += neighbour_learn(&f->table, 0, IP4(10, 1, 0, 0) + i, mac_a, 1, NEIGHBOUR_BY_IP, 60);
	g_assert_cmpuint(learned, ==, NEIGHBOURS_PER_PORT);
	g_assert_true(neighbour_learn(&f->table, 0, IP, mac_b, 2, NEIGHBOUR_BY_IP, 60));
}

static void count_address(void *opaque, usec_t now, ip4_t ip)
{
	unsigned *counts = opaque;
	counts[ip & 0xffff]++;
}

static void forget(void *opaque, usec_t now, ip4_t ip)
{
}

/* Removal moves entries within the table; none may be lost or found twice. */
static void walk_of_a_port_finds_each_address_once(struct fixture *f, gconstpointer data)
{
	static const struct neighbour_ops forgetful = { count_ask, count_release, count_unanswered, forget };
	enum { PORTS = 16, ADDRESSES = 3000 };
	f->table.ops = &forgetful;
	for (unsigned i = 0; i < ADDRESSES; i++)
		g_assert_true(neighbour_learn(&f->table, 0, IP4(10, 1, 0, 0) + i, mac_a, 1 + i % PORTS, NEIGHBOUR_BY_IP, 60));
	for (unsigned port = 1; port <= PORTS; port += 2)
		neighbour_port_gone(&f->table, SECOND, port);
	neighbour_expire(&f->table, 100 * SECOND);
	g_assert_cmpuint(f->table.used, ==, ADDRESSES / 2);
	unsigned counts[ADDRESSES] = { 0 };
	for (unsigned port = 1; port <= PORTS; port++)
		neighbour_for_each_on_port(&f->table, 100 * SECOND, port, count_address, counts);
	for (unsigned i = 0; i < ADDRESSES; i++)
		g_assert_cmpuint(counts[i], ==, i % 2);
}

#define TEST(name) g_test_add("/neighbour/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(waiting_frames_are_sent_after_the_arp_answer);
	TEST(waiting_frames_have_a_limit_of_bytes);
	TEST(frames_are_dropped_after_three_requests);
	TEST(queue_of_a_silent_address_is_bounded);
	TEST(ip_packet_cannot_move_an_address);
	TEST(view_lists_each_known_entry_once);
	TEST(mtu_is_that_of_the_largest_packet_of_the_guest);
	TEST(guest_without_a_port_is_gone_after_a_minute);
	TEST(silent_guest_is_asked_by_arp_before_it_is_gone);
	TEST(guest_that_reconnects_is_not_gone);
	TEST(invented_addresses_of_one_port_leave_room_for_others);
	TEST(walk_of_a_port_finds_each_address_once);
	return g_test_run();
}
