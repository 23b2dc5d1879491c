/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The leases on disk, in dnsmasq's format.  Leases end at a time of CLOCK_BOOTTIME, the file has
 * Unix time, so both are asked for: @wall is microseconds since 1970 at @now.
 *
 * The file is a state file (host/state_file.h), which is not fsynced: after a loss of power the server recovers what clients still
 * know.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>

struct dhcp;
struct log;

struct lease_file {
	char *path;
	struct log *log; /* borrowed, may be NULL */
	bool failing;    /* the last save failed, which was said */
};

/* @path is copied; nothing is opened.  -ENOMEM. */
int lease_file_init(struct lease_file *f, const char *path, struct log *log);
void lease_file_done(struct lease_file *f);
/*
 * Gives the saved leases to @d.  No file is fine.  A damaged one is renamed to PATH.damaged, with a warning; the lines of it
 * that are whole count, and are saved at once.  Returns how many leases were taken up.
 */
unsigned lease_file_load(struct lease_file *f, struct dhcp *d, usec_t now, usec_t wall);
/* Replaces the file.  Negative errno; the first failure in a row is logged. */
int lease_file_save(struct lease_file *f, const struct dhcp *d, usec_t now, usec_t wall);
