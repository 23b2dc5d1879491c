/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guest, behind which port, an address belongs to. */
#include "base/macros.h"
#include "service/dhcp/holder.h"
#include "support/dhcp_bench.h"

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)
#define C BENCH_MAC(3)

static void assert_rank(const struct dhcp_bench *b, ip4_t ip, enum guest_rank rank, struct mac mac)
{
	struct guest_holder holder = { { { 0 } }, NULL };
	g_assert_cmpint(dhcp_rank(&b->dhcp, b->now, ip, &holder), ==, rank);
	g_assert_true(rank == GUEST_RANK_SEEN ? mac_is_zero(holder.mac) : mac_equal(holder.mac, mac));
}

static void active_lease_is_ranked_above_use(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_discover(&b, A);
	assert_rank(&b, ip, GUEST_RANK_SEEN, A);
	bench_request(&b, A, ip, BENCH_GATEWAY, 0);
	assert_rank(&b, ip, GUEST_RANK_LEASED, A);
	bench_sleep(&b, 3600 * USEC_PER_SEC);
	assert_rank(&b, ip, GUEST_RANK_SEEN, A);
	bench_done(&b);
}

static void released_address_has_no_rank(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip });
	assert_rank(&b, ip, GUEST_RANK_SEEN, A);
	bench_done(&b);
}

static void reservation_is_ranked_above_a_lease(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	assert_rank(&b, bench_web.ip, GUEST_RANK_DECLARED, bench_web.mac);
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, NULL, 0), ==, 0);
	ip4_t ip = bench_lease(&b, B, NULL);
	struct reservation r = { .mac = A, .ip = ip };
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, &r, 1), ==, 0);
	assert_rank(&b, ip, GUEST_RANK_DECLARED, A);
	bench_done(&b);
}

static void lease_from_before_a_restart_has_its_rank(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct dhcp_saved_lease saved = { .mac = A, .ip = BENCH_IP(50), .expires = b.now + USEC_PER_SEC };
	g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &saved), ==, 0);
	assert_rank(&b, BENCH_IP(50), GUEST_RANK_LEASED, A);
	bench_done(&b);
}

static void holder_is_behind_the_port_where_its_mac_is(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_arp(&b, ip, A);
	struct guest_holder holder;
	g_assert_cmpint(dhcp_rank(&b.dhcp, b.now, ip, &holder), ==, GUEST_RANK_LEASED);
	g_assert_true(holder.port == &b.port);
	bench_done(&b);
}

static unsigned n_holder_changes;

static void count_holder_change(struct dhcp_env *env, usec_t now, struct mac mac, ip4_t ip)
{
	n_holder_changes++;
}

static void assert_holder_changed(unsigned n)
{
	g_assert_cmpuint(n_holder_changes, ==, n);
	n_holder_changes = 0;
}

static void changes_of_holders_are_reported(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct dhcp_env_ops ops = *b.env.ops;
	ops.holder_changed = count_holder_change;
	b.env.ops = &ops;
	n_holder_changes = 0;
	bench_request(&b, A, BENCH_IP(9), 0, 0);
	assert_holder_changed(1);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = BENCH_IP(9) });
	assert_holder_changed(1);
	ip4_t ip = bench_lease(&b, B, "web");
	assert_holder_changed(1);
	bench_request(&b, B, 0, 0, ip);
	assert_holder_changed(1);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DECLINE, .mac = B, .requested = ip });
	assert_holder_changed(1);
	bench_done(&b);
}

static void guest_has_the_name_of_its_lease_or_reservation(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	g_assert_cmpstr(dhcp_name_of(&b.dhcp, b.now, bench_web.mac), ==, "web");
	g_assert_cmpstr(dhcp_name_of(&b.dhcp, b.now, B), ==, "");
	bench_lease(&b, B, "db");
	g_assert_cmpstr(dhcp_name_of(&b.dhcp, b.now, B), ==, "db");
	bench_sleep(&b, 3600 * USEC_PER_SEC);
	g_assert_cmpstr(dhcp_name_of(&b.dhcp, b.now, B), ==, "");
	bench_done(&b);
}

