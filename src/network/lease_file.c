/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/lease_file.h"

#include "base/log.h"
#include "base/macros.h"
#include "host/state_file.h"
#include "service/dhcp/dhcp.h"
#include "service/dhcp/lease_text.h"
#include "service/dhcp6/dhcp6.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file with fewer lines is replaced, not appended to. */
#define APPENDED_LINES_MIN 128u

/* A growing buffer. */
struct text {
	char *bytes;
	size_t len, size;
	bool failed;
};

/* Room for @len more bytes at bytes + len, or NULL. */
static char *text_room(struct text *t, size_t len)
{
	if (!t->failed && len > t->size - t->len) {
		size_t size = MAX(2 * t->size, t->len + len);
		char *bytes = realloc(t->bytes, size);
		t->failed = !bytes;
		if (bytes) {
			t->bytes = bytes;
			t->size = size;
		}
	}
	return t->failed ? NULL : t->bytes + t->len;
}

int lease_file_init(struct lease_file *f, const char *path, struct log *log)
{
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	*f = (struct lease_file){ .path = copy, .log = log };
	return 0;
}

void lease_file_done(struct lease_file *f)
{
	free(f->path);
	f->path = NULL;
}

/* PATH with @suffix; to free(), or NULL. */
static char *with_suffix(const struct lease_file *f, const char *suffix)
{
	char *path;
	return asprintf(&path, "%s%s", f->path, suffix) < 0 ? NULL : path;
}

/* What each line of the file is given to. */
struct loading {
	struct dhcp *d;
	struct dhcp6 *dhcp6;
	usec_t now, wall;
	unsigned taken, unfit;
};

/* Unix time as time of the boot clock; 0 for leases that ended before the machine started. */
static usec_t from_unix(const struct loading *l, uint64_t seconds)
{
	if (seconds == 0)
		return USEC_INFINITY;
	usec_t unix_us = seconds > USEC_INFINITY / USEC_PER_SEC ? USEC_INFINITY : seconds * USEC_PER_SEC;
	if (unix_us >= l->wall)
		return usec_add(l->now, unix_us - l->wall);
	usec_t ago = l->wall - unix_us;
	return ago < l->now ? l->now - ago : 0;
}

static int take_line6(struct loading *l, const struct lease_line *line)
{
	struct dhcp6_saved_lease saved = {
		.addr = line->ip6,
		.iaid = line->iaid,
		.expires = from_unix(l, line->expires_s),
		.name = line->name,
		.client.len = line->client_id_len,
	};
	if (!l->dhcp6)
		return -EADDRNOTAVAIL;
	if (line->client_id_len > sizeof(saved.client.bytes))
		return -EINVAL;
	memcpy(saved.client.bytes, line->client_id, line->client_id_len);
	return dhcp6_restore(l->dhcp6, l->now, &saved);
}

static int take_line4(struct loading *l, const struct lease_line *line)
{
	struct dhcp_saved_lease saved = {
		.mac = line->mac,
		.ip = line->ip,
		.expires = from_unix(l, line->expires_s),
		.name = line->name,
		.client_id = line->client_id,
		.client_id_len = line->client_id_len,
	};
	return dhcp_restore(l->d, l->now, &saved);
}

static bool take_line(void *opaque, const struct lease_line *line)
{
	struct loading *l = opaque;
	int err = line->ip ? take_line4(l, line) : take_line6(l, line);
	if (err == 0)
		l->taken++;
	else if (err != -EINVAL)
		l->unfit++; /* the operator changed the range, or a reservation */
	return err != -EINVAL;
}

static void put_damaged_aside(struct lease_file *f, const char *what)
{
	char *aside = with_suffix(f, ".damaged");
	if (aside && rename(f->path, aside) == 0)
		log_warning(f->log, "lease file %s: %s; the old file is kept as %s", f->path, what, aside);
	else
		log_warning(f->log, "lease file %s: %s; it could not be renamed: %s", f->path, what, strerror(errno));
	free(aside);
}

unsigned lease_file_load(struct lease_file *f, struct dhcp *d, usec_t now, usec_t wall)
{
	char *text = NULL;
	size_t len;
	struct loading l = { .d = d, .dhcp6 = f->dhcp6, .now = now, .wall = wall };
	int err = state_file_read(f->path, &text, &len);
	size_t damaged = err == 0 ? lease_text_parse_all(text, len, take_line, &l) : 0;
	if (err < 0 && err != -ENOENT)
		put_damaged_aside(f, strerror(-err));
	if (damaged > 0) {
		char what[80];
		snprintf(what, sizeof(what), "%zu lines are damaged, the other lines have %u leases", damaged, l.taken);
		put_damaged_aside(f, what);
		lease_file_replace(f, d, now, wall);
	}
	if (l.unfit > 0)
		log_info(f->log,
			 "lease file %s: %u leases are dropped, because they do not fit the DHCP range or the reservations any more",
			 f->path, l.unfit);
	free(text);
	return d->leases.count + (f->dhcp6 ? lease6_count(&f->dhcp6->leases) : 0);
}

