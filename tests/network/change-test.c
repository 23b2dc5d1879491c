/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of a network that is not dispatched: what takes effect, what outlives a restart, what is refused without changing anything. */
#include "network/change.h"

#include "host/clock.h"
#include "lanlet.h"
#include "network/snapshot.h"
#include "options/options.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>

#define MAC_TEXT "52:54:00:00:00:07"
#define MAC ((struct mac){ { 0x52, 0x54, 0, 0, 0, 7 } })

struct fixture {
	char *dir;
	struct lanlet_network *net;
	char error[512];
};

/* A configuration with @options, each "OPTION=VALUE". */
static struct lanlet_config *configuration(struct fixture *f, const char *const *options)
{
	struct lanlet_config *config;
	g_assert_cmpint(lanlet_config_new(&config), ==, 0);
	g_assert_cmpint(lanlet_config_set_state_dir(config, f->dir), ==, 0);
	for (; options && *options; options++) {
		g_auto(GStrv) words = g_strsplit(*options, "=", 2);
		g_assert_cmpint(lanlet_config_set(config, words[0], words[1], f->error, sizeof(f->error)), ==, 0);
	}
	return config;
}

static void start(struct fixture *f, const char *const *options)
{
	struct lanlet_config *config = configuration(f, options);
	g_assert_cmpint(lanlet_network_new(config, &f->net, f->error, sizeof(f->error)), ==, 0);
	lanlet_config_free(config);
}

