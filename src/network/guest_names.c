/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/guest_names.h"

#include "base/macros.h"
#include "gateway/guest.h"
#include "options/guest_ref.h"
#include "options/settings.h"
#include "service/dhcp/dhcp.h"
#include "service/dhcp6/binding.h"
#include "service/dhcp6/dhcp6.h"
#include "wire/ipv6.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert(DNS_LABEL_MAX + 1 == GUEST_NAME_SIZE, "a guest's name is a DNS label");

static int find_name(struct dns_names *names, usec_t now, const char *name, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX])
{
	return guest_names_find(container_of(names, struct guest_names, for_dns), now, name, ret);
}

static int find_address(struct dns_names *names, usec_t now, const struct ip_addr *addr, char ret[static DNS_LABEL_MAX + 1])
{
	return guest_names_of_address(container_of(names, struct guest_names, for_dns), now, addr, ret);
}

static const struct dns_names_ops dns_ops = { find_name, find_address };

void guest_names_init(struct guest_names *n, const struct dhcp *dhcp, struct guest_table *guests)
{
	*n = (struct guest_names){ .for_dns = { &dns_ops }, .dhcp = dhcp, .guests = guests };
}

void guest_names_done(struct guest_names *n)
{
	free(n->given);
	n->given = NULL;
	n->n_given = 0;
}

int guest_names_set(struct guest_names *n, const struct settings *s)
{
	struct settings_name *given = calloc(s->n_names + 1, sizeof(*given));
	if (!given)
		return -ENOMEM;
	if (s->n_names > 0)
		memcpy(given, s->names, s->n_names * sizeof(*given));
	free(n->given);
	n->given = given;
	n->n_given = s->n_names;
	return 0;
}

/* An address that guests on other links can connect to as well: link-local ones need the name of a link (RFC 4007 §6). */
static bool has_meaning_alone(const struct ip_addr *a)
{
	return ip_is_v4(a) || !ipv6_is_link_local(a);
}

/*
 * Adds the addresses that @g uses to the @count in @ret, the most recently used first.  Not those of IPv4 when @ret has one: DHCP has told
 * it, and the others are the guest's own affair.
 */
static unsigned add_addresses(const struct guest *g, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX], unsigned count)
{
	bool only_v6 = count > 0;
	for (const struct list *node = g->addresses.prev; node != &g->addresses && count < DNS_NAMES_ADDRESSES_MAX; node = node->prev) {
		const struct guest_address *a = container_of((struct list *)(uintptr_t)node, struct guest_address, of_guest);
		if (!a->is_lost && has_meaning_alone(&a->addr) && !(only_v6 && ip_is_v4(&a->addr)))
			ret[count++] = a->addr;
	}
	return count;
}

/* Adds the addresses that DHCPv6 has leased to @mac, and that the guest does not use yet. */
static unsigned add_leases6(const struct guest_names *n, usec_t now, struct mac mac, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX],
			    unsigned count)
{
	const struct lease6 *l = NULL;
	while (n->dhcp6 && count < DNS_NAMES_ADDRESSES_MAX && (l = lease6_find_mac(&n->dhcp6->leases, mac, l)) != NULL) {
		bool known = !lease6_is_active(l, now);
		for (unsigned i = 0; i < count; i++)
			known |= ip_equal(&ret[i], &l->addr);
		if (!known)
			ret[count++] = l->addr;
	}
	return count;
}

int guest_names_find_mac(const struct guest_names *n, usec_t now, struct mac mac, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX])
{
	const struct guest *g = guest_find(n->guests, mac);
	unsigned count = 0;
	ip4_t ip;
	if (!n->ipv6_only && dhcp_find_mac(n->dhcp, now, mac, &ip) == 0)
		ret[count++] = ip_from_ip4(ip);
	if (g)
		count = add_addresses(g, ret, count);
	count = add_leases6(n, now, mac, ret, count);
	return count > 0 ? (int)count : -ENOENT;
}

