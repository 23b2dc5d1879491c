/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to guests whose outcome a client waits for, with an engine that does what the test says, and invented time. */
#include "network/forward/dial.h"

#include "base/macros.h"
#include "gateway/guest.h"
#include "gateway/ip6.h"
#include "network/forward/client.h"
#include "network/forward/forward.h"

#include <errno.h>
#include <glib.h>
#include <unistd.h>

#define GATEWAY IP4(192, 168, 122, 1)
#define GUEST IP4(192, 168, 122, 50)
#define NEVER 1000000

static const struct ip_addr guest6 = { { 0xfd, [15] = 5 } };

struct fixture {
	struct forward_env env;
	struct gateway_ip6 ip6;
	struct dials dials;
	struct engine_open asked; /* the last request to the engine */
	struct engine_opening *cancelled;
	int result; /* of open() */
	bool there;
	bool there6_only;
	unsigned opened;
	int error; /* NEVER: failed() was not called */
};

/* The test engine: its state is in the fixture. */
static int engine_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	struct fixture *f = (struct fixture *)e;
	f->asked = *how;
	return f->result;
}

static void engine_cancel(struct engine *e, usec_t now, struct engine_opening *o)
{
	((struct fixture *)e)->cancelled = o;
}

static const struct engine_env engine_env;
static const struct engine_ops engine = { .name = "test", .open = engine_open, .cancel = engine_cancel };
static const struct engine_ops deaf_engine = { .name = "deaf", .open = engine_open };

static int find_guest(void *opaque, usec_t now, const struct guest_ref *guest, struct ip_addr ret[static FORWARD_ADDRESSES_MAX])
{
	if (strcmp(guest->name, "both") == 0) {
		ret[0] = ip_from_ip4(GUEST);
		ret[1] = guest6;
		return 2;
	}
	if (guest->kind != GUEST_REF_ADDRESS)
		return -ENOENT;
	ret[0] = guest->ip;
	return 1;
}

static struct guest *expect_guest(void *opaque, usec_t now, const struct ip_addr *ip)
{
	static struct guest guest;
	return &guest;
}

static bool guest_is_there(void *opaque, const struct ip_addr *ip)
{
	return ((struct fixture *)opaque)->there && !(((struct fixture *)opaque)->there6_only && ip_is_v4(ip));
}

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(prefix4_parse("192.168.122.0/24", &f->env.subnet), ==, 0);
	f->env.engine_ops = &engine;
	f->env.engine_env = &engine_env;
	f->env.engine = (struct engine *)f;
	f->env.gateway = GATEWAY;
	f->env.ip6 = &f->ip6;
	f->env.routes_ip6 = &f->ip6.on;
	f->env.find_guest = find_guest;
	f->env.expect_guest = expect_guest;
	f->env.guest_is_there = guest_is_there;
	f->env.opaque = f;
	f->there = true;
	f->ip6 = gateway_ip6_of(&(struct prefix6){ { { 0xfd } }, 64 });
	f->error = NEVER;
	dials_init(&f->dials, &f->env);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(f->dials.n, ==, 0);
	g_assert_cmpuint(dials_deadline(&f->dials), ==, USEC_INFINITY);
}

struct client {
	struct dial dial;
	struct fixture *f;
	int fd;
};

static int opened(struct dial *d, usec_t now)
{
	struct client *c = container_of(d, struct client, dial);
	c->f->opened++;
	return c->fd;
}

static void failed(struct dial *d, usec_t now, int error)
{
	container_of(d, struct client, dial)->f->error = error;
}

static int dial(struct fixture *f, struct client *c, usec_t now, ip4_t guest)
{
	const struct guest_ref to = { .kind = GUEST_REF_ADDRESS, .ip = ip_from_ip4(guest) };
	const struct ip_endpoint unspecified = { 0 };
	*c = (struct client){ .dial = { .opened = opened, .failed = failed }, .f = f, .fd = 7 };
	return dial_begin(&f->dials, now, &c->dial, &to, 22, &unspecified);
}

static void guest_sees_the_gateway_and_the_host_side_comes_when_it_answers(struct fixture *f, gconstpointer data)
{
	struct client c;
	g_assert_cmpint(dial(f, &c, 0, GUEST), ==, 0);
	g_assert_cmpuint(ip_to_ip4(&f->asked.to.addr), ==, GUEST);
	g_assert_cmpuint(f->asked.to.port, ==, 22);
	g_assert_cmpuint(ip_to_ip4(&f->asked.source.addr), ==, GATEWAY);
	g_assert_cmpint(f->asked.fd, ==, -1);
	g_assert_cmpuint(f->opened, ==, 0);
	g_assert_cmpint(f->asked.opening->opened(f->asked.opening, 1), ==, 7);
	g_assert_cmpuint(f->opened, ==, 1);
	g_assert_cmpuint(f->dials.opened, ==, 1);
}

static void failure_reported_by_the_engine_is_passed_on(struct fixture *f, gconstpointer data)
{
	struct client c;
	dial(f, &c, 0, GUEST);
	f->asked.opening->failed(f->asked.opening, 1, ECONNREFUSED);
	g_assert_cmpint(f->error, ==, ECONNREFUSED);
	g_assert_cmpuint(f->dials.failed, ==, 1);
}