static void restart(struct fixture *f, const char *const *options)
{
	lanlet_network_free(f->net);
	start(f, options);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	f->dir = g_dir_make_tmp("change-XXXXXX", NULL);
	start(f, (const char *[]){ "host=52:54:00:00:00:09,192.168.122.9,nine", "name=ten,192.168.122.10", NULL });
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	lanlet_network_free(f->net);
	g_autoptr(GDir) dir = g_dir_open(f->dir, 0, NULL);
	for (const char *name; (name = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename(f->dir, name, NULL);
		g_unlink(path);
	}
	g_rmdir(f->dir);
	g_free(f->dir);
}

static unsigned n_reservations(const struct fixture *f)
{
	struct snapshot_reservation found[8];
	uint64_t cursor = 0;
	unsigned n = snapshot_reservations(f->net, &cursor, found, G_N_ELEMENTS(found));
	g_assert_cmpuint(cursor, ==, SNAPSHOT_END);
	return n;
}

static ip4_t reserved_address(const struct fixture *f, unsigned index)
{
	struct snapshot_reservation found[8];
	uint64_t cursor = 0;
	g_assert_cmpuint(snapshot_reservations(f->net, &cursor, found, G_N_ELEMENTS(found)), >, index);
	return found[index].ip;
}

/* The number of names, without those of reservations. */
static unsigned n_names(const struct fixture *f)
{
	struct snapshot_name found[8];
	unsigned n = 0;
	for (uint64_t cursor = 0; cursor != SNAPSHOT_END;) {
		unsigned slice = snapshot_names(f->net, clock_now(), &cursor, found, G_N_ELEMENTS(found));
		for (unsigned i = 0; i < slice; i++)
			n += found[i].origin == SNAPSHOT_CONFIGURED || found[i].origin == SNAPSHOT_ADDED;
	}
	return n;
}

static uint32_t lease_time(const struct fixture *f)
{
	struct snapshot_network found;
	snapshot_network(f->net, clock_now(), &found);
	return found.lease_time_s;
}

static int reserve(struct fixture *f, const char *text)
{
	return change_add_reservation(f->net, text, f->error, sizeof(f->error));
}

static int add_name(struct fixture *f, const char *text)
{
	return change_add_name(f->net, text, f->error, sizeof(f->error));
}

static void added_entries_take_effect_and_are_events(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(reserve(f, MAC_TEXT ",192.168.122.7,seven"), ==, 0);
	g_assert_cmpuint(n_reservations(f), ==, 2);
	g_assert_cmpint(add_name(f, "db,192.168.122.11"), ==, 0);
	g_assert_cmpuint(n_names(f), ==, 2);
	struct snapshot_events found;
	uint64_t after = snapshot_last_event(f->net) - 2;
	snapshot_events(f->net, &after, &found);
	g_assert_cmpuint(found.n, ==, 2);
	g_assert_cmpint(found.events[0].type, ==, EVENT_RESERVATIONS);
	g_assert_cmpint(found.events[1].type, ==, EVENT_NAMES);
}

static void added_entries_survive_restarts_until_removed(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(reserve(f, MAC_TEXT ",192.168.122.7"), ==, 0);
	restart(f, NULL);
	g_assert_cmpuint(n_reservations(f), ==, 1);
	g_assert_cmpint(change_remove_reservation(f->net, MAC, f->error, sizeof(f->error)), ==, 0);
	restart(f, NULL);
	g_assert_cmpuint(n_reservations(f), ==, 0);
}

static void added_entries_yield_to_a_later_configuration(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(reserve(f, MAC_TEXT ",192.168.122.7"), ==, 0);
	g_assert_cmpint(reserve(f, "52:54:00:00:00:08,192.168.122.8"), ==, 0);
	restart(f, (const char *[]){ "host=52:54:00:00:00:55,192.168.122.7", NULL });
	g_assert_cmpuint(n_reservations(f), ==, 2);
	g_assert_cmpint(change_remove_reservation(f->net, MAC, f->error, sizeof(f->error)), ==, -ENOENT);
}

static void same_mac_replaces_the_reservation(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(reserve(f, MAC_TEXT ",192.168.122.7,seven"), ==, 0);
	g_assert_cmpint(reserve(f, MAC_TEXT ",192.168.122.77,seven"), ==, 0);
	g_assert_cmpuint(n_reservations(f), ==, 2);
	g_assert_cmphex(reserved_address(f, 1), ==, IP4(192, 168, 122, 77));
}

static void invalid_and_contradictory_entries_are_refused_with_a_reason(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "nonsense", -EINVAL },
		{ "", -EINVAL },
		{ MAC_TEXT ",192.168.122", -EINVAL },
		{ MAC_TEXT ",192.168.122.9", -EEXIST }, /* the address of another guest */
		{ MAC_TEXT ",10.0.0.1", -EEXIST },      /* an address of another network */
		{ "52:54:00:00:00:09,192.168.122.99", -EEXIST },
	};
	uint64_t last = snapshot_last_event(f->net);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		f->error[0] = '\0';
		g_assert_cmpint(reserve(f, cases[i].text), ==, cases[i].result);
		g_assert_cmpstr(f->error, !=, "");
		g_assert_null(strchr(f->error, '\n'));
	}
	g_assert_cmpuint(n_reservations(f), ==, 1);
	g_assert_cmpuint(snapshot_last_event(f->net), ==, last);
}

static void entries_of_the_configuration_cannot_be_removed(struct fixture *f, gconstpointer data)
{
	struct mac configured = { { 0x52, 0x54, 0, 0, 0, 9 } };
	g_assert_cmpint(change_remove_reservation(f->net, configured, f->error, sizeof(f->error)), ==, -EPERM);
	g_assert_cmpint(change_remove_name(f->net, "ten", f->error, sizeof(f->error)), ==, -EPERM);
	g_assert_cmpint(change_remove_name(f->net, "eleven", f->error, sizeof(f->error)), ==, -ENOENT);
	g_assert_cmpuint(n_reservations(f) + n_names(f), ==, 2);
}

static int reload(struct fixture *f, const char *const *options, struct change_report *report)
{
	struct lanlet_config *config = configuration(f, options);
	int r = change_reload(f->net, config, report, f->error, sizeof(f->error));
	lanlet_config_free(config);
	return r;
}

static enum change change_of(const struct change_report *report, const char *option)
{
	for (unsigned i = 0; i < report->n; i++)
		if (strcmp(report->options[i].option, option) == 0)
			return report->options[i].change;
	g_assert_not_reached();
}

