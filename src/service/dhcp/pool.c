/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/pool.h"

#include "base/macros.h"
#include "service/dhcp/dhcp.h"

/* Limit of addresses looked at for one client: most may be in use by hosts that never ask for one. */
#define WALK_MAX 16384u

/*
 * A constant key, because config.hash_key is new in every run: a guest shall get its address again even when the lease file
 * is lost.  The hash only decides where the search begins, so a known key does no harm.
 */
static const struct hash_key address_key = { { 0x6c616e6c65742d64, 0x6863702d706f6f6c } };

const struct dhcp_range *dhcp_pool_range(const struct dhcp_config *c, ip4_t ip)
{
	for (unsigned i = 0; i < c->n_ranges; i++)
		if (ip >= c->ranges[i].first && ip <= c->ranges[i].last)
			return &c->ranges[i];
	return NULL;
}

static bool in_range(const struct dhcp_config *c, ip4_t ip)
{
	return ip >= c->first && ip <= c->last && (c->n_ranges == 0 || dhcp_pool_range(c, ip));
}

static bool in_pool(const struct dhcp_config *c, ip4_t ip)
{
	return in_range(c, ip) && ip != c->gateway && ip != c->subnet.network && ip != prefix4_broadcast(c->subnet);
}

/*
 * Whether ARP shows a host that uses @ip without a lease.  Not when @mac has an active lease there: behind a bridge that
 * translates MACs, ARP shows the bridge's MAC.  Not when the address was offered to @mac: no host answered the probe then, so the entry is
 * of one that has gone, and an offer is a promise.  Not when the host is the last lease holder, whose entry may be old; the ARP probe
 * decides that.
 */
static bool used_without_lease(const struct dhcp *d, usec_t now, struct mac mac, ip4_t ip, const struct lease *l)
{
	struct dhcp_env *env = d->config.env;
	struct mac by;
	if (l && (lease_is_active(l, now) || (l->state == LEASE_OFFERED && lease_is_held(l, now) && mac_equal(l->mac, mac))))
		return false;
	if (!env->ops->in_use(env, now, ip, &by) || mac_equal(by, mac))
		return false;
	return !l || !mac_equal(by, l->mac);
}

bool dhcp_pool_is_for_all(const struct dhcp *d, ip4_t ip)
{
	return in_pool(&d->config, ip) && !reservation_of_ip(&d->reservations, ip);
}

unsigned dhcp_pool_size(const struct dhcp *d)
{
	const struct dhcp_config *c = &d->config;
	ip4_t network = c->subnet.network, broadcast = prefix4_broadcast(c->subnet);
	uint32_t size = c->n_ranges == 0 ? c->last - c->first + 1 : 0;
	for (unsigned i = 0; i < c->n_ranges; i++)
		size += c->ranges[i].last - c->ranges[i].first + 1;
	size -= (uint32_t)in_range(c, c->gateway) + in_range(c, network) + in_range(c, broadcast);
	for (size_t i = 0; i < d->reservations.n; i++)
		size -= in_pool(c, d->reservations.all[i].ip);
	return size;
}

const char *dhcp_pool_refusal(const struct dhcp *d, usec_t now, struct mac mac, ip4_t ip)
{
	if (!prefix4_contains(d->config.subnet, ip))
		return "wrong network";
	const struct reservation *r = reservation_of_ip(&d->reservations, ip);
	if (r && !mac_equal(r->mac, mac))
		return "address reserved";
	if (!r && !in_pool(&d->config, ip))
		return "address not available";
	const struct lease *l = lease_find_ip(&d->leases, ip);
	if (l && lease_is_held(l, now) && !mac_equal(l->mac, mac))
		return "address in use";
	if (used_without_lease(d, now, mac, ip, l))
		return "address in use";
	return NULL;
}

ip4_t dhcp_pool_reserved_elsewhere(const struct dhcp *d, usec_t now, struct mac mac, ip4_t ip)
{
	const struct reservation *r = reservation_of_mac(&d->reservations, mac);
	return r && r->ip != 0 && r->ip != ip && !dhcp_pool_refusal(d, now, mac, r->ip) ? r->ip : 0;
}

/* Whether @ip is free for @mac and not kept for another guest. */
static bool is_fresh(const struct dhcp *d, usec_t now, struct mac mac, ip4_t ip)
{
	const struct lease *l = lease_find_ip(&d->leases, ip);
	return (!l || !lease_is_memory(l, now)) && !dhcp_pool_refusal(d, now, mac, ip);
}

/* @ip, or the first address of the next range when it is in none; 0: it is behind the last. */
static ip4_t next_in_range(const struct dhcp_config *c, ip4_t ip)
{
	for (unsigned i = 0; i < c->n_ranges; i++)
		if (ip <= c->ranges[i].last)
			return MAX(ip, c->ranges[i].first);
	return c->n_ranges == 0 ? ip : 0;
}

/* From @from to the end of the pool.  *@left: addresses that may still be looked at. */
static ip4_t find_fresh(const struct dhcp *d, usec_t now, struct mac mac, ip4_t from, unsigned *left)
{
	for (ip4_t ip = next_in_range(&d->config, from); *left > 0 && ip != 0 && (ip = lease_next_free(&d->leases, ip)) != 0;
	     ip = next_in_range(&d->config, ip + 1), (*left)--)
		if (!dhcp_pool_refusal(d, now, mac, ip))
			return ip;
	return 0;
}

static ip4_t choose_fresh(const struct dhcp *d, usec_t now, struct mac mac)
{
	uint32_t size = d->config.last - d->config.first + 1;
	ip4_t start = d->config.first + (ip4_t)(hash_bytes(&address_key, mac.b, sizeof(mac.b)) % size);
	unsigned left = WALK_MAX;
	ip4_t ip = find_fresh(d, now, mac, start, &left);
	return ip ? ip : find_fresh(d, now, mac, d->config.first, &left);
}

/* The first address of @ended, records that are not held, that @mac may have. */
static ip4_t choose_ended(const struct dhcp *d, usec_t now, struct mac mac, const struct list *ended)
{
	unsigned left = WALK_MAX;
	list_for_each(node, ended) {
		const struct lease *l = container_of(node, struct lease, ended);
		if (left-- == 0)
			return 0;
		if (!dhcp_pool_refusal(d, now, mac, l->ip))
			return l->ip;
	}
	return 0;
}

static ip4_t choose(const struct dhcp *d, usec_t now, struct mac mac, const struct lease *own, ip4_t wanted)
{
	ip4_t reserved = dhcp_pool_reserved_elsewhere(d, now, mac, own ? own->ip : 0);
	if (reserved)
		return reserved;
	if (own && !dhcp_pool_refusal(d, now, mac, own->ip))
		return own->ip;
	if (wanted && is_fresh(d, now, mac, wanted))
		return wanted;
	ip4_t ip = choose_fresh(d, now, mac);
	if (!ip)
		ip = choose_ended(d, now, mac, &d->leases.stale);
	return ip ? ip : choose_ended(d, now, mac, &d->leases.memories);
}

bool dhcp_pool_choose(const struct dhcp *d, usec_t now, struct mac mac, ip4_t wanted, struct dhcp_choice *ret)
{
	const struct lease *own = lease_find_mac(&d->leases, mac);
	ip4_t ip = choose(d, now, mac, own, wanted);
	if (!ip)
		return false;
	*ret = (struct dhcp_choice){ .ip = ip, .known = own && own->ip == ip && lease_is_held(own, now) };
	return true;
}