/* Each through its own port: A with a lease and the name "db", and the attacker B. */
static ip4_t start_with_two_guests(struct dhcp_bench *b)
{
	bench_start_default(b);
	bench_guard(b);
	ip4_t ip = bench_lease(b, A, "db");
	b->from = &b->other;
	bench_lease(b, B, "evil");
	bench_forget(b);
	return ip;
}

static void assert_refused(struct dhcp_bench *b, ip4_t ip)
{
	ip4_t db;
	char name[GUEST_NAME_SIZE];
	g_assert_cmpuint(b->replies->len, ==, 0);
	g_assert_cmpuint(b->probes->len, ==, 0);
	g_assert_cmpuint(b->saves, ==, 0);
	g_assert_cmpuint(b->drops.count[DROP_DHCP_FOREIGN], ==, 1);
	g_assert_cmpint(bench_find_name(b, "db", &db), ==, 0);
	g_assert_cmpuint(db, ==, ip);
	g_assert_cmpint(dhcp_find_address(&b->dhcp, b->now, ip, name), ==, 0);
	g_assert_cmpstr(name, ==, "db");
	bench_forget(b);
}

static void messages_about_a_lease_behind_another_port_are_refused(void)
{
	struct dhcp_bench b;
	ip4_t ip = start_with_two_guests(&b);
	const struct bench_ask asks[] = {
		{ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip },
		{ .type = DHCP_DECLINE, .mac = A, .requested = ip },
		{ .type = DHCP_REQUEST, .mac = A, .requested = ip, .name = "evil" },
		{ .type = DHCP_REQUEST, .mac = A, .ciaddr = ip, .client_id = "mine" },
		{ .type = DHCP_REQUEST, .mac = A, .requested = ip, .server_id = BENCH_IP(9) },
		{ .type = DHCP_DISCOVER, .mac = A, .name = "evil" },
		{ .type = DHCP_INFORM, .mac = A, .ciaddr = ip },
	};
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		struct bench_ask ask = asks[i];
		ask.through = B;
		bench_send(&b, &ask);
		bench_sleep(&b, USEC_PER_SEC);
		assert_refused(&b, ip);
	}
	bench_done(&b);
}

/* A guest that is switched off keeps its lease; it is not behind any port, and another one must not end the lease. */
static void lease_of_a_guest_without_a_port_is_ended_by_nobody_else(void)
{
	struct dhcp_bench b;
	ip4_t ip = start_with_two_guests(&b);
	bench_unplug(&b, &b.port);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip, .through = B });
	assert_refused(&b, ip);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DECLINE, .mac = A, .requested = ip, .through = B });
	assert_refused(&b, ip);
	bench_done(&b);
}

/* It may have moved, or come back, and not have sent anything before. */
static void guest_without_a_port_ends_its_lease_from_its_own_mac(void)
{
	struct dhcp_bench b;
	ip4_t ip = start_with_two_guests(&b);
	bench_unplug(&b, &b.port);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip });
	g_assert_cmpint(lease_find_mac(&b.dhcp.leases, A)->state, ==, LEASE_RELEASED);
	bench_done(&b);
}

/* The MAC is the key of a lease: cloned images have the same client id. */
static void client_id_of_another_lease_gives_nothing(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .requested = BENCH_IP(9), .client_id = "same" });
	b.from = &b.other;
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = B, .requested = BENCH_IP(9), .client_id = "same" });
	bench_only_reply(&b, DHCP_NAK);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = B, .ciaddr = BENCH_IP(9), .client_id = "same" });
	g_assert_true(lease_is_active(lease_find_mac(&b.dhcp.leases, A), b.now));
	bench_done(&b);
}

static void mac_seen_behind_another_port_gets_no_lease_here(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	bench_arp(&b, BENCH_IP(9), A);
	b.from = &b.other;
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .through = B });
	g_assert_cmpuint(b.drops.count[DROP_DHCP_FOREIGN], ==, 1);
	g_assert_null(lease_find_mac(&b.dhcp.leases, A));
	bench_done(&b);
}

static void probe_of_another_port_is_left_alone(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .client_id = "own" });
	b.from = &b.other;
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .client_id = "forged", .through = B });
	bench_sleep(&b, USEC_PER_SEC);
	uint8_t id[8];
	const struct bench_reply *offer = bench_only_reply(&b, DHCP_OFFER);
	g_assert_cmpint(dhcp_option_get(offer->bytes, offer->datagram.len, DHCP_OPTION_CLIENT_ID, id, sizeof(id)), ==, 3);
	g_assert_cmpmem(id, 3, "own", 3);
	bench_done(&b);
}

