/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configurations that are reloaded one after another by a network that is not dispatched.  Input: a byte that chooses the network, then
 * configurations with 0xff between them.  Each is lines of OPTION=VALUE; lines that begin with + or - add or remove a reservation or a
 * name in the running network, which the reload has to respect.
 *
 * A reload either succeeds, and then reports on every option and what it reports as done is in effect; or it fails, says why in one
 * line, and changes nothing.
 */
#include "network/change.h"
#include "network/snapshot.h"
#include "options/config.h"
#include "options/options.h"
#include "promises.h"

#include <glib.h>
#include <string.h>

#define SLICE 16u

#define INPUT_MAX 8192
#define PORTS_MAX 64 /* that are forwarded: a socket each */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const networks[][3][2] = {
	{ { NULL } },
	{ { "subnet", "10.0.0.0/8" }, { "domain", "lab.internal" }, { "dhcp-range", "10.1.0.0-10.1.255.255" } },
	{ { "no-dhcp", "true" }, { "subnet", "192.168.7.0/30" } },
	{ { "no-gateway", "true" }, { "engine", "null" } },
};

#define NETWORKS (sizeof(networks) / sizeof(networks[0]))

static void set_option(struct lanlet_config *config, const char *name, const char *value)
{
	char error[256];
	REQUIRE(lanlet_config_set(config, name, value, error, sizeof(error)) == 0);
}

static struct lanlet_config *base_config(size_t which)
{
	struct lanlet_config *config;
	REQUIRE(lanlet_config_new(&config) == 0);
	for (unsigned i = 0; i < 3 && networks[which][i][0]; i++)
		set_option(config, networks[which][i][0], networks[which][i][1]);
	return config;
}

/* Made once: a network has a resolver, sockets and descriptors. */
static struct lanlet_network *network(size_t which)
{
	static struct lanlet_network *all[NETWORKS];
	char error[256];
	if (!all[which]) {
		struct lanlet_config *config = base_config(which);
		REQUIRE(lanlet_network_new(config, &all[which], error, sizeof(error)) == 0);
		lanlet_config_free(config);
	}
	return all[which];
}

/* --- what is in effect --- */

static void add_line(GPtrArray *lines, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add_line(GPtrArray *lines, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_ptr_array_add(lines, g_strdup_vprintf(format, args));
	va_end(args);
}

static void add_host(GPtrArray *lines, struct mac mac, ip4_t ip, const char *name)
{
	char mac_text[MAC_TEXT_SIZE], ip_text[IP4_TEXT_SIZE];
	add_line(lines, "host %s,%s,%s", mac_format(mac, mac_text), ip4_format(ip, ip_text), name);
}

static void add_name(GPtrArray *lines, const char *name, ip4_t ip)
{
	char ip_text[IP4_TEXT_SIZE];
	add_line(lines, "name %s,%s", name, ip4_format(ip, ip_text));
}

static void add_forward(GPtrArray *lines, const char *protocol, const char *host, const char *guest)
{
	add_line(lines, "forward %s %s %s", protocol, host, guest);
}

static void put_reservations(const struct lanlet_network *n, enum snapshot_origin origin, GPtrArray *lines)
{
	struct snapshot_reservation found[SLICE];
	for (uint64_t cursor = 0; cursor != SNAPSHOT_END;) {
		unsigned k = snapshot_reservations(n, &cursor, found, SLICE);
		for (unsigned i = 0; i < k; i++)
			if (found[i].origin == origin)
				add_host(lines, found[i].mac, found[i].ip, found[i].name);
	}
}

static void put_names(const struct lanlet_network *n, enum snapshot_origin origin, GPtrArray *lines)
{
	struct snapshot_name found[SLICE];
	for (uint64_t cursor = 0; cursor != SNAPSHOT_END;) {
		unsigned k = snapshot_names(n, 0, &cursor, found, SLICE);
		for (unsigned i = 0; i < k; i++)
			if (found[i].origin == origin)
				add_name(lines, found[i].name, found[i].ip);
	}
}

static void put_forwards(const struct lanlet_network *n, GPtrArray *lines)
{
	struct snapshot_forward found[SLICE];
	for (uint64_t cursor = 0; cursor != SNAPSHOT_END;) {
		unsigned k = snapshot_forwards(n, &cursor, found, SLICE);
		for (unsigned i = 0; i < k; i++)
			add_forward(lines, found[i].protocol, found[i].host, found[i].guest);
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted_text(GPtrArray *lines)
{
	g_ptr_array_sort(lines, compare_lines);
	g_ptr_array_add(lines, NULL);
	char *text = g_strjoinv("\n", (char **)lines->pdata);
	g_ptr_array_unref(lines);
	return text;
}

/* What of the configuration is in effect, of that which a reload can change; the lists are in the order of the alphabet. */
static char *configured(const struct lanlet_network *n)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	struct snapshot_network general;
	snapshot_network(n, 0, &general);
	add_line(lines, "lease-time %u, log-level %d", general.lease_time_s, general.log_level);
	put_reservations(n, SNAPSHOT_CONFIGURED, lines);
	put_names(n, SNAPSHOT_CONFIGURED, lines);
	put_forwards(n, lines);
	return sorted_text(lines);
}

/* The same of what @s asks for. */
static char *asked_for(const struct settings *s)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	char host[FORWARD_TEXT_SIZE], guest[FORWARD_TEXT_SIZE];
	add_line(lines, "lease-time %u, log-level %d", s->lease_time_s, s->log_level);
	for (size_t i = 0; i < s->n_hosts; i++)
		add_host(lines, s->hosts[i].mac, s->hosts[i].ip, s->hosts[i].name);
	for (size_t i = 0; i < s->n_names; i++)
		add_name(lines, s->names[i].name, s->names[i].ip);
	for (size_t i = 0; i < s->n_forwards; i++) {
		const struct forward_spec *f = &s->forwards[i];
		add_forward(lines, forward_protocol_name(f->protocol), forward_spec_format_host(f, host),
			    forward_spec_format_guest(f, guest));
	}
	return sorted_text(lines);
}

/* What was added at run time. */
static char *added(const struct lanlet_network *n)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	put_reservations(n, SNAPSHOT_ADDED, lines);
	put_names(n, SNAPSHOT_ADDED, lines);
	return sorted_text(lines);
}

