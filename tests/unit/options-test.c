/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/storm.h"
#include "options/options.h"

#include "base/macros.h"
#include "engine/engines.h"
#include "gateway/engine.h"
#include "lanlet.h"
#include "link/vde/relay.h"
#include "options/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	struct settings s;
	char error[512];
};

static void set_up(struct fixture *f, gconstpointer data)
{
	option_set_defaults(&f->s);
	f->error[0] = '\0';
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	settings_done(&f->s);
}

static int set(struct fixture *f, const char *name, const char *value)
{
	return option_set(&f->s, name, value, f->error, sizeof(f->error));
}

static void expect_set(struct fixture *f, const char *name, const char *value)
{
	f->error[0] = '\0';
	int r = set(f, name, value);
	g_assert_cmpstr(f->error, ==, "");
	g_assert_cmpint(r, ==, 0);
}

/* Expects a value to be refused with a line that begins "NAME "VALUE"" and says what is expected, and nothing to be changed. */
static void expect_refused(struct fixture *f, const char *name, const char *value)
{
	struct settings before;
	g_assert_cmpint(settings_copy(&f->s, &before), ==, 0);
	g_autofree char *start = g_strdup_printf("%s \"%s\"", name, value);
	g_strdelimit(start, "\n", '?'); /* the message is one line */
	f->error[0] = '\0';
	g_assert_cmpint(set(f, name, value), ==, -EINVAL);
	if (!g_str_has_prefix(f->error, start))
		g_error("\"%s\" does not begin with %s", f->error, start);
	g_assert_nonnull(strstr(f->error, ": expected "));
	g_assert_cmpmem(&f->s.subnet, sizeof(before.subnet), &before.subnet, sizeof(before.subnet));
	g_assert_cmpuint(f->s.gateway, ==, before.gateway);
	g_assert_cmpuint(f->s.dhcp_first, ==, before.dhcp_first);
	g_assert_cmpuint(f->s.dhcp_last, ==, before.dhcp_last);
	g_assert_cmpuint(f->s.lease_time_s, ==, before.lease_time_s);
	g_assert_cmpuint(f->s.mtu, ==, before.mtu);
	g_assert_cmpstr(f->s.domain, ==, before.domain);
	g_assert_cmpuint(f->s.dns.count, ==, before.dns.count);
	g_assert_cmpuint(f->s.n_hosts, ==, before.n_hosts);
	g_assert_cmpint(f->s.host_loopback, ==, before.host_loopback);
	g_assert_true(f->s.engine == before.engine);
	g_assert_cmpint(f->s.log_level, ==, before.log_level);
	settings_done(&before);
}

static void defaults_are_those_of_libvirt(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, 0);
	g_assert_cmphex(f->s.subnet.network, ==, IP4(192, 168, 122, 0));
	g_assert_cmpuint(f->s.subnet.length, ==, 24);
	g_assert_cmphex(f->s.gateway, ==, IP4(192, 168, 122, 1));
	g_assert_cmphex(f->s.dhcp_first, ==, IP4(192, 168, 122, 2));
	g_assert_cmphex(f->s.dhcp_last, ==, IP4(192, 168, 122, 254));
	g_assert_cmpuint(f->s.lease_time_s, ==, 3600);
	g_assert_cmpuint(f->s.mtu, ==, SETTINGS_MTU_AUTO);
	g_assert_cmpstr(f->s.domain, ==, "lanlet.internal");
	g_assert_cmpuint(f->s.dns.count, ==, 0);
	g_assert_cmpuint(f->s.n_hosts, ==, 0);
	g_assert_false(f->s.host_loopback);
	g_assert_cmpstr(f->s.engine->name, ==, ENGINE_DEFAULT_NAME);
	g_assert_cmpint(f->s.log_level, ==, LOG_LEVEL_INFO);
}

static void unknown_option_is_named(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(set(f, "subnets", "10.0.0.0/8"), ==, -ENOENT);
	g_assert_cmpstr(f->error, ==, "subnets: there is no such option");
}

static void wrong_value_is_explained(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(set(f, "mtu", "9k"), ==, -EINVAL);
	g_assert_cmpstr(f->error, ==, "mtu \"9k\": expected auto or a number from 576 to 65520");
	g_assert_cmpint(set(f, "log-level", "loud"), ==, -EINVAL);
	g_assert_cmpstr(f->error, ==, "log-level \"loud\": expected error, warning, info or debug");
	g_assert_cmpint(set(f, "subnet", "192.168.1.1/24"), ==, -EINVAL);
	g_assert_true(g_str_has_prefix(
		f->error, "subnet \"192.168.1.1/24\": it has bits set after the prefix: expected a private IPv4 prefix from /8"));
}

static void long_value_is_cut_in_the_message(struct fixture *f, gconstpointer data)
{
	g_autofree char *value = g_strnfill(5000, 'x');
	for (size_t i = 0; lanlet_option_at(i); i++) {
		g_assert_cmpint(set(f, lanlet_option_at(i)->name, value), ==, -EINVAL);
		g_assert_cmpuint(strlen(f->error), ==, sizeof(f->error) - 1);
	}
}

static void subnet_is_any_private_prefix(struct fixture *f, gconstpointer data)
{
	static const char *const good[] = { "10.0.0.0/8",      "10.255.255.252/30", "172.16.0.0/12",
					    "172.31.128.0/17", "192.168.0.0/16",    "100.64.0.0/10" };
	static const char *const bad[] = { "",
					   "10.0.0.0",
					   "10.0.0.0/7",
					   "10.0.0.0/31",
					   "172.0.0.0/8",
					   "172.32.0.0/16",
					   "192.0.2.0/24",
					   "8.8.8.0/24",
					   "10.0.0.1/8",
					   "127.0.0.0/8",
					   "fd00::/64",
					   "192.168.0.0/15",
					   "100.0.0.0/10",
					   "10.0.0.0/8 ",
					   " 10.0.0.0/8",
					   "169.254.0.0/16",
					   "0.0.0.0/0" };
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		expect_set(f, "subnet", good[i]);
	g_assert_cmphex(f->s.subnet.network, ==, IP4(100, 64, 0, 0));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "subnet", bad[i]);
}

static void gateway_is_an_address(struct fixture *f, gconstpointer data)
{
	expect_set(f, "gateway", "192.168.122.7");
	g_assert_cmphex(f->s.gateway, ==, IP4(192, 168, 122, 7));
	static const char *const bad[] = { "", "192.168.122", "gateway", "0.0.0.0", "192.168.122.1/24", "::1" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "gateway", bad[i]);
}