static void reload_applies_what_it_can_and_reports_what_needs_a_restart(struct fixture *f, gconstpointer data)
{
	struct change_report report = { 0 };
	g_assert_cmpint(reserve(f, MAC_TEXT ",192.168.122.7"), ==, 0);
	const char *options[] = { "lease-time=2h", "mtu=1400", "name=ten,192.168.122.10", NULL };
	g_assert_cmpint(reload(f, options, &report), ==, 0);
	g_assert_cmpint(change_of(&report, "lease-time"), ==, CHANGE_DONE);
	g_assert_cmpint(change_of(&report, "host"), ==, CHANGE_DONE);
	g_assert_cmpint(change_of(&report, "mtu"), ==, CHANGE_RESTART);
	g_assert_cmpint(change_of(&report, "name"), ==, CHANGE_NONE);
	g_assert_cmpuint(lease_time(f), ==, 7200);
	g_assert_cmpuint(n_reservations(f), ==, 1); /* what was added */
}

static void reload_that_contradicts_added_entries_changes_nothing(struct fixture *f, gconstpointer data)
{
	struct change_report report = { 0 };
	g_assert_cmpint(reserve(f, MAC_TEXT ",192.168.122.7"), ==, 0);
	const char *options[] = { "lease-time=2h", "host=52:54:00:00:00:55,192.168.122.7", NULL };
	g_assert_cmpint(reload(f, options, &report), ==, -EINVAL);
	g_assert_nonnull(strstr(f->error, "192.168.122.7 is reserved for both"));
	g_assert_nonnull(strstr(f->error, "one of them was added at run time"));
	g_assert_cmpuint(lease_time(f), ==, 3600);
	g_assert_cmpuint(n_reservations(f), ==, 2);
}

/* A second reload reports no option that is in effect, and again each option that needs a restart. */
static void reload_has_every_live_option_take_effect(struct fixture *f, gconstpointer data)
{
	g_autofree char *forward = g_strdup_printf("forward=tcp unix:%s/web.sock nine:80", f->dir);
	const char *options[] = { "host=52:54:00:00:00:11,192.168.122.11",
				  "name=twelve,192.168.122.12",
				  "lease-time=2h",
				  "dhcp-option=mtu,1400",
				  "dhcp-tag=ipxe,user:iPXE",
				  "dhcp-host=name:db,192.168.122.77",
				  "dhcp-boot=tag:ipxe,menu.ipxe",
				  "dns=127.0.0.1:5353",
				  "rebind-domain-ok=example.com",
				  "log-level=debug",
				  "guard=off",
				  "bandwidth-in=10M",
				  "bandwidth-out=1M",
				  "metadata=true",
				  "link-local=true",
				  "mtu=1400",
				  "isolate=true",
				  forward,
				  NULL };
	struct change_report report = { 0 }, again = { 0 };
	g_assert_cmpint(reload(f, options, &report), ==, 0);
	g_assert_cmpint(reload(f, options, &again), ==, 0);
	const struct lanlet_option *option;
	unsigned done = 0;
	for (size_t i = 0; (option = lanlet_option_at(i)); i++) {
		enum change first = change_of(&report, option->name);
		done += first == CHANGE_DONE;
		g_assert_cmpint(first == CHANGE_DONE, ==, option_is_live(i));
		g_assert_cmpint(change_of(&again, option->name), ==, first == CHANGE_DONE ? CHANGE_NONE : first);
	}
	g_assert_cmpuint(done, ==, 16);
	g_assert_cmpint(change_of(&again, "mtu"), ==, CHANGE_RESTART);
	g_assert_cmpint(change_of(&again, "isolate"), ==, CHANGE_RESTART);
}

#define ADD(test) g_test_add("/change/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(added_entries_take_effect_and_are_events);
	ADD(added_entries_survive_restarts_until_removed);
	ADD(added_entries_yield_to_a_later_configuration);
	ADD(same_mac_replaces_the_reservation);
	ADD(invalid_and_contradictory_entries_are_refused_with_a_reason);
	ADD(entries_of_the_configuration_cannot_be_removed);
	ADD(reload_applies_what_it_can_and_reports_what_needs_a_restart);
	ADD(reload_that_contradicts_added_entries_changes_nothing);
	ADD(reload_has_every_live_option_take_effect);
	return g_test_run();
}