/* A wireless card or macvtap under a nested bridge: frames come from the bridge's MAC, chaddr is the client's. */
static void clients_behind_a_bridge_that_translates_macs_get_leases(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	for (unsigned i = 10; i < 13; i++) {
		struct bench_ask ask = { .type = DHCP_REQUEST, .mac = BENCH_MAC(i), .requested = BENCH_IP(i), .through = B };
		bench_forget(&b);
		bench_send(&b, &ask);
		bench_only_reply(&b, DHCP_ACK);
		bench_arp(&b, BENCH_IP(i), B);
	}
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = BENCH_MAC(10), .ciaddr = BENCH_IP(10), .through = B });
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

static void lease_in_use_behind_a_bridge_is_not_taken_by_its_mac(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .requested = BENCH_IP(9), .name = "db", .through = B });
	bench_arp(&b, BENCH_IP(9), B);
	b.from = &b.other;
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = BENCH_IP(9) });
	assert_refused(&b, BENCH_IP(9));
	bench_done(&b);
}

/* A lease for its MAC that another guest got, and whose address that one uses, does not keep a declared guest from starting. */
static void declared_guest_has_its_lease_whatever_another_got_before(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .requested = BENCH_IP(9), .name = "db", .through = B });
	bench_arp(&b, BENCH_IP(9), B);
	b.from = &b.other;
	b.other.pinned = A;
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .requested = BENCH_IP(9), .name = "db" });
	bench_only_reply(&b, DHCP_ACK);
	struct guest_holder holder;
	g_assert_cmpint(dhcp_rank(&b.dhcp, b.now, BENCH_IP(9), &holder), ==, GUEST_RANK_LEASED);
	g_assert_true(holder.port == &b.other);
	b.from = &b.port;
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = BENCH_IP(9), .through = B });
	assert_refused(&b, BENCH_IP(9));
	bench_done(&b);
}

/* Live migration: the switch has let the MAC move to another port, while the old one is still attached. */
static void lease_follows_its_mac_to_another_port(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	ip4_t ip = bench_lease(&b, A, "db");
	bench_arp(&b, ip, A);
	b.from = &b.other;
	bench_request(&b, A, 0, 0, ip);
	bench_only_reply(&b, DHCP_ACK);
	b.from = &b.port;
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip, .through = B });
	assert_refused(&b, ip);
	bench_done(&b);
}

/* What a station takes may change only by what itself sends: not for the client of another port, and not at a renewal. */
static void discover_tells_which_station_starts(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_lease(&b, A, NULL);
	g_assert_cmpuint(b.starts->len, ==, 1);
	g_assert_true(mac_equal(g_array_index(b.starts, struct mac, 0), A));
	bench_request(&b, A, 0, 0, BENCH_IP(2));
	g_assert_cmpuint(b.starts->len, ==, 1);
	/* By a bridge that translates MACs: the station is the bridge. */
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = BENCH_MAC(10), .through = B });
	g_assert_cmpuint(b.starts->len, ==, 2);
	g_assert_true(mac_equal(g_array_index(b.starts, struct mac, 1), B));
	bench_done(&b);
}

static void lease_of_an_unplugged_port_can_be_renewed_through_another(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .requested = BENCH_IP(9), .through = B });
	bench_unplug(&b, &b.port);
	b.from = &b.other;
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .ciaddr = BENCH_IP(9), .through = C });
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

static void lease_from_before_a_restart_can_be_renewed_through_any_port(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	struct dhcp_saved_lease saved = { .mac = A, .ip = BENCH_IP(50), .expires = b.now + 100 * USEC_PER_SEC };
	g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &saved), ==, 0);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .ciaddr = BENCH_IP(50), .through = B });
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

static void unguarded_port_may_speak_for_any_client(void)
{
	struct dhcp_bench b;
	ip4_t ip = start_with_two_guests(&b);
	b.other.guarded = false;
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip, .through = B });
	g_assert_cmpuint(b.saves, ==, 1);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_FOREIGN], ==, 0);
	bench_done(&b);
}

