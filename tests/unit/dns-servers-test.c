/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which name server a forwarded query goes to, when it is repeated, and which answer counts. */
#include "support/dns_bench.h"

#include "service/dns/forward.h"

static void silent_server_is_asked_again_with_a_new_id_then_servfail(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 5, "example.com", DNS_TYPE_A);
	usec_t start = b->now;
	for (guint i = 1; i < DNS_ATTEMPT_ROUNDS; i++) {
		g_assert_cmpuint(next_deadline(b), ==, b->now + DNS_ATTEMPT_TIMEOUT);
		turn_clock(b, DNS_ATTEMPT_TIMEOUT - 1);
		g_assert_cmpuint(b->asked->len, ==, i);
		turn_clock(b, 1);
		g_assert_cmpuint(b->asked->len, ==, i + 1);
		g_assert_cmphex(header_of(asked_at(b, i)->bytes).id, !=, header_of(asked_at(b, i - 1)->bytes).id);
	}
	g_assert_cmpuint(b->told->len, ==, 0);
	turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	check_rcode(b, 0, 5, DNS_RCODE_SERVFAIL);
	g_assert_cmpuint(b->now - start, <, 5 * USEC_PER_SEC);
	g_assert_cmpuint(alive(b), ==, 0);
	g_assert_cmpuint(next_deadline(b), ==, USEC_INFINITY);
}

static void late_answer_to_the_first_attempt_is_accepted(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 5, "example.com", DNS_TYPE_A);
	turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	g_assert_cmpuint(b->asked->len, ==, 2);
	g_assert_false(asked_at(b, 0)->cancelled);
	answer(b, 0, 0, 0);
	check_rcode(b, 0, 5, 0);
	g_assert_true(asked_at(b, 1)->cancelled);
	answer(b, 1, 0, 0);
	g_assert_cmpuint(b->told->len, ==, 1);
}

static void every_attempt_can_be_answered_until_the_deadline(void)
{
	static const usec_t late[] = { 3 * USEC_PER_SEC, 4500 * USEC_PER_MSEC, DNS_ATTEMPT_ROUNDS * DNS_ATTEMPT_TIMEOUT - 1 };
	for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
		for (unsigned servers = 1; servers <= 3; servers++) {
			g_autoptr(dns_bench) b = dns_bench_new_usual(servers);
			ask(b, 5, "example.com", DNS_TYPE_A);
			for (usec_t step = late[i] / 10, at = step; at <= late[i]; at += step)
				turn_clock(b, step);
			g_assert_cmpuint(b->told->len, ==, 0);
			g_assert_cmpuint(alive(b), ==, b->asked->len);
			g_assert_cmpuint(b->asked->len, <=, DNS_ATTEMPT_ROUNDS);
			answer(b, 0, 0, 0);
			check_rcode(b, 0, 5, 0);
			g_assert_cmpuint(alive(b), ==, 1);
		}
	}
}

static void servers_are_asked_in_turn(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(3);
	ask(b, 5, "example.com", DNS_TYPE_A);
	for (int i = 0; i < 3; i++)
		turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	static const uint8_t order[] = { 0, 1, 2, 0 };
	g_assert_cmpuint(b->asked->len, ==, ARRAY_SIZE(order));
	for (guint i = 0; i < ARRAY_SIZE(order); i++)
		g_assert_cmpuint(asked_at(b, i)->server.endpoint.addr.b[15], ==, order[i]);
}

static void next_server_is_asked_at_once_after_a_refusal(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 5, "example.com", DNS_TYPE_A);
	fail(b, 0, -ECONNREFUSED);
	g_assert_cmpuint(asked_at(b, 1)->server.endpoint.addr.b[15], ==, 1);
	g_assert_cmpuint(b->told->len, ==, 0);
	fail(b, 1, -ECONNREFUSED);
	check_rcode(b, 0, 5, DNS_RCODE_SERVFAIL);
	g_assert_cmpuint(b->asked->len, ==, 2);
	g_assert_cmpuint(next_deadline(b), ==, USEC_INFINITY);
}

static void server_that_failed_is_not_asked_again_for_the_same_query(void)
{
	static const uint8_t failures[] = { 0, DNS_RCODE_REFUSED };
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		g_autoptr(dns_bench) b = dns_bench_new_usual(2);
		ask(b, 5, "example.com", DNS_TYPE_A);
		if (failures[i])
			answer(b, 0, failures[i], 0);
		else
			fail(b, 0, -ECONNREFUSED);
		for (unsigned round = 1; round < DNS_ATTEMPT_ROUNDS; round++)
			turn_clock(b, DNS_ATTEMPT_TIMEOUT);
		g_assert_cmpuint(b->asked->len, ==, 1 + DNS_ATTEMPT_ROUNDS);
		for (guint asked = 1; asked < b->asked->len; asked++)
			g_assert_cmpuint(asked_at(b, asked)->server.endpoint.addr.b[15], ==, 1);
	}
}

static void unreachable_server_is_skipped(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(3);
	b->send_errors[0] = b->send_errors[1] = -ENETUNREACH;
	ask(b, 5, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 1);
	g_assert_cmpuint(asked_at(b, 0)->server.endpoint.addr.b[15], ==, 2);
	b->send_errors[2] = -ENETUNREACH;
	ask(b, 6, "b.example.com", DNS_TYPE_A);
	check_rcode(b, 0, 6, DNS_RCODE_SERVFAIL);
}

static void no_server_gives_servfail(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(0);
	ask(b, 5, "example.com", DNS_TYPE_A);
	check_rcode(b, 0, 5, DNS_RCODE_SERVFAIL);
	ask(b, 6, "web", DNS_TYPE_A);
	check_rcode(b, 1, 6, 0);
}

