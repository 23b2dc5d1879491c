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
#include "options/config.h"
#include "options/options.h"
#include "promises.h"
#include "running_network.h"

#include <glib.h>
#include <string.h>

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
	g_autofree char *wanted = running_network_asked_for(&config->settings), *now = running_network_configured(n);
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
	g_autofree char *before = running_network_configured(n), *added_before = running_network_added(n);
	int r = change_reload(n, config, &report, error, sizeof(error));
	REQUIRE((r < 0) == (error[0] != '\0') && !strchr(error, '\n'));
	g_autofree char *after = running_network_configured(n), *added_after = running_network_added(n);
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

/* As it was made. */
static void reset(struct lanlet_network *n, size_t which)
{
	struct lanlet_config *config = base_config(which);
	struct change_report report = { 0 };
	char error[256];
	running_network_remove_added(n);
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