/* The guest that has told its name to DHCPv6.  Of one behind a relay only that lease may be known. */
static int find_by_lease6(const struct guest_names *n, usec_t now, const char *name, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX])
{
	const struct lease6 *l = lease6_find_name(&n->dhcp6->leases, name);
	if (!l || !lease6_is_active(l, now))
		return -ENOENT;
	if (!mac_is_zero(l->mac))
		return guest_names_find_mac(n, now, l->mac, ret);
	ret[0] = l->addr;
	return 1;
}

int guest_names_find(const struct guest_names *n, usec_t now, const char *name, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX])
{
	for (size_t i = 0; i < n->n_given; i++) {
		if (strcmp(n->given[i].name, name) != 0)
			continue;
		ret[0] = ip_from_ip4(n->given[i].ip);
		return 1;
	}
	const struct guest *attached = n->find_attached ? n->find_attached(n->opaque, now, name) : NULL;
	unsigned count = attached ? add_addresses(attached, ret, 0) : 0;
	struct mac mac;
	if (count > 0)
		return (int)count;
	int r = dhcp_holder_of_name(n->dhcp, now, name, &mac);
	if (r == 0)
		return guest_names_find_mac(n, now, mac, ret);
	return n->dhcp6 ? find_by_lease6(n, now, name, ret) : r;
}

int guest_names_of_lease6(const struct guest_names *n, usec_t now, const struct ip_addr *addr, char ret[static DNS_LABEL_MAX + 1])
{
	const struct lease6 *l = n->dhcp6 ? dhcp6_find_address(n->dhcp6, now, addr) : NULL;
	const char *name = l ? dhcp6_binding_name(n->dhcp6, now, l) : "";
	if (name[0] == '\0')
		return -ENOENT;
	strcpy(ret, name);
	return 0;
}

static const struct ip_addr *first_of_family(const struct ip_addr *addresses, int n, bool v4)
{
	for (int i = 0; i < n; i++)
		if (ip_is_v4(&addresses[i]) == v4)
			return &addresses[i];
	return NULL;
}

int guest_names_resolve(const struct guest_names *n, usec_t now, const struct guest_ref *guest, struct ip_addr ret[static 2])
{
	struct ip_addr found[DNS_NAMES_ADDRESSES_MAX] = { guest->ip };
	int r = 1, count = 0;
	switch (guest->kind) {
	case GUEST_REF_NAME: r = guest_names_find(n, now, guest->name, found); break;
	case GUEST_REF_MAC: r = guest_names_find_mac(n, now, guest->mac, found); break;
	case GUEST_REF_ADDRESS: break;
	}
	for (unsigned i = 0; i < 2; i++) {
		const struct ip_addr *a = first_of_family(found, r, (i == 0) != n->ipv6_only);
		if (a)
			ret[count++] = *a;
	}
	return count > 0 ? count : -ENOENT;
}

/* Behind a bridge that translates MACs, several machines have leases of their own, and one guest has all their addresses: ask DHCP first.
 */
int guest_names_of_address(const struct guest_names *n, usec_t now, const struct ip_addr *addr, char ret[static DNS_LABEL_MAX + 1])
{
	for (size_t i = 0; i < n->n_given && ip_is_v4(addr); i++) {
		if (n->given[i].ip != ip_to_ip4(addr))
			continue;
		strcpy(ret, n->given[i].name);
		return 0;
	}
	if (ip_is_v4(addr) && dhcp_find_address(n->dhcp, now, ip_to_ip4(addr), ret) == 0)
		return 0;
	if (guest_names_of_lease6(n, now, addr, ret) == 0)
		return 0;
	const struct guest_address *a = guest_find_address(n->guests, addr);
	if (!a || a->is_lost || a->guest->name[0] == '\0')
		return -ENOENT;
	strcpy(ret, a->guest->name);
	return 0;
}
