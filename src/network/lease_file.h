/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lease file, in dnsmasq's format.  Leases end at a time of CLOCK_BOOTTIME, and the file has Unix time, so functions take both: @wall
 * is microseconds since 1970 at @now.
 *
 * The file of a small network is replaced whenever a lease has changed.  That of a large one gets lines of changed leases appended, and is
 * replaced when half of its lines are old: of lines with one MAC or one address the last one counts.
 *
 * The file is a state file (host/state_file.h), which is not fsynced.  After a power failure, the server learns leases again from the
 * clients that renew them.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>

struct dhcp;
struct dhcp6;
struct log;

struct lease_file {
	char *path;
	struct log *log;     /* borrowed, may be NULL */
	bool failing;        /* the last save failed, and that was logged */
	size_t bytes;        /* of the file, which this process has written; 0: it has to be replaced */
	unsigned lines;      /* of those */
	bool has_tail;       /* lines were appended */
	struct dhcp6 *dhcp6; /* borrowed, whose leases are in the file as well; NULL: they are not.  Set after lease_file_init() */
};

/* @path is copied; nothing is opened.  -ENOMEM. */
int lease_file_init(struct lease_file *f, const char *path, struct log *log);
void lease_file_done(struct lease_file *f);
/*
 * Gives the saved leases to @d.  The file need not exist.  A damaged file is renamed to PATH.damaged, with a warning; its valid lines are
 * used, and saved at once.  Returns the number of leases loaded.
 */
unsigned lease_file_load(struct lease_file *f, struct dhcp *d, usec_t now, usec_t wall);
/* Brings the file up to date, by dhcp_for_each_unsaved() or as a whole.  Negative errno; the first failure in a row is logged. */
int lease_file_save(struct lease_file *f, const struct dhcp *d, usec_t now, usec_t wall);
/* The same, as a whole. */
int lease_file_replace(struct lease_file *f, const struct dhcp *d, usec_t now, usec_t wall);
