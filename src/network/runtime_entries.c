/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/runtime_entries.h"

#include "base/log.h"
#include "options/options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "kept"
#define LINE_MAX_BYTES 512

static void take_line(struct runtime_entries *e, char *line)
{
	char reason[512];
	char *value = strchr(line, ' ');
	line[strcspn(line, "\n")] = '\0';
	if (value)
		*value++ = '\0';
	bool known = value && value[0] && (strcmp(line, "host") == 0 || strcmp(line, "name") == 0);
	if (known && option_set(&e->settings, line, value, reason, sizeof(reason)) == 0)
		return;
	log_warning(e->log, "%s: %s", e->path, known ? reason : "a line that is no host and no name is left out");
}

static void load(struct runtime_entries *e)
{
	char line[LINE_MAX_BYTES];
	FILE *file = fopen(e->path, "re");
	if (!file) {
		if (errno != ENOENT)
			log_warning(e->log, "%s: %s", e->path, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), file))
		take_line(e, line);
	fclose(file);
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
	char mac[MAC_TEXT_SIZE], ip[IP4_TEXT_SIZE];
	for (size_t i = 0; i < s->n_hosts; i++) {
		const struct settings_host *h = &s->hosts[i];
		fprintf(file, "host %s,%s%s%s\n", mac_format(h->mac, mac), ip4_format(h->ip, ip), h->name[0] ? "," : "", h->name);
	}
	for (size_t i = 0; i < s->n_names; i++)
		fprintf(file, "name %s,%s\n", s->names[i].name, ip4_format(s->names[i].ip, ip));
}

/* Negative errno; @path is then as before. */
static int write_file(const char *path, const struct settings *s)
{
	char temporary[PATH_MAX];
	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file)
		return -errno;
	write_lines(file, s);
	int r = ferror(file) ? -EIO : 0;
	if (fclose(file) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}

int runtime_entries_replace(struct runtime_entries *e, struct settings *s)
{
	int r = e->path ? write_file(e->path, s) : 0;
	if (r < 0)
		return r;
	settings_done(&e->settings);
	e->settings = *s;
	*s = (struct settings){ 0 };
	return 0;
}
