/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets with DF that are larger than the path's MTU, from guests on a segment with a larger one. */
#include "native.h"

#include <netinet/in.h>
#include <stdlib.h>

#define PORT 5000
#define LEN 3000

/* The path to SERVER has an MTU of 2000 from now on. */
static void set_up_large(struct fixture *f, gconstpointer row)
{
	native_setup(f, row, &(struct bench_options){ .guest_mtu = 65520 });
	g_assert_cmpint(system("ip link set lo mtu 2000"), ==, 0);
	server_bind_udp(&f->s, SERVER);
	f->b.dont_fragment = true;
}

static void set_up_small(struct fixture *f, gconstpointer row)
{
	set_up_large(f, row);
	f->b.r.guest_mtu = 1500;
}

static void end(void)
{
	g_assert_cmpint(system("ip link set lo mtu 65536"), ==, 0);
}

static void send_large(struct fixture *f, ip4_t to)
{
	static const uint8_t payload[LEN];
	guest_udp_send(&f->b, GUEST, PORT, to, f->s.port, payload, LEN, 63);
}

static bool arrives(struct fixture *f)
{
	bench_run_for(&f->b, 20);
	bool is_there = server_has_datagram(&f->s);
	if (is_there) {
		static const uint8_t payload[LEN];
		struct sockaddr_in from;
		server_expect_datagram(&f->s, &f->b, payload, LEN, &from);
	}
	return is_there;
}

static bool has_heard_the_mtu(struct fixture *f)
{
	struct icmp4_header h;
	struct recorded_packet *m = await_icmp_error(&f->b) ? bench_message(&f->b) : NULL;
	if (!m)
		return false;
	bool has = icmp4_parse(m->l4, m->l4_len, &h) == 0 && h.code == ICMP4_UNREACHABLE_FRAG_NEEDED && h.rest == 2000;
	recorded_packet_free(m);
	return has;
}

static bool hears_nothing(struct fixture *f)
{
	bench_run_for(&f->b, 20);
	return g_queue_is_empty(&f->b.messages) && g_queue_is_empty(&f->b.r.errors);
}

static void first_datagrams_beyond_the_path_mtu_go_in_fragments(struct fixture *f, gconstpointer row)
{
	send_large(f, SERVER);
	send_large(f, SERVER);
	g_assert_true(arrives(f));
	g_assert_true(arrives(f));
	g_assert_true(hears_nothing(f)); /* a connected socket of the guest would return EMSGSIZE */
	g_assert_cmpuint(f->b.r.drops.count[DROP_FRAG_NEEDED], ==, 0);
	end();
}

static void guest_is_told_the_mtu_before_a_datagram_is_lost(struct fixture *f, gconstpointer row)
{
	send_large(f, SERVER);
	g_assert_true(arrives(f));
	bench_turn(&f->b, USEC_PER_SEC);
	send_large(f, SERVER);
	send_large(f, SERVER); /* before the guest has heard of the MTU */
	g_assert_true(arrives(f));
	g_assert_true(arrives(f));
	g_assert_true(has_heard_the_mtu(f));
	g_assert_true(has_heard_the_mtu(f));
	g_assert_cmpuint(f->b.r.drops.count[DROP_FRAG_NEEDED], ==, 0);
	end();
}

static void datagram_with_df_after_the_guest_has_heard_of_the_mtu_is_refused(struct fixture *f, gconstpointer row)
{
	send_large(f, SERVER);
	g_assert_true(arrives(f));
	for (unsigned i = 0; i < 2; i++) {
		bench_turn(&f->b, USEC_PER_SEC);
		send_large(f, SERVER);
		g_assert_true(has_heard_the_mtu(f));
		g_assert_cmpint(arrives(f), ==, i == 0);
	}
	g_assert_cmpuint(f->b.r.drops.count[DROP_FRAG_NEEDED], ==, 1);
	/* Another destination, and the same one when guests have forgotten. */
	guest_udp_send(&f->b, GUEST, PORT, HOST, f->s.port, "x", 1, 63);
	send_large(f, HOST);
	bench_run_for(&f->b, 20);
	g_assert_cmpuint(f->b.r.drops.count[DROP_FRAG_NEEDED], ==, 1);
	bench_turn(&f->b, 601 * USEC_PER_SEC);
	bench_forget(&f->b);
	send_large(f, SERVER);
	g_assert_true(arrives(f));
	end();
}

/* Its own stack fragments what is larger than an Ethernet takes, so this is a search for the MTU. */
static void guest_with_the_mtu_of_an_ethernet_is_obeyed(struct fixture *f, gconstpointer row)
{
	send_large(f, SERVER);
	g_assert_true(has_heard_the_mtu(f));
	g_assert_false(arrives(f));
	g_assert_cmpuint(f->b.r.drops.count[DROP_FRAG_NEEDED], ==, 1);
	end();
}

static void first_ping_beyond_the_path_mtu_is_answered(struct fixture *f, gconstpointer row)
{
	static const uint8_t payload[LEN];
	struct icmp4_header h;
	guest_ping(&f->b, GUEST, SERVER, 842, 1, payload, LEN, 63);
	struct recorded_packet *m = bench_message(&f->b);
	g_assert_nonnull(m);
	g_assert_cmpint(icmp4_parse(m->l4, m->l4_len, &h), ==, 0);
	g_assert_cmpuint(h.type, ==, ICMP4_ECHO_REPLY);
	g_assert_cmpuint(m->l4_len, ==, ICMP4_HEADER_LEN + LEN);
	recorded_packet_free(m);
	end();
}

#define TEST(name, setup_function) \
	{ \
#name, name, setup_function \
	}

const struct contract_test native_mtu[] = {
	TEST(first_datagrams_beyond_the_path_mtu_go_in_fragments, set_up_large),
	TEST(guest_is_told_the_mtu_before_a_datagram_is_lost, set_up_large),
	TEST(datagram_with_df_after_the_guest_has_heard_of_the_mtu_is_refused, set_up_large),
	TEST(guest_with_the_mtu_of_an_ethernet_is_obeyed, set_up_small),
	TEST(first_ping_beyond_the_path_mtu_is_answered, set_up_large),
	{ 0 },
};
