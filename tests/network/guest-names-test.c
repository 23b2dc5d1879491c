/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names on a DHCP server and a table of guests: 52:54:00:00:00:01 is reserved .77 and "web", 52:54:00:00:00:02 the name "db" only. */
#include "network/guest_names.h"

#include "gateway/guest.h"
#include "options/guest_ref.h"
#include "options/settings.h"
#include "support/dhcp_bench.h"

#include <errno.h>
#include <stdio.h>

#define WEB BENCH_MAC(1)
#define DB BENCH_MAC(2)
#define OTHER BENCH_MAC(3)

struct fixture {
	struct dhcp_bench bench;
	struct guest_names names;
	const struct guest *attached; /* by the name "away" */
};

static const struct guest *find_attached(void *opaque, usec_t now, const char *name)
{
	return strcmp(name, "away") == 0 ? ((struct fixture *)opaque)->attached : NULL;
}

static void set_up(struct fixture *f, const void *data)
{
	static const struct reservation reservations[] = { { .mac = { { 0x52, 0x54, 0, 0, 0, 1 } }, .ip = BENCH_IP(77), .name = "web" },
							   { .mac = { { 0x52, 0x54, 0, 0, 0, 2 } }, .name = "db" } };
	static struct settings_name given[] = { { .name = "nas", .ip = BENCH_IP(9) } };
	bench_init(&f->bench);
	f->bench.config.reservations = reservations;
	f->bench.config.n_reservations = G_N_ELEMENTS(reservations);
	bench_start(&f->bench);
	guest_names_init(&f->names, &f->bench.dhcp, &f->bench.guests);
	f->names.find_attached = find_attached;
	f->names.opaque = f;
	g_assert_cmpint(guest_names_set(&f->names, &(struct settings){ .names = given, .n_names = 1 }), ==, 0);
}

static void tear_down(struct fixture *f, const void *data)
{
	guest_names_done(&f->names);
	bench_done(&f->bench);
}

/* @mac uses @text. */
static struct guest_address *uses(struct fixture *f, struct mac mac, const char *text)
{
	struct ip_addr addr;
	g_assert_cmpint(ip_parse(text, &addr), ==, 0);
	struct guest_address *a = guest_learn(&f->bench.guests, f->bench.now, &f->bench.port, mac, &addr, GUEST_BY_ARP);
	g_assert_nonnull(a);
	return a;
}

static char *found(const struct ip_addr *addresses, int n)
{
	GString *s = g_string_new(NULL);
	char text[IP_TEXT_SIZE];
	if (n == -ENOENT)
		return g_string_free(s, FALSE);
	g_assert_cmpint(n, >, 0);
	for (int i = 0; i < n; i++)
		g_string_append_printf(s, "%s%s", i ? " " : "", ip_format(&addresses[i], text));
	return g_string_free(s, FALSE);
}

static void check_name(struct fixture *f, const char *name, const char *want)
{
	struct ip_addr addresses[DNS_NAMES_ADDRESSES_MAX];
	g_autofree char *got = found(addresses, guest_names_find(&f->names, f->bench.now, name, addresses));
	g_assert_cmpstr(got, ==, want);
}

static void check_mac(struct fixture *f, struct mac mac, const char *want)
{
	struct ip_addr addresses[DNS_NAMES_ADDRESSES_MAX];
	g_autofree char *got = found(addresses, guest_names_find_mac(&f->names, f->bench.now, mac, addresses));
	g_assert_cmpstr(got, ==, want);
}

/* NULL: it has no name. */
static void check_address(struct fixture *f, const char *text, const char *want)
{
	char name[DNS_LABEL_MAX + 1];
	struct ip_addr addr;
	g_assert_cmpint(ip_parse(text, &addr), ==, 0);
	int r = guest_names_of_address(&f->names, f->bench.now, &addr, name);
	g_assert_cmpint(r, ==, want ? 0 : -ENOENT);
	if (want)
		g_assert_cmpstr(name, ==, want);
}

static void name_that_the_user_gave_has_that_address(struct fixture *f, const void *data)
{
	check_name(f, "nas", "192.168.122.9");
	check_address(f, "192.168.122.9", "nas");
}

static void reserved_name_has_its_address_before_the_guest_is_there(struct fixture *f, const void *data)
{
	check_name(f, "web", "192.168.122.77");
	check_address(f, "192.168.122.77", "web");
	check_name(f, "db", "");
	check_name(f, "nobody", "");
}

static void leased_name_has_the_leased_address(struct fixture *f, const void *data)
{
	char text[IP4_TEXT_SIZE];
	ip4_t ip = bench_lease(&f->bench, OTHER, "mail");
	check_name(f, "mail", ip4_format(ip, text));
	check_mac(f, OTHER, text);
	check_address(f, text, "mail");
}

