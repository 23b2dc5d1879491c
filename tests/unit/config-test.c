/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that have to fit one another, and lanlet_config_*(). */
#include "options/config.h"

#include "base/macros.h"
#include "options/options.h"

#include <errno.h>
#include <glib.h>

#define OPTIONS_MAX 6

struct check_case {
	const char *path;
	const char *options[OPTIONS_MAX]; /* "name=value" */
	const char *error;                /* NULL: accepted */
	ip4_t gateway, first, last;
};

static const struct check_case cases[] = {
	{ "range_follows_a_small_subnet", { "subnet=10.1.2.0/30" }, NULL, IP4(10, 1, 2, 1), IP4(10, 1, 2, 2), IP4(10, 1, 2, 2) },
	{ "range_follows_a_large_subnet", { "subnet=10.0.0.0/8" }, NULL, IP4(10, 0, 0, 1), IP4(10, 0, 0, 2), IP4(10, 255, 255, 254) },
	{ "range_lies_before_a_gateway_at_the_end",
	  { "subnet=172.16.0.0/24", "gateway=172.16.0.254" },
	  NULL,
	  IP4(172, 16, 0, 254),
	  IP4(172, 16, 0, 1),
	  IP4(172, 16, 0, 253) },
	{ "range_takes_the_larger_side_of_the_gateway",
	  { "gateway=192.168.122.100" },
	  NULL,
	  IP4(192, 168, 122, 100),
	  IP4(192, 168, 122, 101),
	  IP4(192, 168, 122, 254) },
	{ "order_of_options_does_not_matter",
	  { "dhcp-range=10.1.1.10-10.1.1.20", "gateway=10.1.1.9", "subnet=10.1.1.0/24" },
	  NULL,
	  IP4(10, 1, 1, 9),
	  IP4(10, 1, 1, 10),
	  IP4(10, 1, 1, 20) },
	{ "gateway_outside_the_subnet", { "gateway=10.0.0.1" }, "gateway 10.0.0.1 is not a host address of the subnet 192.168.122.0/24" },
	{ "gateway_on_the_network_address",
	  { "gateway=192.168.122.0" },
	  "gateway 192.168.122.0 is not a host address of the subnet 192.168.122.0/24" },
	{ "gateway_on_the_broadcast_address",
	  { "gateway=192.168.122.255" },
	  "gateway 192.168.122.255 is not a host address of the subnet 192.168.122.0/24" },
	{ "range_outside_the_subnet",
	  { "subnet=10.1.1.0/24", "dhcp-range=10.1.2.1-10.1.2.9" },
	  "dhcp-range 10.1.2.1-10.1.2.9 is not inside the host addresses of the subnet 10.1.1.0/24" },
	{ "range_with_the_broadcast_address",
	  { "dhcp-range=192.168.122.200-192.168.122.255" },
	  "dhcp-range 192.168.122.200-192.168.122.255 is not inside the host addresses of the subnet 192.168.122.0/24" },
	{ "range_with_the_gateway",
	  { "dhcp-range=192.168.122.1-192.168.122.254" },
	  "dhcp-range 192.168.122.1-192.168.122.254 contains the gateway 192.168.122.1: choose a range above or below it" },
	{ "reservation_outside_the_range",
	  { "dhcp-range=192.168.122.100-192.168.122.200", "host=52:54:00:00:00:01,192.168.122.10" },
	  NULL,
	  IP4(192, 168, 122, 1),
	  IP4(192, 168, 122, 100),
	  IP4(192, 168, 122, 200) },
	{ "reservation_outside_the_subnet",
	  { "host=52:54:00:00:00:01,192.168.123.10" },
	  "host 52:54:00:00:00:01,192.168.123.10: the address is not a host address of the subnet 192.168.122.0/24" },
	{ "reservation_of_the_gateway",
	  { "host=52:54:00:00:00:01,192.168.122.1" },
	  "host 52:54:00:00:00:01,192.168.122.1: the gateway has this address" },
	{ "gateway_s_mac",
	  { "gateway-mac=52:54:00:00:00:01", "host=52:54:00:00:00:01,192.168.122.9" },
	  "host 52:54:00:00:00:01,192.168.122.9: the gateway has this MAC" },
	{ "gateway_s_name",
	  { "host=52:54:00:00:00:01,192.168.122.9,Gateway" },
	  "host 52:54:00:00:00:01,192.168.122.9,gateway: the gateway has this name" },
	{ "mac_twice",
	  { "host=52:54:00:00:00:01,192.168.122.10", "host=52:54:0:0:0:1,192.168.122.11" },
	  "host: the MAC 52:54:00:00:00:01 has two reservations" },
	{ "address_twice",
	  { "host=52:54:00:00:00:01,192.168.122.10", "host=52:54:00:00:00:02,192.168.122.10" },
	  "host: the address 192.168.122.10 is reserved for both 52:54:00:00:00:01 and 52:54:00:00:00:02" },
	{ "name_twice",
	  { "host=52:54:00:00:00:01,192.168.122.10,web", "host=52:54:00:00:00:02,192.168.122.11,WEB" },
	  "host: the name web is given to both 52:54:00:00:00:01 and 52:54:00:00:00:02" },
};

