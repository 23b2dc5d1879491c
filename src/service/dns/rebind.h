/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guard against DNS rebinding: a web site that gives its name an address of the guest itself or of the guests' network has the guest's
 * browser talk to services there.  So answers from outside with such an address are not passed on, unless the name is in a domain that the
 * user trusts.  Private addresses of other networks pass, because offices and VPNs have them.
 */
#pragma once

#include "base/addr.h"
#include "wire/dns.h"

#define DNS_DOMAINS_MAX 16u

struct dns_domain_list {
	struct dns_name domain[DNS_DOMAINS_MAX];
	unsigned count;
};

/* Adds a domain; "." stands for all.  -EINVAL; -ENOSPC: the list is full. */
int dns_domain_list_add(struct dns_domain_list *list, const char *text);
bool dns_domain_list_equal(const struct dns_domain_list *a, const struct dns_domain_list *b);
/* Whether @name is in one of the domains. */
bool dns_domain_list_covers(const struct dns_domain_list *list, const struct dns_name *name);

/* The guests' own network. */
struct dns_near {
	struct prefix4 subnet;
	struct prefix6 prefix; /* of length 0: none */
};

/*
 * Whether the answer has a loopback, link-local or unspecified address, or one of @ours, in a record of its answer section: A, AAAA, or
 * a hint of HTTPS and SVCB.  True: *@ret is that address.
 */
bool dns_rebind_is_in(const uint8_t *answer, size_t len, const struct dns_near *ours, struct ip_addr *ret);