static void ipv6_is_off_automatic_or_a_unique_local_prefix(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(f->s.ip6, ==, SETTINGS_IP6_OFF);
	expect_set(f, "ipv6", "auto");
	g_assert_cmpint(f->s.ip6, ==, SETTINGS_IP6_AUTO);
	expect_set(f, "ipv6", "fd12:3456:789a:1::/64");
	g_assert_cmpint(f->s.ip6, ==, SETTINGS_IP6_PREFIX);
	g_assert_cmphex(f->s.prefix6.network.b[7], ==, 1);
	static const char *const bad[] = { "",          "on",   "fd00::",        "fd00::/63", "fd00::/65",        "fd00::1/64",
					   "fc00::/64", "::/0", "2001:db8::/64", "fe80::/64", "192.168.122.0/24", "::ffff:10.0.0.0/64" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "ipv6", bad[i]);
	g_assert_cmpint(f->s.ip6, ==, SETTINGS_IP6_PREFIX);
	expect_set(f, "ipv6", "off");
	g_assert_cmpint(f->s.ip6, ==, SETTINGS_IP6_OFF);
}

static void ipv6_needs_its_smallest_mtu(struct fixture *f, gconstpointer data)
{
	expect_set(f, "mtu", "1279");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, 0);
	expect_set(f, "ipv6", "auto");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, -EINVAL);
	g_assert_cmpstr(f->error, ==, "ipv6 needs an mtu of at least 1280, and mtu is 1279");
	expect_set(f, "mtu", "1280");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, 0);
}

static void gateway_mac_is_one_of_a_network_card(struct fixture *f, gconstpointer data)
{
	expect_set(f, "gateway-mac", "52:54:00:12:34:56");
	g_assert_true(mac_equal(f->s.gateway_mac, (struct mac){ { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } }));
	static const char *const bad[] = { "", "52:54:00:12:34", "01:00:5e:00:00:01", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "gateway-mac", bad[i]);
}

static void bandwidth_is_an_average_a_peak_and_a_burst(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *text;
		struct rate_limit limit;
	} good[] = {
		{ "off", { 0 } },
		{ "8000", { 1000, 0, 0 } },
		{ "10M", { 1250000, 0, 0 } },
		{ "1G/2G", { 125000000, 250000000, 0 } },
		{ "10M/20M/256K", { 1250000, 2500000, 256 * 1024 } },
		{ "800k//4M", { 100000, 0, 4 * 1024 * 1024 } },
		{ "100G", { RATE_MAX, 0, 0 } },
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char text[RATE_TEXT_SIZE];
		expect_set(f, "bandwidth-in", good[i].text);
		g_assert_true(rate_limit_equal(&f->s.bandwidth.in, &good[i].limit));
		expect_set(f, "bandwidth-out", rate_format(&f->s.bandwidth.in, text));
		g_assert_true(rate_limit_equal(&f->s.bandwidth.out, &good[i].limit));
	}
	static const char *const bad[] = { "",
					   "fast",
					   "7999",
					   "101G",
					   "10MB",
					   "10m",
					   "M",
					   "-1",
					   "10M/",
					   "10M/5M",
					   "10M/20M/",
					   "10M//",
					   "10M/20M/0",
					   "10M/20M/1025M",
					   "10M/20M/1K/1",
					   "10M 20M",
					   "99999999999999999999",
					   "18446744073709551616" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "bandwidth-in", bad[i]);
}

static void bandwidth_is_a_property_of_ports(struct fixture *f, gconstpointer data)
{
	char text[SETTINGS_HOST_TEXT_SIZE];
	expect_set(f, "host", "52:54:00:00:00:01,web,bandwidth-in=10M//1M,bandwidth-out=1500k");
	g_assert_cmpuint(f->s.hosts[0].properties.bandwidth.in.average, ==, 1250000);
	g_assert_cmpuint(f->s.hosts[0].properties.bandwidth.out.average, ==, 187500);
	g_assert_cmpstr(settings_host_format(&f->s.hosts[0], text), ==, "52:54:00:00:00:01,web,bandwidth-in=10M//1M,bandwidth-out=1500k");
	expect_refused(f, "host", "52:54:00:00:00:02,db,bandwidth-in");
	expect_refused(f, "host", "52:54:00:00:00:02,db,bandwidth-in=x");
	g_assert_nonnull(strstr(f->error, "a bandwidth is off or AVERAGE"));
	expect_refused(f, "host", "52:54:00:00:00:02,db,bandwidth-in=10M,lease-time=5");
	g_assert_null(strstr(f->error, "a bandwidth is"));
	static const char *const without_sockets[] = { "52:54:00:00:00:02,192.168.122.9,bandwidth-in=10M", "52:54:00:00:00:02,guard=off" };
	for (size_t i = 0; i < ARRAY_SIZE(without_sockets); i++) {
		expect_refused(f, "host", without_sockets[i]);
		g_assert_nonnull(strstr(f->error, "which it has only with a NAME"));
	}
}

static void dhcp_range_is_two_addresses_in_order(struct fixture *f, gconstpointer data)
{
	expect_set(f, "dhcp-range", "192.168.122.10-192.168.122.20");
	expect_set(f, "dhcp-range", "192.168.122.30,192.168.122.30");
	g_assert_cmphex(f->s.dhcp_first, ==, IP4(192, 168, 122, 30));
	g_assert_cmphex(f->s.dhcp_last, ==, IP4(192, 168, 122, 30));
	static const char *const bad[] = { "",
					   "192.168.122.10",
					   "192.168.122.10-",
					   "-192.168.122.10",
					   "192.168.122.20-192.168.122.10",
					   "192.168.122.10-20",
					   "192.168.122.10-192.168.122.20-192.168.122.30",
					   "111111111111111111111-192.168.122.20" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "dhcp-range", bad[i]);
}

static void lease_time_has_units(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} good[] = { { "10", 10 },
		     { "120s", 120 },
		     { "90m", 5400 },
		     { "12h", 43200 },
		     { "7d", 604800 },
		     { "2w", 1209600 },
		     { "4294967294", 4294967294 },
		     { "infinite", SETTINGS_LEASE_INFINITE } };
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		expect_set(f, "lease-time", good[i].text);
		g_assert_cmpuint(f->s.lease_time_s, ==, good[i].seconds);
	}
	static const char *const bad[] = {
		"",          "9",     "0",       "-5",  "m",  "1x", "1hh", "1.5h", "4294967295", "4294967296", "99999999999999999999",
		"71582789m", "7102w", "forever", " 60", "60 "
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "lease-time", bad[i]);
}

static void mtu_is_auto_or_a_number(struct fixture *f, gconstpointer data)
{
	expect_set(f, "mtu", "576");
	expect_set(f, "mtu", "65520");
	g_assert_cmpuint(f->s.mtu, ==, 65520);
	static const char *const bad[] = { "", "575", "65521", "0", "-1", "1500 ", "1e3", "AUTO", "4294968796" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "mtu", bad[i]);
	expect_set(f, "mtu", "auto");
	g_assert_cmpuint(f->s.mtu, ==, SETTINGS_MTU_AUTO);
}