static void set_from_text(struct settings *s, const char *text)
{
	char error[200];
	g_auto(GStrv) parts = g_strsplit(text, "=", 2);
	g_assert_cmpint(option_set(s, parts[0], parts[1], error, sizeof(error)), ==, 0);
}

static void check_case(gconstpointer data)
{
	const struct check_case *c = data;
	struct settings s;
	char error[200] = "";
	option_set_defaults(&s);
	for (size_t i = 0; i < OPTIONS_MAX && c->options[i]; i++)
		set_from_text(&s, c->options[i]);
	ip4_t gateway = s.gateway;
	int r = settings_check(&s, error, sizeof(error));
	g_assert_cmpstr(error, ==, c->error ? c->error : "");
	g_assert_cmpint(r, ==, c->error ? -EINVAL : 0);
	g_assert_cmphex(s.gateway, ==, c->error ? gateway : c->gateway);
	if (!c->error) {
		g_assert_cmphex(s.dhcp_first, ==, c->first);
		g_assert_cmphex(s.dhcp_last, ==, c->last);
	}
	settings_done(&s);
}

static void copy_owns_its_lists(void)
{
	struct settings s, copy;
	option_set_defaults(&s);
	set_from_text(&s, "dns=9.9.9.9");
	set_from_text(&s, "host=52:54:00:00:00:01,192.168.122.10,web");
	g_assert_cmpint(settings_copy(&s, &copy), ==, 0);
	settings_done(&s);
	g_assert_cmpuint(copy.dns.count, ==, 1);
	g_assert_cmpuint(copy.dns.server[0].endpoint.port, ==, 53);
	g_assert_cmpstr(copy.hosts[0].name, ==, "web");
	settings_done(&copy);
	settings_done(&copy);
}

static void public_config_keeps_what_it_is_given(void)
{
	struct lanlet_config *config;
	char error[200];
	char path[] = "/run/a";
	g_assert_cmpint(lanlet_config_new(&config), ==, 0);
	g_assert_cmpint(lanlet_config_set(config, "mtu", "9000", error, sizeof(error)), ==, 0);
	g_assert_cmpint(lanlet_config_set(config, "mtu", "9", error, sizeof(error)), ==, -EINVAL);
	g_assert_cmpint(lanlet_config_set(config, "mut", "9000", error, sizeof(error)), ==, -ENOENT);
	g_assert_cmpuint(config->settings.mtu, ==, 9000);
	g_assert_cmpint(lanlet_config_set_state_dir(config, path), ==, 0);
	g_assert_cmpint(lanlet_config_set_runtime_dir(config, path), ==, 0);
	path[5] = 'b';
	g_assert_cmpstr(config->state_dir, ==, "/run/a");
	g_assert_cmpstr(config->runtime_dir, ==, "/run/a");
	g_assert_cmpint(lanlet_config_set_state_dir(config, NULL), ==, 0);
	g_assert_null(config->state_dir);
	lanlet_config_free(config);
	lanlet_config_free(NULL);
}

/* lanlet.h promises one line, whatever the value. */
static void errors_have_one_line_for_each_option(void)
{
	struct lanlet_config *config;
	char error[400];
	const struct lanlet_option *o;
	g_assert_cmpint(lanlet_config_new(&config), ==, 0);
	for (size_t i = 0; (o = lanlet_option_at(i)); i++) {
		if (lanlet_config_set(config, o->name, "a\nb\x1b\x7f", error, sizeof(error)) == 0)
			continue;
		for (const char *c = error; *c; c++)
			g_assert_false(g_ascii_iscntrl(*c));
		g_assert_cmpint(lanlet_config_set(config, o->name, "a\nb", NULL, 0), ==, -EINVAL);
	}
	lanlet_config_free(config);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		g_autofree char *path = g_strconcat("/config/", cases[i].path, NULL);
		g_test_add_data_func(path, &cases[i], check_case);
	}
	g_test_add_func("/config/copy_owns_its_lists", copy_owns_its_lists);
	g_test_add_func("/config/public_config_keeps_what_it_is_given", public_config_keeps_what_it_is_given);
	g_test_add_func("/config/errors_have_one_line_for_each_option", errors_have_one_line_for_each_option);
	return g_test_run();
}