/* --- reloading --- */

static void check_report(const struct change_report *report)
{
	unsigned n = 0;
	while (lanlet_option_at(n))
		n++;
	REQUIRE(report->n == n && n <= CHANGE_OPTIONS_MAX);
	for (unsigned i = 0; i < n; i++)
		REQUIRE(strcmp(report->options[i].option, lanlet_option_at(i)->name) == 0 && report->options[i].change <= CHANGE_RESTART);
}

static unsigned count(const struct change_report *report, enum change change)
{
	unsigned n = 0;
	for (unsigned i = 0; i < report->n; i++)
		n += report->options[i].change == change;
	return n;
}

/* All that can be in effect is; a second time there is nothing left to do. */
static void check_in_effect(struct lanlet_network *n, const struct lanlet_config *config, const struct change_report *report)
{
	struct change_report again = { 0 };
	char error[256];
	g_autofree char *wanted = asked_for(&config->settings), *now = configured(n);
	check_report(report);
	REQUIRE(strcmp(wanted, now) == 0);
	REQUIRE(change_reload(n, config, &again, error, sizeof(error)) == 0);
	check_report(&again);
	REQUIRE(count(&again, CHANGE_DONE) == 0 && count(&again, CHANGE_RESTART) == count(report, CHANGE_RESTART));
}

static void reload(struct lanlet_network *n, const struct lanlet_config *config)
{
	struct change_report report = { 0 };
	char error[256] = "";
	g_autofree char *before = configured(n), *added_before = added(n);
	int r = change_reload(n, config, &report, error, sizeof(error));
	REQUIRE((r < 0) == (error[0] != '\0') && !strchr(error, '\n'));
	g_autofree char *after = configured(n), *added_after = added(n);
	REQUIRE(strcmp(added_before, added_after) == 0);
	if (r < 0)
		REQUIRE(strcmp(before, after) == 0);
	else
		check_in_effect(n, config, &report);
}

/* "+host MAC,ADDRESS", "-name NAME", … */
static void change_one(struct lanlet_network *n, const char *line)
{
	char error[256] = "";
	struct mac mac;
	int r;
	if (strncmp(line, "+host ", 6) == 0)
		r = change_add_reservation(n, line + 6, error, sizeof(error));
	else if (strncmp(line, "+name ", 6) == 0)
		r = change_add_name(n, line + 6, error, sizeof(error));
	else if (strncmp(line, "-name ", 6) == 0)
		r = change_remove_name(n, line + 6, error, sizeof(error));
	else if (strncmp(line, "-host ", 6) == 0 && mac_parse(line + 6, &mac) == 0)
		r = change_remove_reservation(n, mac, error, sizeof(error));
	else
		return;
	REQUIRE((r < 0) == (error[0] != '\0') && !strchr(error, '\n'));
}

static void take_line(struct lanlet_network *n, struct settings *s, char *line)
{
	char error[256];
	char *value = strchr(line, '=');
	if (line[0] == '+' || line[0] == '-') {
		change_one(n, line);
	} else if (value) {
		*value++ = '\0';
		option_set(s, line, value, error, sizeof(error));
	}
}

static unsigned ports_to_open(const struct settings *s)
{
	unsigned n = 0;
	for (size_t i = 0; i < s->n_forwards; i++)
		n += s->forwards[i].n_ports;
	return n;
}

static void reload_text(struct lanlet_network *n, size_t which, char *text)
{
	struct lanlet_config *config = base_config(which);
	char *line;
	while ((line = strsep(&text, "\n")))
		take_line(n, &config->settings, line);
	if (ports_to_open(&config->settings) <= PORTS_MAX)
		reload(n, config);
	lanlet_config_free(config);
}

/* "host MAC,ADDRESS,NAME" or "name NAME,ADDRESS" */
static void remove_added(struct lanlet_network *n, char *line)
{
	char error[256];
	struct mac mac;
	line[strcspn(line, ",")] = '\0';
	if (mac_parse(line + 5, &mac) == 0)
		REQUIRE(change_remove_reservation(n, mac, error, sizeof(error)) == 0);
	else
		REQUIRE(change_remove_name(n, line + 5, error, sizeof(error)) == 0);
}

/* As it was made. */
static void reset(struct lanlet_network *n, size_t which)
{
	struct lanlet_config *config = base_config(which);
	struct change_report report = { 0 };
	char error[256];
	g_autofree char *text = added(n);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++)
		remove_added(n, lines[i]);
	REQUIRE(change_reload(n, config, &report, error, sizeof(error)) == 0);
	REQUIRE(count(&report, CHANGE_RESTART) == 0);
	lanlet_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[INPUT_MAX + 1] = "", *at = text, *one;
	if (size == 0)
		return 0;
	size_t which = data[0] % NETWORKS;
	struct lanlet_network *n = network(which);
	memcpy(text, data + 1, MIN(size - 1, (size_t)INPUT_MAX));
	while ((one = strsep(&at, "\xff")))
		reload_text(n, which, one);
	reset(n, which);
	return 0;
}