static void domain_is_made_lower_case(struct fixture *f, gconstpointer data)
{
	expect_set(f, "domain", "Lab.Example.");
	g_assert_cmpstr(f->s.domain, ==, "lab.example");
	expect_set(f, "domain", "lan");
	static const char *const bad[] = { "", ".", "a..b", ".a", "a..", "-a", "a-", "a_b", "a b", "b\xc3\xbc\x63her", "a/b" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "domain", bad[i]);
	g_autofree char *label = g_strnfill(63, 'a');
	g_autofree char *longest = g_strdup_printf("%.61s.%s.%s", label, label, label);
	expect_set(f, "domain", longest);
	g_assert_cmpuint(strlen(f->s.domain), ==, SETTINGS_DOMAIN_MAX);
	g_autofree char *too_long = g_strdup_printf("%.62s.%s.%s", label, label, label);
	expect_refused(f, "domain", too_long);
	g_autofree char *long_label = g_strnfill(64, 'a');
	expect_refused(f, "domain", long_label);
}

static void dns_servers_add_up(struct fixture *f, gconstpointer data)
{
	expect_set(f, "dns", "9.9.9.9");
	expect_set(f, "dns", "127.0.0.1:5353");
	expect_set(f, "dns", "2620:fe::fe");
	expect_set(f, "dns", "[::1]:54");
	expect_set(f, "dns", "[::1]");
	expect_set(f, "dns", "fe80::1%eth0");
	static const char *const expected[] = { "9.9.9.9", "127.0.0.1:5353", "2620:fe::fe", "[::1]:54", "::1", "fe80::1%eth0" };
	g_assert_cmpuint(f->s.dns.count, ==, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		char text[DNS_SERVER_TEXT_SIZE];
		g_assert_cmpstr(dns_server_format(&f->s.dns.server[i], text), ==, expected[i]);
	}
	static const char *const bad[] = { "9.9.9", "dns.quad9.net", "9.9.9.9:", "9.9.9.9:0",      "9.9.9.9:65536",
					   "[::1",  "[::1]x",        "[::1]:",   "9.9.9.9,8.8.8.8" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "dns", bad[i]);
	expect_set(f, "dns", "10.0.0.7");
	expect_set(f, "dns", "10.0.0.8");
	expect_set(f, "dns", "10.0.0.8");
	expect_refused(f, "dns", "10.0.0.9");
}

static void empty_value_clears_a_list(struct fixture *f, gconstpointer data)
{
	expect_set(f, "dns", "9.9.9.9");
	expect_set(f, "dns", "");
	g_assert_cmpuint(f->s.dns.count, ==, 0);
	expect_set(f, "dns", "8.8.8.8");
	g_assert_cmpuint(f->s.dns.count, ==, 1);
	expect_set(f, "host", "52:54:00:00:00:01,192.168.122.5");
	expect_set(f, "host", "");
	g_assert_cmpuint(f->s.n_hosts, ==, 0);
}

static void host_may_have_a_name_only_and_properties(struct fixture *f, gconstpointer data)
{
	expect_set(f, "host", "52:54:00:00:00:01,web");
	expect_set(f, "host", "52:54:00:00:00:02,192.168.122.2,router,router=on,guard=off");
	expect_set(f, "host", "52:54:00:00:00:03,192.168.122.3,db,dhcp-server=yes,guard=on");
	g_assert_cmphex(f->s.hosts[0].ip, ==, 0);
	g_assert_cmpstr(f->s.hosts[0].name, ==, "web");
	expect_set(f, "host", "52:54:00:00:00:04,tag=lab,lease-time=infinite");
	expect_set(f, "host", "52:54:00:00:00:05,192.168.122.5,e,tag=x,router=on,lease-time=1h");
	static const char *const more[] = { "52:54:00:00:00:04,tag=lab,lease-time=infinite",
					    "52:54:00:00:00:05,192.168.122.5,e,router=on,tag=x,lease-time=3600" };
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		char format[SETTINGS_HOST_TEXT_SIZE];
		g_assert_cmpstr(settings_host_format(&f->s.hosts[3 + i], format), ==, more[i]);
	}
	static const char *const text[] = { "52:54:00:00:00:01,web", "52:54:00:00:00:02,192.168.122.2,router,guard=off,router=on",
					    "52:54:00:00:00:03,192.168.122.3,db,guard=on,dhcp-server=on" };
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		char format[SETTINGS_HOST_TEXT_SIZE];
		g_assert_cmpstr(settings_host_format(&f->s.hosts[i], format), ==, text[i]);
	}
	static const char *const bad[] = {
		"52:54:00:00:00:04,guard=off", "52:54:00:00:00:04,web,192.168.122.2",   "52:54:00:00:00:04,guard=off,web",
		"52:54:00:00:00:04,web,guard", "52:54:00:00:00:04,web,guard=sometimes", "52:54:00:00:00:04,web,speed=10",
		"52:54:00:00:00:04,0.0.0.0",   "52:54:00:00:00:04,web,router=",         "52:54:00:00:00:06,tag=",
		"52:54:00:00:00:06,tag=a b",   "52:54:00:00:00:06,lease-time=9"
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "host", bad[i]);
}

static void guard_is_on_unless_it_is_turned_off(struct fixture *f, gconstpointer data)
{
	g_assert_false(f->s.unguarded);
	expect_set(f, "guard", "off");
	g_assert_true(f->s.unguarded);
	expect_set(f, "guard", "on");
	g_assert_false(f->s.unguarded);
	expect_refused(f, "guard", "half");
}

static void host_has_mac_address_and_an_optional_name(struct fixture *f, gconstpointer data)
{
	expect_set(f, "host", "52:54:00:12:34:56,192.168.122.10,Web");
	expect_set(f, "host", "52:54:00:12:34:57,192.168.122.11");
	g_assert_cmpuint(f->s.n_hosts, ==, 2);
	g_assert_cmpmem(f->s.hosts[0].mac.b, 6, "\x52\x54\x00\x12\x34\x56", 6);
	g_assert_cmphex(f->s.hosts[0].ip, ==, IP4(192, 168, 122, 10));
	g_assert_cmpstr(f->s.hosts[0].name, ==, "web");
	g_assert_cmpstr(f->s.hosts[1].name, ==, "");
	static const char *const bad[] = { "52:54:00:12:34:56",
					   "52:54:00:12:34:56,",
					   ",192.168.122.10",
					   "52:54:00:12:34:56,192.168.122.10,",
					   "52:54:00:12:34:56,192.168.122.10,a.b",
					   "52:54:00:12:34:56,192.168.122.10,a,b",
					   "53:54:00:12:34:56,192.168.122.10",
					   "00:00:00:00:00:00,192.168.122.10",
					   "192.168.122.10,52:54:00:12:34:56" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "host", bad[i]);
	g_autofree char *label = g_strnfill(63, 'a');
	g_autofree char *longest = g_strdup_printf("52:54:00:12:34:58,192.168.122.112,%s", label);
	expect_set(f, "host", longest);
	g_assert_cmpstr(f->s.hosts[2].name, ==, label);
}

