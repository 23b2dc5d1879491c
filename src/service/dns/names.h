/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and addresses of guests, from leases and reservations.  A contract: DNS calls it, the owner of the leases
 * implements it.  Names are single labels without the domain.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "wire/dns.h"

struct dns_names;

struct dns_names_ops {
	/*
	 * The address of the guest with @name (lower case, letters, digits, '-' and '_').  -ENOENT when there is no such
	 * guest at @now.
	 */
	int (*find_name)(struct dns_names *n, usec_t now, const char *name, ip4_t *ret);
	/* The name of the guest with @ip, NUL-terminated in @ret.  -ENOENT when there is no such guest or it has no name. */
	int (*find_address)(struct dns_names *n, usec_t now, ip4_t ip, char ret[static DNS_LABEL_MAX + 1]);
};

struct dns_names {
	const struct dns_names_ops *ops;
};