static void dead_server_is_skipped_for_a_while(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 1, "a.example.com", DNS_TYPE_A);
	turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	answer(b, 1, 0, 0);
	ask(b, 2, "b.example.com", DNS_TYPE_A);
	g_assert_cmpuint(asked_at(b, 2)->server.endpoint.addr.b[15], ==, 1);
	answer(b, 2, 0, 0);
	b->now += DNS_SERVER_PENALTY;
	ask(b, 3, "c.example.com", DNS_TYPE_A);
	g_assert_cmpuint(asked_at(b, 3)->server.endpoint.addr.b[15], ==, 0);
}

static void slow_answer_of_a_live_server_does_not_make_it_dead(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 1, "slow.example.com", DNS_TYPE_A);
	b->now += USEC_PER_SEC;
	ask(b, 2, "b.example.com", DNS_TYPE_A);
	answer(b, 1, 0, 0);
	turn_clock(b, DNS_ATTEMPT_TIMEOUT - USEC_PER_SEC);
	ask(b, 3, "c.example.com", DNS_TYPE_A);
	g_assert_cmpuint(asked_at(b, 3)->server.endpoint.addr.b[15], ==, 0);
}

static void error_of_a_server_is_returned_only_when_all_others_fail(void)
{
	static const uint8_t errors[] = { DNS_RCODE_SERVFAIL, DNS_RCODE_NOTIMP, DNS_RCODE_REFUSED };
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		g_autoptr(dns_bench) b = dns_bench_new_usual(2);
		ask_shape(b, &(struct query_shape){ .id = 5, .name = "example.com", .type = 1, .edns_size = 1232 });
		g_assert_true(answer(b, 0, errors[i], 0));
		g_assert_cmpuint(b->told->len, ==, 0);
		g_assert_cmpuint(asked_at(b, 1)->server.endpoint.addr.b[15], ==, 1);
		g_assert_true(answer(b, 1, errors[i], 9));
		check_rcode(b, 0, 5, errors[i]);
		g_assert_cmpuint(told_at(b, 0)->bytes->len, ==, asked_at(b, 1)->bytes->len + 9);
	}
}

static void nxdomain_of_the_first_server_is_final(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 5, "example.com", DNS_TYPE_A);
	answer(b, 0, DNS_RCODE_NXDOMAIN, 0);
	check_rcode(b, 0, 5, DNS_RCODE_NXDOMAIN);
	g_assert_cmpuint(b->asked->len, ==, 1);
}

static void error_waits_for_a_slow_server(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 5, "example.com", DNS_TYPE_A);
	turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	answer(b, 1, DNS_RCODE_REFUSED, 0);
	g_assert_cmpuint(b->told->len, ==, 0);
	answer(b, 0, 0, 0);
	check_rcode(b, 0, 5, 0);
}

static void new_servers_are_used_from_the_next_attempt_on(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 5, "example.com", DNS_TYPE_A);
	struct dns_server_list other = { 0 };
	dns_server_list_add(&other, &(struct dns_server){ .endpoint = { ip_from_ip4(IP4(10, 9, 9, 9)), DNS_PORT } });
	dns_set_outside(b->dns, &(struct dns_outside){ .servers = other });
	turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	g_assert_cmpuint(asked_at(b, 1)->server.endpoint.addr.b[15], ==, 9);
	fail(b, 0, -ECONNREFUSED); /* of the former server */
	answer(b, 1, 0, 0);
	check_rcode(b, 0, 5, 0);
}

static void failure_of_a_former_server_does_not_affect_its_successor(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 5, "example.com", DNS_TYPE_A);
	struct dns_server_list other = { 0 };
	for (unsigned i = 10; i < 12; i++)
		dns_server_list_add(&other, &(struct dns_server){ .endpoint = { ip_from_ip4(IP4(10, 0, 0, i)), DNS_PORT } });
	dns_set_outside(b->dns, &(struct dns_outside){ .servers = other });
	fail(b, 0, -ECONNREFUSED);
	g_assert_cmpuint(asked_at(b, 1)->server.endpoint.addr.b[15], ==, 10);
	ask(b, 6, "b.example.com", DNS_TYPE_A);
	g_assert_cmpuint(asked_at(b, 2)->server.endpoint.addr.b[15], ==, 10);
}

static void query_without_any_servers_left_gets_servfail(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 5, "example.com", DNS_TYPE_A);
	set_servers(b, 0);
	for (unsigned i = 0; i < DNS_ATTEMPT_ROUNDS; i++)
		turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	check_rcode(b, 0, 5, DNS_RCODE_SERVFAIL);
}

#define ADD(f) g_test_add_func("/dns/" #f, f)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(silent_server_is_asked_again_with_a_new_id_then_servfail);
	ADD(late_answer_to_the_first_attempt_is_accepted);
	ADD(every_attempt_can_be_answered_until_the_deadline);
	ADD(servers_are_asked_in_turn);
	ADD(next_server_is_asked_at_once_after_a_refusal);
	ADD(server_that_failed_is_not_asked_again_for_the_same_query);
	ADD(unreachable_server_is_skipped);
	ADD(no_server_gives_servfail);
	ADD(dead_server_is_skipped_for_a_while);
	ADD(slow_answer_of_a_live_server_does_not_make_it_dead);
	ADD(error_of_a_server_is_returned_only_when_all_others_fail);
	ADD(nxdomain_of_the_first_server_is_final);
	ADD(error_waits_for_a_slow_server);
	ADD(new_servers_are_used_from_the_next_attempt_on);
	ADD(failure_of_a_former_server_does_not_affect_its_successor);
	ADD(query_without_any_servers_left_gets_servfail);
	return g_test_run();
}