static void host_loopback_is_a_switch(struct fixture *f, gconstpointer data)
{
	expect_set(f, "host-loopback", "true");
	g_assert_true(f->s.host_loopback);
	expect_set(f, "host-loopback", "off");
	g_assert_false(f->s.host_loopback);
	expect_set(f, "host-loopback", "YES");
	g_assert_true(f->s.host_loopback);
	static const char *const bad[] = { "", "maybe", "2", "truely" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "host-loopback", bad[i]);
}

static void vde_takes_urls_and_paths(struct fixture *f, gconstpointer data)
{
	const struct path_list *l = &f->s.vde;
	g_autofree char *longest = g_strnfill(1023, 'x'), *longer = g_strnfill(1024, 'x');
	if (!vde_relay_is_available()) {
		expect_refused(f, "vde", "vde:///run/vde.ctl");
		return;
	}
	expect_set(f, "vde", "vde:///run/vde.ctl");
	expect_set(f, "vde", "udp://5555->host.example:5555");
	expect_set(f, "vde", longest);
	g_assert_cmpuint(l->n, ==, 3);
	g_assert_cmpstr(l->at[1], ==, "udp://5555->host.example:5555");
	g_assert_cmpint(set(f, "vde", longer), ==, -EINVAL);
	expect_refused(f, "vde", "udp://\n");
	expect_set(f, "vde", "");
	g_assert_cmpuint(l->n, ==, 0);
}

static void gateway_and_dhcp_can_be_switched_off(struct fixture *f, gconstpointer data)
{
	g_assert_false(f->s.no_dhcp || f->s.no_gateway);
	expect_set(f, "no-dhcp", "true");
	g_assert_true(f->s.no_dhcp && !f->s.no_gateway);
	expect_set(f, "no-gateway", "true");
	g_assert_true(f->s.no_gateway);
	expect_refused(f, "no-gateway", "perhaps");
}

static void socket_of_a_front_end_is_a_socket_to_connect_to(struct fixture *f, gconstpointer data)
{
	const struct attachment_list *l = &f->s.attachments;
	expect_set(f, "vhost-connect", "/run/a,name=web");
	expect_set(f, "connect", "/run/b,type=vhost");
	g_assert_cmpuint(l->n, ==, 2);
	g_assert_cmpstr(l->at[0].path, ==, "/run/a");
	g_assert_cmpstr(l->at[0].identity.name, ==, "web");
	for (size_t i = 0; i < l->n; i++) {
		g_assert_cmpint(l->at[i].kind, ==, ATTACHMENT_CONNECT);
		g_assert_cmpstr(l->at[i].type, ==, "vhost");
	}
	g_autofree char *path = g_strnfill(108, 'x');
	expect_refused(f, "vhost-connect", path);
	g_assert_cmpuint(l->n, ==, 2);
	expect_set(f, "vhost-connect", "");
	g_assert_cmpuint(l->n, ==, 0);
}

static void guests_may_reach_one_another_unless_isolated(struct fixture *f, gconstpointer data)
{
	g_assert_false(f->s.isolate);
	expect_set(f, "isolate", "true");
	g_assert_true(f->s.isolate);
	expect_refused(f, "isolate", "some");
}

static void multicast_snooping_can_be_switched_off(struct fixture *f, gconstpointer data)
{
	g_assert_true(f->s.multicast_snooping);
	expect_set(f, "multicast-snooping", "false");
	g_assert_false(f->s.multicast_snooping);
	expect_refused(f, "multicast-snooping", "v3");
}

static void storm_limit_is_a_number_or_off(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(f->s.storm_limit, ==, STORM_LIMIT_DEFAULT);
	expect_set(f, "storm-limit", "500");
	g_assert_cmpuint(f->s.storm_limit, ==, 500);
	expect_set(f, "storm-limit", "off");
	g_assert_cmpuint(f->s.storm_limit, ==, 0);
	static const char *const bad[] = { "", "0", "9", "10000001", "-1", "many" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "storm-limit", bad[i]);
}

static void busy_poll_is_off_unless_wanted_and_never_long(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(f->s.busy_poll_us, ==, 0);
	expect_set(f, "busy-poll", "50");
	g_assert_cmpuint(f->s.busy_poll_us, ==, 50);
	expect_refused(f, "busy-poll", "1001");
	expect_refused(f, "busy-poll", "-1");
	expect_refused(f, "busy-poll", "50us");
}

static void every_engine_can_be_chosen(struct fixture *f, gconstpointer data)
{
	for (size_t i = 0; engine_at(i); i++) {
		expect_set(f, "engine", engine_at(i)->name);
		g_assert_true(f->s.engine == engine_at(i));
		g_assert_cmpuint(strlen(engine_at(i)->summary), >, 10);
	}
	expect_refused(f, "engine", "steam");
	expect_refused(f, "engine", "");
}

static void every_udp_filtering_can_be_chosen(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(f->s.udp_filtering, ==, ENGINE_FILTER_ADDRESS);
	expect_set(f, "udp-filtering", "endpoint-independent");
	g_assert_cmpint(f->s.udp_filtering, ==, ENGINE_FILTER_ENDPOINT_INDEPENDENT);
	expect_set(f, "udp-filtering", "address-and-port-dependent");
	g_assert_cmpint(f->s.udp_filtering, ==, ENGINE_FILTER_ADDRESS_AND_PORT);
	expect_refused(f, "udp-filtering", "none");
}

static void passed_descriptor_is_a_socket_that_is_open(struct fixture *f, gconstpointer data)
{
	int fds[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	g_autofree char *plain = g_strdup_printf("%d", fds[0]);
	g_autofree char *full = g_strdup_printf("%d,type=vhost,mac=52:54:00:12:34:56,name=web-1", fds[1]);
	expect_set(f, "fd", plain);
	expect_set(f, "fd", full);
	g_assert_cmpuint(f->s.attachments.n, ==, 2);
	g_assert_null(f->s.attachments.at[0].type);
	const struct attachment *p = &f->s.attachments.at[1];
	g_assert_cmpint(p->fd, ==, fds[1]);
	g_assert_cmpstr(p->type, ==, "vhost");
	g_assert_cmpstr(p->identity.name, ==, "web-1");
	g_assert_cmpint(p->identity.pinned.b[5], ==, 0x56);
	g_assert_cmpint(fcntl(fds[1], F_GETFD), ==, FD_CLOEXEC);
	static const char *const wrong[] = { ",",
					     ",type=",
					     ",type=tap",
					     ",mac=1",
					     ",mac=01:00:00:00:00:00",
					     ",name=",
					     ",name=a b",
					     ",speed=1",
					     ",name=12345678901234567890123456789012",
					     " ",
					     ",type" };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		g_autofree char *text = g_strconcat(plain, wrong[i], NULL);
		expect_refused(f, "fd", text);
	}
	expect_refused(f, "fd", "-1");
	expect_refused(f, "fd", "4294967296");
	close(fds[0]);
	expect_refused(f, "fd", plain);
	g_assert_nonnull(strstr(f->error, "it is not open"));
	int file = open("/dev/null", O_RDONLY);
	g_autofree char *not_a_socket = g_strdup_printf("%d", file);
	expect_refused(f, "fd", not_a_socket);
	g_assert_nonnull(strstr(f->error, "it is not a socket"));
	close(file);
	close(fds[1]);
	expect_set(f, "fd", "");
	g_assert_cmpuint(f->s.attachments.n, ==, 0);
}