static void address_without_a_guest_is_soon_unreachable(struct fixture *f, gconstpointer data)
{
	struct client c;
	f->there = false;
	dial(f, &c, 0, GUEST);
	usec_t when = dials_deadline(&f->dials);
	g_assert_cmpuint(when, <=, 5 * USEC_PER_SEC);
	dials_expire(&f->dials, when - 1);
	g_assert_cmpint(f->error, ==, NEVER);
	dials_expire(&f->dials, when);
	g_assert_cmpint(f->error, ==, EHOSTUNREACH);
	g_assert_true(f->cancelled == &c.dial.opening);
}

static void guest_that_answers_arp_has_more_time_to_accept(struct fixture *f, gconstpointer data)
{
	struct client first, second;
	dial(f, &first, 0, GUEST);
	dials_expire(&f->dials, dials_deadline(&f->dials));
	g_assert_cmpint(f->error, ==, NEVER);
	dial(f, &second, 10 * USEC_PER_SEC, GUEST + 1);
	usec_t when = 20 * USEC_PER_SEC;
	dials_expire(&f->dials, when - 1);
	g_assert_cmpint(f->error, ==, NEVER);
	dials_expire(&f->dials, when);
	g_assert_cmpint(f->error, ==, ETIMEDOUT);
	g_assert_true(f->cancelled == &first.dial.opening);
	dial_cancel(&second.dial, when);
	g_assert_true(f->cancelled == &second.dial.opening);
	dial_cancel(&second.dial, when); /* harmless */
}

static void addresses_that_no_guest_can_have_are_refused(struct fixture *f, gconstpointer data)
{
	static const ip4_t wrong[] = { GATEWAY, IP4(192, 168, 122, 0), IP4(192, 168, 122, 255), IP4(192, 168, 123, 5), IP4(127, 0, 0, 1) };
	struct client c;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		g_assert_cmpint(dial(f, &c, 0, wrong[i]), ==, -ENETUNREACH);
	g_assert_cmpuint(f->asked.to.port, ==, 0);
	const struct guest_ref name = { .name = "nobody" };
	const struct ip_endpoint unspecified = { 0 };
	g_assert_cmpint(dial_begin(&f->dials, 0, &c.dial, &name, 22, &unspecified), ==, -ENOENT);
}

static void refusal_of_the_engine_is_returned(struct fixture *f, gconstpointer data)
{
	struct client c;
	f->result = -EMFILE;
	g_assert_cmpint(dial(f, &c, 0, GUEST), ==, -EMFILE);
	g_assert_cmpint(f->error, ==, NEVER);
}

static void number_of_dials_is_bounded(struct fixture *f, gconstpointer data)
{
	g_autofree struct client *c = g_new0(struct client, DIALS_MAX + 1);
	for (unsigned i = 0; i < DIALS_MAX; i++)
		g_assert_cmpint(dial(f, &c[i], 0, GUEST), ==, 0);
	g_assert_cmpint(dial(f, &c[DIALS_MAX], 0, GUEST), ==, -EAGAIN);
	for (unsigned i = 0; i < DIALS_MAX; i++)
		dial_cancel(&c[i].dial, 0);
}

static void engine_that_reports_no_answer_gets_the_client_first(struct fixture *f, gconstpointer data)
{
	struct client c;
	f->env.engine_ops = &deaf_engine;
	g_assert_cmpint(dial(f, &c, 0, GUEST), ==, 0);
	g_assert_cmpuint(f->opened, ==, 1);
	g_assert_cmpint(f->asked.fd, ==, 7);
	g_assert_null(f->asked.opening);
}

static int dial_both(struct fixture *f, struct client *c)
{
	const struct guest_ref to = { .name = "both" };
	const struct ip_endpoint unspecified = { 0 };
	*c = (struct client){ .dial = { .opened = opened, .failed = failed }, .f = f, .fd = 7 };
	return dial_begin(&f->dials, 0, &c->dial, &to, 22, &unspecified);
}

static void guest_is_reached_by_ipv6_from_the_gateway(struct fixture *f, gconstpointer data)
{
	static const char *const guests[] = { "fd00::5", "fe80::5" }, *const sources[] = { "fd00::1", "fe80::1" };
	const struct ip_endpoint unspecified = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		struct client c = { .dial = { .opened = opened, .failed = failed }, .f = f, .fd = 7 };
		struct guest_ref to;
		char text[IP_TEXT_SIZE];
		g_assert_cmpint(guest_ref_parse(guests[i], &to), ==, 0);
		g_assert_cmpint(dial_begin(&f->dials, 0, &c.dial, &to, 22, &unspecified), ==, 0);
		g_assert_cmpstr(ip_format(&f->asked.to.addr, text), ==, guests[i]);
		g_assert_cmpstr(ip_format(&f->asked.source.addr, text), ==, sources[i]);
		dial_cancel(&c.dial, 0);
	}
}

