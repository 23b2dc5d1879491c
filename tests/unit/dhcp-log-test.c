/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the DHCP server logs when guests try to hide it. */
#include "base/log.h"
#include "lan/packet.h"
#include "support/dhcp_bench.h"

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)

struct fixture {
	struct dhcp_bench b;
	struct port noisy, quiet;
	struct log log;
	GPtrArray *lines;
};

static void keep_line(void *opaque, enum log_level level, const char *line)
{
	g_ptr_array_add(opaque, g_strdup(line));
}

static void set_up(struct fixture *f, gconstpointer data)
{
	f->lines = g_ptr_array_new_with_free_func(g_free);
	f->log = (struct log){ .level = LOG_LEVEL_INFO, .write = keep_line, .opaque = f->lines };
	port_init(&f->noisy, NULL, "noisy", 1514, 1500);
	port_init(&f->quiet, NULL, "quiet", 1514, 1500);
	bench_init(&f->b);
	f->b.config.log = &f->log;
	bench_start(&f->b);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	bench_done(&f->b);
	g_ptr_array_free(f->lines, TRUE);
}

/* Asks from @p for addresses of another network, which the server refuses, each time with a line in the log. */
static void provoke_naks(struct fixture *f, struct port *p, unsigned n)
{
	f->b.from = p;
	for (unsigned i = 0; i < n; i++)
		bench_request(&f->b, A, IP4(10, 0, 0, 1), 0, 0);
}

static void answer(struct fixture *f, struct port *p, ip4_t server)
{
	f->b.from = p;
	bench_foreign_answer(&f->b, server);
}

/* How many lines have @text. */
static unsigned count(const struct fixture *f, const char *text)
{
	unsigned n = 0;
	for (unsigned i = 0; i < f->lines->len; i++)
		n += strstr(f->lines->pdata[i], text) != NULL;
	return n;
}

static void refusals_of_one_port_do_not_hide_the_foreign_server_on_another(struct fixture *f, gconstpointer data)
{
	provoke_naks(f, &f->noisy, 100);
	answer(f, &f->quiet, BENCH_IP(66));
	g_assert_cmpuint(count(f, "another DHCP server answers on the segment: 192.168.122.66 (52:54:00:00:03:e7) on port quiet"), ==, 1);
	g_assert_cmpuint(count(f, "on port quiet; guests get addresses from either"), ==, 1);
}

static void server_whose_answers_are_dropped_is_told_with_the_remedy(struct fixture *f, gconstpointer data)
{
	struct packet p = { .eth.ethertype = ETH_TYPE_IPV4, .ip.src = BENCH_IP(66), .port = &f->quiet };
	for (unsigned i = 0; i < 3; i++)
		dhcp_foreign_seen(&f->b.dhcp, 0, &p, true);
	g_assert_cmpuint(count(f, "on port quiet; its answers are dropped, because this port is not a dhcp-server"), ==, 1);
	dhcp_foreign_seen(&f->b.dhcp, 0, &p, false);
	g_assert_cmpuint(count(f, "on port quiet; guests get addresses from either"), ==, 1);
}

static void refusals_of_a_port_do_not_hide_its_own_foreign_server(struct fixture *f, gconstpointer data)
{
	provoke_naks(f, &f->noisy, 100);
	answer(f, &f->noisy, BENCH_IP(66));
	g_assert_cmpuint(count(f, "another DHCP server answers"), ==, 1);
}

static void refusals_of_one_port_do_not_hide_leases_of_another(struct fixture *f, gconstpointer data)
{
	provoke_naks(f, &f->noisy, 100);
	f->b.from = &f->quiet;
	bench_lease(&f->b, B, "db");
	g_assert_cmpuint(count(f, "dhcp: leased"), ==, 1);
}

static void suppressed_refusals_are_told_with_their_port(struct fixture *f, gconstpointer data)
{
	provoke_naks(f, &f->noisy, 100);
	bench_sleep(&f->b, USEC_PER_SEC);
	provoke_naks(f, &f->noisy, 1);
	g_assert_cmpuint(count(f, "port noisy: 95 more lines were suppressed"), ==, 1);
}

static void foreign_server_is_told_once(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 10; i++) {
		answer(f, &f->quiet, BENCH_IP(66));
		bench_sleep(&f->b, USEC_PER_SEC);
	}
	g_assert_cmpuint(f->lines->len, ==, 1);
}

/* A guest that answers from many addresses uses up the reserve of its own port only. */
static void foreign_servers_on_one_port_do_not_hide_one_on_another(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 100; i++)
		answer(f, &f->noisy, BENCH_IP(70 + i));
	answer(f, &f->quiet, BENCH_IP(66));
	g_assert_cmpuint(count(f, "192.168.122.66 (52:54:00:00:03:e7) on port quiet"), ==, 1);
}

static void foreign_server_whose_warning_was_suppressed_is_told_later(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 100; i++)
		answer(f, &f->noisy, BENCH_IP(70 + i));
	answer(f, &f->noisy, BENCH_IP(66));
	g_assert_cmpuint(count(f, ": 192.168.122.66 "), ==, 0);
	bench_sleep(&f->b, USEC_PER_SEC);
	answer(f, &f->noisy, BENCH_IP(66));
	g_assert_cmpuint(count(f, ": 192.168.122.66 "), ==, 1);
}

/* A guest that answers every ARP probe makes the server set addresses aside, with a line for each. */
static void conflicts_are_charged_to_the_port_that_answers_the_probe(struct fixture *f, gconstpointer data)
{
	provoke_naks(f, &f->quiet, 5);
	bench_send(&f->b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = B });
	f->b.from = &f->noisy;
	bench_arp(&f->b, g_array_index(f->b.probes, ip4_t, 0), A);
	bench_sleep(&f->b, 0);
	g_assert_cmpuint(count(f, "another host uses it without a lease"), ==, 1);
}

#define TEST(name) g_test_add("/dhcp-log/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(refusals_of_one_port_do_not_hide_the_foreign_server_on_another);
	TEST(refusals_of_a_port_do_not_hide_its_own_foreign_server);
	TEST(refusals_of_one_port_do_not_hide_leases_of_another);
	TEST(suppressed_refusals_are_told_with_their_port);
	TEST(foreign_server_is_told_once);
	TEST(server_whose_answers_are_dropped_is_told_with_the_remedy);
	TEST(foreign_servers_on_one_port_do_not_hide_one_on_another);
	TEST(foreign_server_whose_warning_was_suppressed_is_told_later);
	TEST(conflicts_are_charged_to_the_port_that_answers_the_probe);
	return g_test_run();
}