static void socket_of_a_guest_has_a_path_and_an_optional_type(struct fixture *f, gconstpointer data)
{
	expect_set(f, "connect", "/run/a");
	expect_set(f, "connect", "/run/b,type=vhost,name=b");
	g_assert_cmpstr(f->s.attachments.at[0].type, ==, "stream");
	g_assert_cmpstr(f->s.attachments.at[1].path, ==, "/run/b");
	g_assert_cmpstr(f->s.attachments.at[1].type, ==, "vhost");
	expect_refused(f, "connect", ",");
	expect_refused(f, "connect", "/run/a,type=dgram");
	g_autofree char *path = g_strnfill(108, 'x');
	expect_refused(f, "connect", path);
	g_assert_nonnull(strstr(f->error, "the path is too long for a socket"));
	expect_set(f, "connect", "/run/c,name=b");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, -EINVAL);
	g_assert_cmpstr(f->error, ==, "the name b is given to two ports");
	expect_set(f, "connect", "");
	expect_set(f, "connect", "/run/a");
	expect_set(f, "connect", "/run/a,type=vhost");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, -EINVAL);
	g_assert_cmpstr(f->error, ==, "connect: /run/a is given twice");
}

static void udp_is_between_two_addresses_with_ports(struct fixture *f, gconstpointer data)
{
	expect_set(f, "udp", "127.0.0.1:5001,127.0.0.2:5002");
	expect_set(f, "udp", "[::1]:5001,[fe80::1]:65535,mac=52:54:00:12:34:56,name=web");
	g_assert_cmpuint(f->s.attachments.at[0].local.port, ==, 5001);
	g_assert_cmpuint(f->s.attachments.at[1].peer.port, ==, 65535);
	static const char *const wrong[] = { "127.0.0.1:5001",
					     "127.0.0.1,127.0.0.1:5002",
					     "127.0.0.1:0,127.0.0.1:5002",
					     "::1:5001,::1:5002",
					     "127.0.0.1:5001,[::1]:5002",
					     "[127.0.0.1]:5001,127.0.0.1:2",
					     "localhost:1,localhost:2",
					     ",",
					     ":1,:2",
					     "[]:1,[]:2",
					     "127.0.0.1:5001,127.0.0.1:5002,type=dgram" };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect_refused(f, "udp", wrong[i]);
}

static void every_log_level_can_be_chosen(struct fixture *f, gconstpointer data)
{
	expect_set(f, "log-level", "error");
	g_assert_cmpint(f->s.log_level, ==, LOG_LEVEL_ERROR);
	expect_set(f, "log-level", "debug");
	g_assert_cmpint(f->s.log_level, ==, LOG_LEVEL_DEBUG);
	expect_refused(f, "log-level", "verbose");
	expect_refused(f, "log-level", "");
}

/* The texts of which --help, the manual page and completion are made. */
static void every_option_is_described(struct fixture *f, gconstpointer data)
{
	const struct lanlet_option *o;
	for (size_t n = 0; (o = lanlet_option_at(n)); n++) {
		g_assert_cmpuint(strlen(o->help), >, 20);
		g_assert_true(g_str_has_suffix(o->help, "."));
		for (size_t i = 0; i < n; i++)
			g_assert_cmpstr(o->name, !=, lanlet_option_at(i)->name);
		const char *word, *help;
		for (size_t i = 0; (word = lanlet_option_choice(o, i, &help)); i++) {
			expect_set(f, o->name, word);
			g_assert_cmpuint(strlen(help), >, 5);
		}
	}
}

static void name_has_a_record(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *text, *name;
		uint16_t type;
		const char *data;
	} good[] = {
		{ "API.example.com,192.168.122.9", "api.example.com", 1, "192.168.122.9" },
		{ "db,fd00::9", "db", 28, "fd00::9" },
		{ "db,aaaa,fd00::9", "db", 28, "fd00::9" },
		{ "www.example.com.,CNAME,db", "www.example.com", 5, "db" },
		{ "example.com,MX,10 mail.example.com", "example.com", 15, "10 mail.example.com" },
		{ "_ssh._tcp.example.com,SRV,0 5 22 db", "_ssh._tcp.example.com", 33, "0 5 22 db" },
		{ "example.com,TXT,v=spf1 a, mx", "example.com", 16, "v=spf1 a, mx" },
		{ "example.com,TXT,\"a\\\"b\" \"c\"", "example.com", 16, "\"a\\\"b\" \"c\"" },
		{ "7.0.0.10.in-addr.arpa,PTR,db.example.com", "7.0.0.10.in-addr.arpa", 12, "db.example.com" },
		{ "a,A,10.0.0.1", "a", 1, "10.0.0.1" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		expect_set(f, "name", good[i].text);
		const struct settings_record *r = &f->s.records[f->s.n_records - 1];
		g_assert_cmpstr(r->name, ==, good[i].name);
		g_assert_cmpuint(r->type, ==, good[i].type);
		g_assert_cmpstr(r->data, ==, good[i].data);
	}
	static const char *const bad[] = { "db,CNAME,",        "db,CNAME,a b",  "db,A,fd00::1",  "db,AAAA,10.0.0.1", "db,MX,mail",
					   "db,MX,65536 mail", "db,SRV,0 5 db", "db,NS,x",       "d b,TXT,x",        "a..b,TXT,x",
					   "db,TXT,",          "db,TXT,\"a",    "db,TXT,\"a\"b", "db,TXT,\"a\" b",   ",TXT,x",
					   "db,TXT,a\nb",      "db,HINFO,x" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "name", bad[i]);
	expect_refused(f, "name", "db,NS,x");
	g_assert_nonnull(strstr(f->error, "the types are A, AAAA, CNAME, MX, PTR, SRV and TXT"));
	g_autofree char *longest = g_strnfill(1024, 'x'), *too_long = g_strdup_printf("db,TXT,%s", longest);
	struct settings_record record;
	const char *why = NULL;
	g_assert_cmpint(record_parse(too_long, &record, &why), ==, -EINVAL); /* with the lengths of its strings */
}