static void guest_that_refuses_is_tried_at_its_other_address(struct fixture *f, gconstpointer data)
{
	struct client c;
	g_assert_cmpint(dial_both(f, &c), ==, 0);
	g_assert_true(ip_is_v4(&f->asked.to.addr));
	f->asked.opening->failed(f->asked.opening, 1, ECONNREFUSED);
	g_assert_true(ip_is_v4(&f->asked.to.addr)); /* the engine may not be called there */
	g_assert_cmpuint(dials_deadline(&f->dials), ==, 0);
	dials_expire(&f->dials, 2);
	g_assert_true(ip_equal(&f->asked.to.addr, &guest6));
	g_assert_cmpint(f->error, ==, NEVER);
	f->asked.opening->failed(f->asked.opening, 3, ECONNREFUSED);
	g_assert_cmpint(f->error, ==, ECONNREFUSED);
	g_assert_cmpuint(f->dials.failed, ==, 1);
}

static void guest_that_is_there_with_one_address_only_is_tried_there_first(struct fixture *f, gconstpointer data)
{
	struct client c;
	f->there6_only = true;
	g_assert_cmpint(dial_both(f, &c), ==, 0);
	g_assert_true(ip_equal(&f->asked.to.addr, &guest6));
	dial_cancel(&c.dial, 1);
}

static void dial_between_two_addresses_can_be_cancelled(struct fixture *f, gconstpointer data)
{
	struct client c;
	g_assert_cmpint(dial_both(f, &c), ==, 0);
	f->asked.opening->failed(f->asked.opening, 1, EHOSTUNREACH);
	dial_cancel(&c.dial, 1);
	g_assert_null(f->cancelled);
}

static void clients_that_guests_cannot_answer_are_seen_as_the_gateway(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *client, *to, *routed, *unrouted; /* what the guest sees while it has a default route of IPv6, and else */
	} cases[] = {
		{ "203.0.113.5", "192.168.122.50", "203.0.113.5", "203.0.113.5" },
		{ "127.0.0.1", "192.168.122.50", "192.168.122.1", "192.168.122.1" },
		{ "192.168.122.7", "192.168.122.50", "192.168.122.1", "192.168.122.1" },
		{ "2a00::7", "192.168.122.50", "192.168.122.1", "192.168.122.1" },
		{ "2a00::7", "fd00::5", "2a00::7", "fd00::1" },
		{ "fd11::7", "fd00::5", "fd11::7", "fd00::1" },
		{ "2a00::7", "fe80::5", "fe80::1", "fe80::1" },
		{ "::1", "fd00::5", "fd00::1", "fd00::1" },
		{ "fe80::7", "fd00::5", "fd00::1", "fd00::1" },
		{ "fd00::7", "fd00::5", "fd00::1", "fd00::1" },
		{ "fd00::1", "fd00::5", "fd00::1", "fd00::1" },
		{ "2001:db8::7", "fd00::5", "fd00::1", "fd00::1" },
		{ "203.0.113.5", "fd00::5", "fd00::1", "fd00::1" },
	};
	bool routes = true;
	f->env.routes_ip6 = &routes;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++, routes = i < ARRAY_SIZE(cases)) {
		const char *want = routes ? cases[i % ARRAY_SIZE(cases)].routed : cases[i % ARRAY_SIZE(cases)].unrouted;
		struct ip_endpoint client = { .port = 7 };
		struct ip_addr to;
		char text[IP_TEXT_SIZE];
		g_assert_cmpint(ip_parse(cases[i % ARRAY_SIZE(cases)].client, &client.addr), ==, 0);
		g_assert_cmpint(ip_parse(cases[i % ARRAY_SIZE(cases)].to, &to), ==, 0);
		struct ip_endpoint source = forward_client_source(&f->env, &client, &to);
		g_assert_cmpstr(ip_format(&source.addr, text), ==, want);
		g_assert_cmpuint(source.port, ==, 7);
	}
	f->ip6.nat64 = true;
	struct ip_endpoint client = { ip_from_ip4(IP4(203, 0, 113, 5)), 7 }, source = forward_client_source(&f->env, &client, &guest6);
	char text[IP_TEXT_SIZE];
	g_assert_cmpstr(ip_format(&source.addr, text), ==, "64:ff9b::cb00:7105");
}

#define TEST(name) g_test_add("/dial/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(guest_sees_the_gateway_and_the_host_side_comes_when_it_answers);
	TEST(failure_reported_by_the_engine_is_passed_on);
	TEST(address_without_a_guest_is_soon_unreachable);
	TEST(guest_that_answers_arp_has_more_time_to_accept);
	TEST(addresses_that_no_guest_can_have_are_refused);
	TEST(refusal_of_the_engine_is_returned);
	TEST(number_of_dials_is_bounded);
	TEST(guest_is_reached_by_ipv6_from_the_gateway);
	TEST(clients_that_guests_cannot_answer_are_seen_as_the_gateway);
	TEST(guest_that_refuses_is_tried_at_its_other_address);
	TEST(guest_that_is_there_with_one_address_only_is_tried_there_first);
	TEST(dial_between_two_addresses_can_be_cancelled);
	TEST(engine_that_reports_no_answer_gets_the_client_first);
	return g_test_run();
}
