/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of guests and their addresses, of both families.  A contract: DNS calls it, the network implements it (network/guest_names.h).
 * Names are single labels without the domain.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "wire/dns.h"

struct dns_names;

/* Addresses of a name.  A guest may have several of IPv6: by autoconfiguration, temporary ones (RFC 8981), and by DHCPv6. */
#define DNS_NAMES_ADDRESSES_MAX 8u

struct dns_names_ops {
	/*
	 * The addresses of the guest with @name (lower case, letters, digits, '-' and '_'); returns their number, at most
	 * DNS_NAMES_ADDRESSES_MAX.  Of each family, the first is the one to connect to.  -ENOENT when there is no such guest at @now, or it
	 * has no address.
	 */
	int (*find_name)(struct dns_names *n, usec_t now, const char *name, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX]);
	/* The name of the guest with @addr, NUL-terminated in @ret.  -ENOENT when there is no such guest or it has no name. */
	int (*find_address)(struct dns_names *n, usec_t now, const struct ip_addr *addr, char ret[static DNS_LABEL_MAX + 1]);
};

struct dns_names {
	const struct dns_names_ops *ops;
};