static void guest_has_its_addresses_of_ipv6_beside_the_leased_one(struct fixture *f, const void *data)
{
	g_strlcpy(uses(f, WEB, "fd00::1")->guest->name, "web", GUEST_NAME_SIZE);
	uses(f, WEB, "fd00::2");
	uses(f, WEB, "fe80::1");
	uses(f, WEB, "192.168.122.200");
	check_name(f, "web", "192.168.122.77 fd00::2 fd00::1");
	check_address(f, "fd00::1", "web");
	check_address(f, "fd00::3", NULL);
}

/* With an address set up by hand. */
static void declared_guest_without_a_lease_has_the_addresses_that_it_uses(struct fixture *f, const void *data)
{
	g_strlcpy(uses(f, DB, "192.168.122.50")->guest->name, "db", GUEST_NAME_SIZE);
	check_name(f, "db", "192.168.122.50");
	check_mac(f, DB, "192.168.122.50");
	check_address(f, "192.168.122.50", "db");
	uses(f, DB, "192.168.122.51");
	check_name(f, "db", "192.168.122.51 192.168.122.50");
}

static void address_that_dhcp_gave_to_another_guest_is_not_its(struct fixture *f, const void *data)
{
	struct guest_address *a = uses(f, DB, "192.168.122.50");
	g_strlcpy(a->guest->name, "db", GUEST_NAME_SIZE);
	guest_address_lost(a, true);
	check_name(f, "db", "");
	check_address(f, "192.168.122.50", NULL);
}

static void name_of_a_port_leads_to_the_guest_there(struct fixture *f, const void *data)
{
	check_name(f, "away", "");
	f->attached = uses(f, OTHER, "192.168.122.60")->guest;
	check_name(f, "away", "192.168.122.60");
}

static void most_addresses_of_a_guest_fit_an_answer(struct fixture *f, const void *data)
{
	struct ip_addr addresses[DNS_NAMES_ADDRESSES_MAX];
	for (unsigned i = 0; i < 2 * DNS_NAMES_ADDRESSES_MAX; i++) {
		char text[IP_TEXT_SIZE];
		snprintf(text, sizeof(text), "fd00::%x", i + 1);
		uses(f, WEB, text);
	}
	g_assert_cmpint(guest_names_find(&f->names, f->bench.now, "web", addresses), ==, DNS_NAMES_ADDRESSES_MAX);
	g_assert_true(ip_is_v4(&addresses[0]));
}

static void check_resolved(struct fixture *f, const char *who, const char *want)
{
	struct ip_addr addresses[2];
	struct guest_ref guest;
	g_assert_cmpint(guest_ref_parse(who, &guest), ==, 0);
	g_autofree char *got = found(addresses, guest_names_resolve(&f->names, f->bench.now, &guest, addresses));
	g_assert_cmpstr(got, ==, want);
}

static void reference_means_one_address_of_each_family(struct fixture *f, const void *data)
{
	check_resolved(f, "nobody", "");
	check_resolved(f, "52:54:00:00:00:02", "");
	g_strlcpy(uses(f, DB, "fd00::1")->guest->name, "db", GUEST_NAME_SIZE);
	uses(f, DB, "fd00::2");
	check_resolved(f, "db", "fd00::2");
	check_resolved(f, "52:54:00:00:00:02", "fd00::2");
	uses(f, DB, "192.168.122.50");
	check_resolved(f, "db", "192.168.122.50 fd00::2");
	check_resolved(f, "fd00::7", "fd00::7");
	check_resolved(f, "192.168.122.9", "192.168.122.9");
}

static void guests_of_an_ipv6_only_network_have_no_leased_address(struct fixture *f, const void *data)
{
	f->names.ipv6_only = true;
	check_name(f, "web", "");
	g_strlcpy(uses(f, WEB, "fd00::1")->guest->name, "web", GUEST_NAME_SIZE);
	check_name(f, "web", "fd00::1");
	uses(f, WEB, "192.168.122.50");
	check_resolved(f, "web", "fd00::1 192.168.122.50");
}

#define ADD(test) g_test_add("/guest-names/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(name_that_the_user_gave_has_that_address);
	ADD(reserved_name_has_its_address_before_the_guest_is_there);
	ADD(leased_name_has_the_leased_address);
	ADD(guest_has_its_addresses_of_ipv6_beside_the_leased_one);
	ADD(declared_guest_without_a_lease_has_the_addresses_that_it_uses);
	ADD(address_that_dhcp_gave_to_another_guest_is_not_its);
	ADD(name_of_a_port_leads_to_the_guest_there);
	ADD(most_addresses_of_a_guest_fit_an_answer);
	ADD(reference_means_one_address_of_each_family);
	ADD(guests_of_an_ipv6_only_network_have_no_leased_address);
	return g_test_run();
}