static void dhcp_ranges_may_be_several(struct fixture *f, gconstpointer data)
{
	expect_set(f, "dhcp-range", "192.168.122.100-192.168.122.110,2h 192.168.122.10-192.168.122.20");
	g_assert_cmpuint(f->s.n_dhcp_ranges, ==, 2);
	g_assert_cmphex(f->s.dhcp_first, ==, IP4(192, 168, 122, 10));
	g_assert_cmphex(f->s.dhcp_last, ==, IP4(192, 168, 122, 110));
	g_assert_cmphex(f->s.dhcp_ranges[0].last, ==, IP4(192, 168, 122, 20));
	g_assert_cmpuint(f->s.dhcp_ranges[0].lease_time_s, ==, 0);
	g_assert_cmpuint(f->s.dhcp_ranges[1].lease_time_s, ==, 7200);
	static const char *const bad[] = { "192.168.122.10-192.168.122.20 192.168.122.20-192.168.122.30",
					   "192.168.122.10-192.168.122.20  192.168.122.30-192.168.122.40",
					   "192.168.122.10-192.168.122.20,9", "192.168.122.10-192.168.122.20," };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "dhcp-range", bad[i]);
	/* The gateway may be between two ranges. */
	expect_set(f, "gateway", "192.168.122.50");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, 0);
}

static void dhcp_host_is_known_by_id_or_name(struct fixture *f, gconstpointer data)
{
	expect_set(f, "dhcp-host", "id:01:52:54:00:12:34:56,192.168.122.10,web");
	expect_set(f, "dhcp-host", "id:text,192.168.122.11,tag=lab,lease-time=2h");
	expect_set(f, "dhcp-host", "name:DB,192.168.122.12");
	const struct reservation *h = f->s.dhcp_hosts;
	g_assert_cmpmem(h[0].id, h[0].id_len, "\1RT\0\0224V", 7);
	g_assert_cmpstr(h[0].name, ==, "web");
	g_assert_cmpmem(h[1].id, h[1].id_len, "text", 4);
	g_assert_cmpuint(h[1].lease_time_s, ==, 7200);
	g_assert_true(h[2].by_name);
	g_assert_cmpstr(h[2].name, ==, "db");
	g_autofree char *long_id = g_strnfill(65, 'x'), *too_long = g_strdup_printf("id:%s,192.168.122.9", long_id);
	const char *const bad[] = { "192.168.122.10",
				    "id:,192.168.122.9",
				    "id:a",
				    "id:0:1,192.168.122.9",
				    "name:a b,192.168.122.9",
				    "name:a,192.168.122.9,b",
				    "id:a,0.0.0.0",
				    "id:a,192.168.122.9,b,c",
				    "52:54:00:12:34:56,192.168.122.9",
				    "id:a,192.168.122.9,tag=",
				    too_long };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "dhcp-host", bad[i]);
	expect_refused(f, "dhcp-host", "name:a,192.168.122.9,b");
	g_assert_nonnull(strstr(f->error, "a guest that is known by its name keeps that name"));
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, 0);
	expect_set(f, "host", "52:54:00:00:00:01,192.168.122.12");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, -EINVAL);
	g_assert_cmpstr(f->error, ==, "dhcp-host: the address 192.168.122.12 has two reservations");
	expect_set(f, "host", "");
	expect_set(f, "dhcp-host", "id:b,192.168.122.13,web");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, -EINVAL);
	g_assert_cmpstr(f->error, ==, "dhcp-host: the name web has two reservations");
	expect_set(f, "dhcp-host", "");
	expect_set(f, "dhcp-host", "id:61:62:63,192.168.122.13");
	expect_set(f, "dhcp-host", "id:abcd,192.168.122.14");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, 0);
	expect_set(f, "dhcp-host", "id:abc,192.168.122.15");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, -EINVAL);
	g_assert_cmpstr(f->error, ==, "dhcp-host: 192.168.122.13 and 192.168.122.15 are reserved for one client id");
	expect_set(f, "dhcp-host", "");
	expect_set(f, "dhcp-host", "id:abc,192.168.122.15,web");
	expect_set(f, "name", "web,192.168.122.16");
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, -EINVAL);
	g_assert_cmpstr(f->error, ==, "name: web is also the name of a reservation (dhcp-host): choose another name for one of them");
}

static void alias_has_not_the_name_of_a_guest(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *option, *text, *alias;
	} bad[] = {
		{ "host", "52:54:00:00:00:01,web", "web,CNAME,x.example" },
		{ "host", "52:54:00:00:00:01,web", "web.lanlet.internal,CNAME,x.example" },
		{ "dhcp-host", "id:abc,192.168.122.15,web", "web,CNAME,x.example" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		expect_set(f, bad[i].option, bad[i].text);
		expect_set(f, "name", bad[i].alias);
		g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, -EINVAL);
		g_autofree char *of =
			g_strdup_printf(" is also the name of a reservation (%s), beside which there can be no CNAME", bad[i].option);
		g_assert_nonnull(strstr(f->error, of));
		expect_set(f, "name", "");
		expect_set(f, "name", "web.example,CNAME,web");
		g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, 0);
		expect_set(f, "name", "");
		expect_set(f, bad[i].option, "");
	}
}

static void aliases_that_lead_back_are_refused(struct fixture *f, gconstpointer data)
{
	static const char *const circles[][3] = {
		{ "a,CNAME,a" },
		{ "a,CNAME,A.lanlet.internal." },
		{ "a,CNAME,b", "b,CNAME,a" },
		{ "a.example,CNAME,b", "b.lanlet.internal,CNAME,c.example", "c.example,CNAME,a.example." },
		{ "d,CNAME,a", "a,CNAME,b", "b,CNAME,a" },
	};
	static const char *const chain[] = { "a,CNAME,b", "b,CNAME,c.example", "c.example,CNAME,d.example", "d,A,10.0.0.1",
					     "a.example,CNAME,a" };
	for (size_t i = 0; i < ARRAY_SIZE(circles); i++) {
		for (size_t j = 0; j < 3 && circles[i][j]; j++)
			expect_set(f, "name", circles[i][j]);
		g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, -EINVAL);
		g_assert_nonnull(strstr(f->error, " leads back to itself"));
		expect_set(f, "name", "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(chain); i++)
		expect_set(f, "name", chain[i]);
	g_assert_cmpint(settings_check(&f->s, f->error, sizeof(f->error)), ==, 0);
}

static void domains_that_may_be_rebound_are_domain_names(struct fixture *f, gconstpointer data)
{
	static const char *const good[] = { "example.com", "Example.NET.", ".", "_tcp.example.com" };
	static const char *const bad[] = { "a b", "a..b", ".a", "example.com,", "*.example.com", "a\nb", "a/b" };
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		expect_set(f, "rebind-domain-ok", good[i]);
	g_assert_cmpuint(f->s.rebind_ok.count, ==, ARRAY_SIZE(good));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, "rebind-domain-ok", bad[i]);
}

