/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses a name means, and which name an address has.  A name is one that the user has given an address (--name), or a guest's: of
 * a reservation, or of a lease.  Implements the contract of DNS (service/dns/names.h); forwards and captures ask here too.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "service/dns/names.h"

#include <stdbool.h>
#include <stddef.h>

struct dhcp;
struct dhcp6;
struct guest;
struct guest_ref;
struct guest_table;
struct settings;
struct settings_name;

struct guest_names {
	struct dns_names for_dns;
	const struct dhcp *dhcp;    /* borrowed, as the next three */
	const struct dhcp6 *dhcp6;  /* NULL: there is no DHCPv6 */
	struct guest_table *guests; /* not const: it remembers its last look-up */
	/*
	 * The guest that has the name because of its port, and not of the declared MAC; NULL: the lease or reservation of that MAC tells
	 * the addresses.  NULL itself: there are no such ports.
	 */
	const struct guest *(*find_attached)(void *opaque, usec_t now, const char *name);
	void *opaque;
	bool ipv6_only;              /* guests have no leases of IPv4 */
	struct settings_name *given; /* by the user */
	size_t n_given;
};

void guest_names_init(struct guest_names *n, const struct dhcp *dhcp, struct guest_table *guests);
/* Harmless on a zeroed one. */
void guest_names_done(struct guest_names *n);
/* Copies the names of @s, instead of those before.  -ENOMEM, and nothing is changed. */
int guest_names_set(struct guest_names *n, const struct settings *s);

/* As dns_names_ops.find_name and find_address; @name is in lower case. */
int guest_names_find(const struct guest_names *n, usec_t now, const char *name, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX]);
int guest_names_of_address(const struct guest_names *n, usec_t now, const struct ip_addr *addr, char ret[static DNS_LABEL_MAX + 1]);
/*
 * At most one address of each family of the guest that @guest means, and their number: the preferred one first, which is that of IPv4
 * unless the network is ipv6_only.  -ENOENT.
 */
int guest_names_resolve(const struct guest_names *n, usec_t now, const struct guest_ref *guest, struct ip_addr ret[static 2]);
/* The addresses of the guest with @mac, as guest_names_find(). */
int guest_names_find_mac(const struct guest_names *n, usec_t now, struct mac mac, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX]);
/* The name of the guest that has leased @addr by DHCPv6.  -ENOENT. */
int guest_names_of_lease6(const struct guest_names *n, usec_t now, const struct ip_addr *addr, char ret[static DNS_LABEL_MAX + 1]);