static void relay_has_to_be_behind_the_port(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	struct bench_ask ask = { .type = DHCP_DISCOVER, .mac = A, .giaddr = BENCH_IP(200), .through = B };
	bench_send(&b, &ask);
	b.from = &b.other;
	bench_arp(&b, BENCH_IP(200), C);
	b.from = &b.port;
	bench_send(&b, &ask);
	bench_sleep(&b, USEC_PER_SEC);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_FOREIGN], ==, 2);
	g_assert_cmpuint(b.replies->len, ==, 0);
	bench_arp(&b, BENCH_IP(200), B);
	bench_send(&b, &ask);
	bench_sleep(&b, USEC_PER_SEC);
	bench_only_reply(&b, DHCP_OFFER);
	bench_done(&b);
}

static void holder_is_behind_the_port_of_its_lease(void)
{
	struct dhcp_bench b;
	struct guest_holder holder;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .requested = BENCH_IP(9), .through = B });
	g_assert_cmpint(dhcp_rank(&b.dhcp, b.now, BENCH_IP(9), &holder), ==, GUEST_RANK_LEASED);
	g_assert_true(holder.port == &b.port);
	bench_unplug(&b, &b.port);
	g_assert_cmpint(dhcp_rank(&b.dhcp, b.now, BENCH_IP(9), &holder), ==, GUEST_RANK_LEASED);
	g_assert_null(holder.port);
	bench_done(&b);
}

static struct guest *guest_of_lease(const struct dhcp_bench *b, struct mac mac)
{
	const struct lease *l = lease_find_mac(&b->dhcp.leases, mac);
	g_assert_nonnull(l);
	return l->holder.guest;
}

static void lease_knows_its_guest_while_that_is_known(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t a = bench_lease(&b, A, NULL);
	g_assert_null(guest_of_lease(&b, A));
	bench_arp(&b, a, A);
	bench_arp(&b, BENCH_IP(200), B);
	bench_lease(&b, B, NULL);
	g_assert_true(guest_of_lease(&b, A) == guest_find(&b.guests, A));
	g_assert_true(guest_of_lease(&b, B) == guest_find(&b.guests, B));
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DECLINE, .mac = B, .requested = lease_find_mac(&b.dhcp.leases, B)->ip });
	g_assert_true(list_empty(&guest_find(&b.guests, B)->leases));
	bench_unplug(&b, &b.port);
	g_assert_nonnull(guest_of_lease(&b, A));
	guest_expire(&b.guests, b.now + 61 * USEC_PER_SEC);
	g_assert_null(guest_of_lease(&b, A));
	g_assert_null(dhcp_holder_port(&b.dhcp, b.now, A));
	bench_done(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/dhcp-ports/" #name, name)
	TEST(active_lease_is_ranked_above_use);
	TEST(released_address_has_no_rank);
	TEST(reservation_is_ranked_above_a_lease);
	TEST(lease_from_before_a_restart_has_its_rank);
	TEST(holder_is_behind_the_port_where_its_mac_is);
	TEST(changes_of_holders_are_reported);
	TEST(guest_has_the_name_of_its_lease_or_reservation);
	TEST(messages_about_a_lease_behind_another_port_are_refused);
	TEST(lease_of_a_guest_without_a_port_is_ended_by_nobody_else);
	TEST(guest_without_a_port_ends_its_lease_from_its_own_mac);
	TEST(client_id_of_another_lease_gives_nothing);
	TEST(mac_seen_behind_another_port_gets_no_lease_here);
	TEST(probe_of_another_port_is_left_alone);
	TEST(clients_behind_a_bridge_that_translates_macs_get_leases);
	TEST(lease_in_use_behind_a_bridge_is_not_taken_by_its_mac);
	TEST(declared_guest_has_its_lease_whatever_another_got_before);
	TEST(lease_follows_its_mac_to_another_port);
	TEST(discover_tells_which_station_starts);
	TEST(lease_of_an_unplugged_port_can_be_renewed_through_another);
	TEST(lease_from_before_a_restart_can_be_renewed_through_any_port);
	TEST(unguarded_port_may_speak_for_any_client);
	TEST(relay_has_to_be_behind_the_port);
	TEST(holder_is_behind_the_port_of_its_lease);
	TEST(lease_knows_its_guest_while_that_is_known);
	return g_test_run();
}