static void dhcp_host_is_written_as_it_is_read(struct fixture *f, gconstpointer data)
{
	static const char *const hosts[] = { "id:01:52:54:00:12:34:56,192.168.122.10,web", "id:text,192.168.122.11,tag=lab,lease-time=7200",
					     "name:db,192.168.122.12,lease-time=infinite", "id:2c:3a:20,192.168.122.13",
					     "id:a,192.168.122.14" };
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		char text[SETTINGS_DHCP_HOST_TEXT_SIZE];
		expect_set(f, "dhcp-host", hosts[i]);
		g_assert_cmpstr(settings_dhcp_host_format(&f->s.dhcp_hosts[i], text), ==, hosts[i]);
	}
	struct reservation client;
	g_assert_cmpint(settings_client_parse("id:74:65:78:74", &client), ==, 0);
	g_assert_cmpint(settings_remove_dhcp_host(&f->s, &client), ==, 0);
	g_assert_cmpint(settings_remove_dhcp_host(&f->s, &client), ==, -ENOENT);
	g_assert_cmpint(settings_client_parse("name:DB", &client), ==, 0);
	g_assert_cmpint(settings_remove_dhcp_host(&f->s, &client), ==, 0);
	g_assert_cmpuint(f->s.n_dhcp_hosts, ==, 3);
	g_assert_cmpint(settings_client_parse("52:54:00:12:34:56", &client), ==, -EINVAL);
}

static void unknown_architecture_is_told_which_there_are(struct fixture *f, gconstpointer data)
{
	expect_refused(f, "dhcp-tag", "x,arch:vax");
	g_assert_nonnull(strstr(f->error, "bios, efi-ia32, efi-x64, "));
	g_assert_nonnull(strstr(f->error, "efi-loongarch64-http, or a number: expected a tag and a class"));
}

