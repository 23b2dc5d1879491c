/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/runtime_entries.h"

#include "base/log.h"
#include "host/state_file.h"
#include "options/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "kept"

static void take_line(struct runtime_entries *e, char *line)
{
	char reason[512];
	char *value = strchr(line, ' ');
	if (value)
		*value++ = '\0';
	bool known = value && value[0] && (strcmp(line, "host") == 0 || strcmp(line, "dhcp-host") == 0 || strcmp(line, "name") == 0);
	if (known && option_set(&e->settings, line, value, reason, sizeof(reason)) == 0)
		return;
	log_warning(e->log, "%s: %s", e->path,
		    known ? reason : "skipped a line that begins with none of \"host \", \"dhcp-host \" and \"name \"");
}

static void load(struct runtime_entries *e)
{
	char *text, *rest;
	size_t len;
	int r = state_file_read(e->path, &text, &len);
	if (r < 0) {
		if (r != -ENOENT)
			log_warning(e->log, "%s: %s; reservations and names that were added at run time are not in effect", e->path,
				    strerror(-r));
		return;
	}
	rest = text;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (line[0])
			take_line(e, line);
	free(text);
}

int runtime_entries_init(struct runtime_entries *e, const char *state_dir, struct log *log)
{
	*e = (struct runtime_entries){ .log = log };
	if (!state_dir)
		return 0;
	if (asprintf(&e->path, "%s/" FILE_NAME, state_dir) < 0) {
		e->path = NULL;
		return -ENOMEM;
	}
	load(e);
	return 0;
}

void runtime_entries_done(struct runtime_entries *e)
{
	settings_done(&e->settings);
	free(e->path);
	e->path = NULL;
}

static void write_lines(FILE *file, const struct settings *s)
{
	char host[SETTINGS_HOST_TEXT_SIZE], dhcp_host[SETTINGS_DHCP_HOST_TEXT_SIZE], ip[IP4_TEXT_SIZE], record[SETTINGS_RECORD_TEXT_SIZE];
	for (size_t i = 0; i < s->n_hosts; i++)
		fprintf(file, "host %s\n", settings_host_format(&s->hosts[i], host));
	for (size_t i = 0; i < s->n_dhcp_hosts; i++)
		fprintf(file, "dhcp-host %s\n", settings_dhcp_host_format(&s->dhcp_hosts[i], dhcp_host));
	for (size_t i = 0; i < s->n_names; i++)
		fprintf(file, "name %s,%s\n", s->names[i].name, ip4_format(s->names[i].ip, ip));
	for (size_t i = 0; i < s->n_records; i++)
		fprintf(file, "name %s\n", record_format(&s->records[i], record));
}

static int save(const char *path, const struct settings *s)
{
	char *text = NULL;
	size_t len;
	FILE *memory = open_memstream(&text, &len);
	if (!memory)
		return -ENOMEM;
	write_lines(memory, s);
	int r = fclose(memory) == 0 ? state_file_replace(path, text, len) : -ENOMEM;
	free(text);
	return r;
}

int runtime_entries_replace(struct runtime_entries *e, struct settings *s)
{
	int r = e->path ? save(e->path, s) : 0;
	if (r < 0)
		return r;
	settings_done(&e->settings);
	e->settings = *s;
	*s = (struct settings){ 0 };
	return 0;
}