struct saving {
	usec_t now, wall;
	struct text text;
	unsigned lines;
};

static uint64_t to_unix(const struct saving *s, usec_t expires)
{
	if (expires == USEC_INFINITY)
		return 0;
	usec_t unix_us = expires >= s->now ? usec_add(s->wall, expires - s->now) : s->wall - MIN(s->now - expires, s->wall);
	return MAX(usec_add(unix_us, USEC_PER_SEC / 2) / USEC_PER_SEC, (usec_t)1);
}

static void put_text(struct saving *s, const struct lease_line *line)
{
	char *room = text_room(&s->text, LEASE_TEXT_LINE_SIZE);
	s->lines++;
	if (room)
		s->text.len += lease_text_format(line, room);
}

static void put_line(void *opaque, const struct lease *l)
{
	struct saving *s = opaque;
	usec_t end = l->state == LEASE_BOUND ? l->expires : MIN(s->now, l->expires);
	struct lease_line line = { .expires_s = to_unix(s, end), .mac = l->mac, .ip = l->ip, .client_id_len = l->client_id_len };
	memcpy(line.name, l->name, sizeof(l->name));
	memcpy(line.client_id, l->client_id, l->client_id_len);
	put_text(s, &line);
}

static void put_line6(void *opaque, const struct lease6 *l)
{
	struct saving *s = opaque;
	struct lease_line line = { .expires_s = to_unix(s, l->expires), .ip6 = l->addr, .iaid = l->iaid, .client_id_len = l->client.len };
	memcpy(line.name, l->name, sizeof(l->name));
	memcpy(line.client_id, l->client.bytes, l->client.len);
	put_text(s, &line);
}

static void put_duid(struct saving *s, const struct dhcp6_duid *duid)
{
	char *room = text_room(&s->text, LEASE_TEXT_LINE_SIZE);
	if (room)
		s->text.len += lease_text_format_duid(duid->bytes, duid->len, room);
}

static int replace(struct lease_file *f, const struct dhcp *d, usec_t now, usec_t wall)
{
	struct saving s = { .now = now, .wall = wall };
	dhcp_for_each_lease(d, put_line, &s);
	if (f->dhcp6) {
		put_duid(&s, &f->dhcp6->duid);
		dhcp6_for_each_lease(f->dhcp6, now, put_line6, &s);
	}
	int err = s.text.failed ? -ENOMEM : state_file_replace(f->path, s.text.bytes, s.text.len);
	f->bytes = err == 0 ? s.text.len : 0;
	f->lines = s.lines;
	f->has_tail = false;
	free(s.text.bytes);
	return err;
}

/* -ESTALE, or another negative errno: the file has to be replaced. */
static int append(struct lease_file *f, const struct dhcp *d, usec_t now, usec_t wall)
{
	unsigned count = d->leases.count + (f->dhcp6 ? lease6_count(&f->dhcp6->leases) : 0);
	if (f->bytes == 0 || f->lines < APPENDED_LINES_MIN || f->lines / 2 > count || !dhcp_can_save_changes(d))
		return -ESTALE;
	struct saving s = { .now = now, .wall = wall };
	dhcp_for_each_unsaved(d, put_line, &s);
	if (f->dhcp6)
		dhcp6_for_each_unsaved(f->dhcp6, put_line6, &s);
	int err = s.text.failed ? -ENOMEM : state_file_append(f->path, f->bytes, s.text.bytes, s.text.len);
	if (err == 0) {
		f->bytes += s.text.len;
		f->lines += s.lines;
		f->has_tail = true;
	}
	free(s.text.bytes);
	return err;
}

static void tell(struct lease_file *f, int err)
{
	if (err < 0 && !f->failing)
		log_error(f->log, "lease file %s: %s; leases do not outlive a restart until it can be written", f->path, strerror(-err));
	if (err == 0 && f->failing)
		log_info(f->log, "lease file %s: written again", f->path);
	f->failing = err < 0;
}

int lease_file_replace(struct lease_file *f, const struct dhcp *d, usec_t now, usec_t wall)
{
	int err = replace(f, d, now, wall);
	tell(f, err);
	return err;
}

int lease_file_save(struct lease_file *f, const struct dhcp *d, usec_t now, usec_t wall)
{
	if (append(f, d, now, wall) < 0)
		return lease_file_replace(f, d, now, wall);
	tell(f, 0);
	return 0;
}