static void rules_of_dhcp_are_lists(struct fixture *f, gconstpointer data)
{
	expect_set(f, "dhcp-option", "tag:a,tag:!b,force,ntp-server,10.0.0.1,10.0.0.2");
	expect_set(f, "dhcp-option", "3,");
	expect_set(f, "dhcp-option", "router");
	expect_set(f, "dhcp-tag", "a,vendor:PXEClient:Arch:00000, x");
	expect_set(f, "dhcp-tag", "b,arch:efi-arm64");
	expect_set(f, "dhcp-boot", "tag:a,pxelinux.0,10.0.0.1");
	expect_set(f, "dhcp-boot", "http://192.168.122.1/a?b=c");
	const struct dhcp_option_rule *o = &f->s.dhcp_options[0];
	g_assert_cmpuint(o->when.n, ==, 2);
	g_assert_cmpstr(o->when.tags[0].tag, ==, "a");
	g_assert_false(o->when.tags[0].absent);
	g_assert_cmpstr(o->when.tags[1].tag, ==, "b");
	g_assert_true(o->when.tags[1].absent);
	g_assert_true(o->forced);
	g_assert_cmpuint(o->code, ==, 42);
	g_assert_cmpuint(o->len, ==, 8);
	g_assert_cmpuint(f->s.dhcp_options[1].len + f->s.dhcp_options[2].len, ==, 0);
	g_assert_cmpstr(f->s.dhcp_tags[0].text, ==, "PXEClient:Arch:00000, x");
	g_assert_cmpuint(f->s.dhcp_tags[1].architecture, ==, 11);
	g_assert_cmphex(f->s.dhcp_boots[0].server, ==, IP4(10, 0, 0, 1));
	g_assert_cmpstr(f->s.dhcp_boots[1].file, ==, "http://192.168.122.1/a?b=c");
	static const char *const bad[][2] = {
		{ "dhcp-option", "54,1.2.3.4" },
		{ "dhcp-option", "subnet-mask,255.0.0.0" },
		{ "dhcp-option", "nothing,1" },
		{ "dhcp-option", "mtu,x" },
		{ "dhcp-option", "tag:a" },
		{ "dhcp-option", "tag:,3,1.1.1.1" },
		{ "dhcp-option", "tag:a,tag:b,tag:c,tag:d,tag:e,3,1.1.1.1" },
		{ "dhcp-option", "255,x" },
		{ "dhcp-tag", "a" },
		{ "dhcp-tag", "a,vendor:" },
		{ "dhcp-tag", "a b,vendor:x" },
		{ "dhcp-tag", "a,arch:vax" },
		{ "dhcp-tag", "a,arch:65536" },
		{ "dhcp-boot", "a,b" },
		{ "dhcp-boot", "a,0.0.0.0" },
		{ "dhcp-boot", "a\nb" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(f, bad[i][0], bad[i][1]);
	for (size_t i = 0; i < 3; i++)
		expect_set(f, (const char *const[]){ "dhcp-option", "dhcp-tag", "dhcp-boot" }[i], "");
	g_assert_cmpuint(f->s.n_dhcp_options + f->s.n_dhcp_tags + f->s.n_dhcp_boots, ==, 0);
	for (size_t i = 0; i < DHCP_RULES_MAX; i++)
		expect_set(f, "dhcp-boot", "a");
	expect_refused(f, "dhcp-boot", "a");
}

static void name_has_an_address(struct fixture *f, gconstpointer data)
{
	expect_set(f, "name", "Db,192.168.122.20");
	expect_set(f, "name", "nas,10.0.0.5");
	g_assert_cmpuint(f->s.n_names, ==, 2);
	g_assert_cmpstr(f->s.names[0].name, ==, "db");
	g_assert_cmphex(f->s.names[0].ip, ==, IP4(192, 168, 122, 20));
	for (const char *const *bad = (const char *const[]){ "db", "db,", ",10.0.0.5", "d b,10.0.0.5", "db,10.0.0", "db,127.0.0.1", NULL };
	     *bad; bad++)
		g_assert_cmpint(option_set(&f->s, "name", *bad, f->error, sizeof(f->error)), ==, -EINVAL);
	g_assert_cmpuint(f->s.n_names, ==, 2);
}

#define SAMPLE_FD 77
#define SAMPLE_FD_TEXT "77"

/* A value of each option that is not its default, and a second one for lists. */
static const struct {
	const char *name, *value;
} samples[] = {
	{ "subnet", "10.1.2.0/24" },
	{ "gateway", "192.168.122.5" },
	{ "gateway-mac", "52:54:00:77:00:01" },
	{ "ipv6", "auto" },
	{ "dhcp-range", "192.168.122.10-192.168.122.20" },
	{ "dhcp-range", "192.168.122.10-192.168.122.20,1h" },
	{ "lease-time", "2h" },
	{ "mtu", "1400" },
	{ "domain", "example.test" },
	{ "local-only", "false" },
	{ "dns", "9.9.9.9" },
	{ "dns", "9.9.9.10" },
	{ "dns", "example.corp=10.0.0.53" },
	{ "dns", "lab.example.corp=default" },
	{ "rebind-domain-ok", "example.com" },
	{ "host", "52:54:00:00:00:01,192.168.122.7,web" },
	{ "host", "52:54:00:00:00:02,192.168.122.8" },
	{ "name", "db,192.168.122.9" },
	{ "name", "nas,192.168.122.9" },
	{ "name", "api.example.com,CNAME,db" },
	{ "name", "_ssh._tcp.example.com,SRV,0 5 22 db" },
	{ "fd", SAMPLE_FD_TEXT },
	{ "connect", "/a.sock" },
	{ "connect", "/b.sock,type=vhost" },
	{ "udp", "127.0.0.1:1,127.0.0.1:2" },
	{ "udp", "127.0.0.1:1,127.0.0.1:2,name=web" },
	{ "vde", "vde:///a" },
	{ "host-loopback", "true" },
	{ "keep-tcp-ports", "true" },
	{ "metadata", "true" },
	{ "link-local", "true" },
	{ "isolate", "true" },
	{ "guard", "off" },
	{ "forward", "tcp 8080 web:80" },
	{ "forward", "tcp 8081 web:80" },
	{ "bandwidth-in", "10M/20M/256K" },
	{ "bandwidth-out", "2M" },
	{ "ipv6-only", "true" },
	{ "multicast-snooping", "false" },
	{ "no-dhcp", "true" },
	{ "no-gateway", "true" },
	{ "storm-limit", "off" },
	{ "dhcp-option", "ntp-server,10.0.0.1" },
	{ "dhcp-option", "ntp-server,10.0.0.2" },
	{ "dhcp-tag", "ipxe,user:iPXE" },
	{ "dhcp-host", "id:abc,192.168.122.31" },
	{ "dhcp-host", "name:abc,192.168.122.32,lease-time=1h" },
	{ "dhcp-boot", "pxelinux.0" },
	{ "tftp-root", "/srv/tftp" },
	{ "http-root", "/srv/http" },
	{ "host", "52:54:00:00:00:31,tag=x" },
	{ "host", "52:54:00:00:00:32,lease-time=1h" },
	{ "busy-poll", "10" },
	{ "engine", "null" },
	{ "udp-filtering", "endpoint-independent" },
	{ "log-level", "debug" },
};

static void set_sample(struct settings *s, size_t k, char *error, size_t size)
{
	if (strcmp(samples[k].name, "vde") == 0 && !vde_relay_is_available())
		return;
	if (option_set(s, samples[k].name, samples[k].value, error, size) < 0)
		g_error("%s", error);
}

static void open_sample_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(dup2(fd, SAMPLE_FD), ==, SAMPLE_FD);
	close(fd);
}

/* A reload compares settings in this way: a change that it does not see would neither be applied nor reported. */
static void every_option_is_told_apart_from_its_default(struct fixture *f, gconstpointer data)
{
	const struct lanlet_option *o;
	open_sample_socket();
	for (size_t i = 0; (o = lanlet_option_at(i)); i++) {
		unsigned n = 0;
		for (size_t k = 0; k < G_N_ELEMENTS(samples); k++) {
			struct settings before;
			if (strcmp(samples[k].name, o->name) != 0)
				continue;
			n++;
			g_assert_cmpint(settings_copy(&f->s, &before), ==, 0);
			g_assert_true(option_is_same(i, &before, &f->s));
			set_sample(&f->s, k, f->error, sizeof(f->error));
			if (option_is_same(i, &before, &f->s) && (strcmp(o->name, "vde") != 0 || vde_relay_is_available()))
				g_error("%s=%s is not told apart", o->name, samples[k].value);
			settings_done(&before);
		}
		/* Its values are compared as those of connect. */
		if (n == 0 && strcmp(o->name, "vhost-connect") != 0)
			g_error("no sample value for the option %s", o->name);
	}
	close(SAMPLE_FD);
}

/* A list belongs to one of the two afterwards: the address sanitizer would see a second owner. */
static void options_that_a_reload_changes_are_exchanged_and_no_others(struct fixture *f, gconstpointer data)
{
	struct settings other, before;
	const struct lanlet_option *o;
	option_set_defaults(&other);
	open_sample_socket();
	for (size_t k = 0; k < G_N_ELEMENTS(samples); k++)
		set_sample(&other, k, f->error, sizeof(f->error));
	g_assert_cmpint(settings_copy(&other, &before), ==, 0);
	option_swap_live(&f->s, &other);
	unsigned n_live = 0;
	for (size_t i = 0; (o = lanlet_option_at(i)); i++) {
		bool live = option_is_live(i);
		n_live += live;
		if (strcmp(o->name, "vhost-connect") == 0)
			continue;
		g_assert_true(option_is_same(i, live ? &f->s : &other, &before));
	}
	g_assert_cmpuint(n_live, >, 0);
	settings_done(&other);
	settings_done(&before);
	close(SAMPLE_FD);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/options/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(defaults_are_those_of_libvirt);
	TEST(unknown_option_is_named);
	TEST(wrong_value_is_explained);
	TEST(long_value_is_cut_in_the_message);
	TEST(subnet_is_any_private_prefix);
	TEST(gateway_is_an_address);
	TEST(gateway_mac_is_one_of_a_network_card);
	TEST(ipv6_is_off_automatic_or_a_unique_local_prefix);
	TEST(ipv6_needs_its_smallest_mtu);
	TEST(bandwidth_is_an_average_a_peak_and_a_burst);
	TEST(bandwidth_is_a_property_of_ports);
	TEST(dhcp_range_is_two_addresses_in_order);
	TEST(lease_time_has_units);
	TEST(mtu_is_auto_or_a_number);
	TEST(domain_is_made_lower_case);
	TEST(dns_servers_add_up);
	TEST(empty_value_clears_a_list);
	TEST(host_has_mac_address_and_an_optional_name);
	TEST(host_may_have_a_name_only_and_properties);
	TEST(guard_is_on_unless_it_is_turned_off);
	TEST(host_loopback_is_a_switch);
	TEST(socket_of_a_front_end_is_a_socket_to_connect_to);
	TEST(vde_takes_urls_and_paths);
	TEST(gateway_and_dhcp_can_be_switched_off);
	TEST(guests_may_reach_one_another_unless_isolated);
	TEST(multicast_snooping_can_be_switched_off);
	TEST(storm_limit_is_a_number_or_off);
	TEST(passed_descriptor_is_a_socket_that_is_open);
	TEST(socket_of_a_guest_has_a_path_and_an_optional_type);
	TEST(udp_is_between_two_addresses_with_ports);
	TEST(busy_poll_is_off_unless_wanted_and_never_long);
	TEST(every_engine_can_be_chosen);
	TEST(every_udp_filtering_can_be_chosen);
	TEST(every_log_level_can_be_chosen);
	TEST(every_option_is_described);
	TEST(name_has_a_record);
	TEST(dhcp_ranges_may_be_several);
	TEST(dhcp_host_is_known_by_id_or_name);
	TEST(alias_has_not_the_name_of_a_guest);
	TEST(aliases_that_lead_back_are_refused);
	TEST(domains_that_may_be_rebound_are_domain_names);
	TEST(unknown_architecture_is_told_which_there_are);
	TEST(dhcp_host_is_written_as_it_is_read);
	TEST(rules_of_dhcp_are_lists);
	TEST(name_has_an_address);
	TEST(every_option_is_told_apart_from_its_default);
	TEST(options_that_a_reload_changes_are_exchanged_and_no_others);
#undef TEST
	return g_test_run();
}
