/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the text of a hosts(5) file.  file_follower.h reads the file. */
#pragma once

#include "base/addr.h"

#include <stddef.h>

struct dns_records;

struct hosts_file_self {
	const char *host_name; /* of this machine; may be NULL */
	struct ip_addr addr;   /* by which guests reach it */
};

/*
 * Adds an A or AAAA record for each name, and a PTR record for the first name of each address.  Invalid lines and names are skipped.  A
 * loopback address is that of the guest to a guest, so on a line with this machine's name (Debian's 127.0.1.1) it becomes @self->addr.
 * -ENOSPC: there are too many names; those before are added.  -ENOMEM.
 */
int hosts_file_parse(const char *text, size_t len, const struct hosts_file_self *self, struct dns_records *to);
