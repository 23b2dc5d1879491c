/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "running_network.h"

#include "network/change.h"
#include "network/snapshot.h"
#include "promises.h"
#include "wire/dns_text.h"

#include <glib.h>
#include <string.h>

#define SLICE 16u

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

static void add_name(GPtrArray *lines, const char *name, const char *type, const char *data)
{
	add_line(lines, "name %s,%s,%s", name, type, data);
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
				add_name(lines, found[i].name, found[i].type, found[i].data);
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

char *running_network_configured(const struct lanlet_network *n)
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

char *running_network_asked_for(const struct settings *s)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	char host[FORWARD_TEXT_SIZE], guest[FORWARD_TEXT_SIZE];
	add_line(lines, "lease-time %u, log-level %d", s->lease_time_s, s->log_level);
	for (size_t i = 0; i < s->n_hosts; i++)
		add_host(lines, s->hosts[i].mac, s->hosts[i].ip, s->hosts[i].name);
	char name_ip[IP4_TEXT_SIZE];
	for (size_t i = 0; i < s->n_names; i++)
		add_name(lines, s->names[i].name, "A", ip4_format(s->names[i].ip, name_ip));
	for (size_t i = 0; i < s->n_records; i++)
		add_name(lines, s->records[i].name, dns_type_name(s->records[i].type), s->records[i].data);
	for (size_t i = 0; i < s->n_forwards; i++) {
		const struct forward_spec *f = &s->forwards[i];
		add_forward(lines, forward_protocol_name(f->protocol), forward_spec_format_host(f, host),
			    forward_spec_format_guest(f, guest));
	}
	return sorted_text(lines);
}

char *running_network_added(const struct lanlet_network *n)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	put_reservations(n, SNAPSHOT_ADDED, lines);
	put_names(n, SNAPSHOT_ADDED, lines);
	return sorted_text(lines);
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

void running_network_remove_added(struct lanlet_network *n)
{
	g_autofree char *text = running_network_added(n);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++)
		if (lines[i][0])
			remove_added(n, lines[i]);
}
