/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp6/binding.h"

#include "base/macros.h"
#include "gateway/ip6.h"
#include "gateway/payer.h"
#include "lan/port.h"
#include "service/dhcp6/dhcp6.h"

#include <errno.h>
#include <string.h>

static void tell(const struct dhcp6 *d, usec_t now, const struct port *port, const struct lease6 *l, enum dhcp_lease_event what)
{
	if (d->config.env)
		d->config.env->ops->leased(d->config.env, now, port, l, what);
}

/* @soon: the saved leases do not cover what has changed. */
static void changed(struct dhcp6 *d, usec_t now, struct lease6 *l, bool soon)
{
	if (!d->config.env)
		return;
	if (soon && d->config.saves) {
		list_remove(&l->unsaved);
		list_append(&d->unsaved, &l->unsaved);
	}
	d->config.env->ops->changed(d->config.env, now, soon);
}

static bool is_same_client(const struct lease6 *l, const struct dhcp6_duid *client, uint32_t iaid)
{
	return l->iaid == iaid && dhcp6_duid_equal(&l->client, client);
}

/* --- look-ups --- */

static bool lists(const struct dhcp6_ia *ia, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < ia->n_addresses; i++)
		if (ip_equal(&ia->addresses[i], addr))
			return true;
	return false;
}

/* Of a lease from before a restart the MAC is not known: it belongs to the client that says that it has the address. */
static struct lease6 *find_client(const struct dhcp6 *d, usec_t now, const struct dhcp6_message *m, const struct dhcp6_ia *ia,
				  struct mac mac)
{
	struct lease6 *l = NULL;
	while ((l = lease6_find_client(&d->leases, &m->client, ia->iaid, mac, l)) != NULL)
		if (lease6_is_active(l, now) && (!mac_is_zero(mac) || lists(ia, &l->addr)))
			return l;
	return NULL;
}

struct lease6 *dhcp6_binding_of(const struct dhcp6 *d, usec_t now, const struct dhcp6_message *m, const struct dhcp6_ia *ia, struct mac mac)
{
	struct mac unknown = { { 0 } };
	struct lease6 *l = find_client(d, now, m, ia, mac);
	return l ? l : find_client(d, now, m, ia, unknown);
}

static bool is_attached(const struct dhcp6 *d, usec_t now, struct mac mac)
{
	return !d->config.env || d->config.env->ops->port_of(d->config.env, now, mac);
}

/* A machine may have another network card than before: what was leased to a MAC that is not attached is its own. */
bool dhcp6_binding_is_of_another(const struct dhcp6 *d, usec_t now, const struct ip_addr *addr, struct mac mac)
{
	const struct lease6 *l = lease6_find_address(&d->leases, addr);
	if (!l || !lease6_is_active(l, now) || mac_is_zero(l->mac) || mac_is_zero(mac) || mac_equal(l->mac, mac))
		return false;
	return is_attached(d, now, l->mac);
}

const char *dhcp6_binding_name(const struct dhcp6 *d, usec_t now, const struct lease6 *l)
{
	const char *name = d->config.env && !mac_is_zero(l->mac) ? d->config.env->ops->name_of(d->config.env, now, l->mac) : "";
	return name[0] ? name : l->name;
}

/* --- the end --- */

/* A lease that the saved ones have stays until they are saved again, which have its end then. */
static void end(struct dhcp6 *d, usec_t now, const struct port *port, struct lease6 *l, usec_t when, enum dhcp_lease_event what)
{
	bool is_saved = d->config.saves && l->saved > now;
	lease6_ended(&d->leases, l, when);
	tell(d, now, port, l, what);
	lease6_set_name(&d->leases, l, "");
	changed(d, now, l, is_saved);
	if (!is_saved)
		lease6_free(&d->leases, l);
}

bool dhcp6_binding_end(struct dhcp6 *d, usec_t now, const struct port *port, const struct dhcp6_message *m, const struct dhcp6_ia *ia,
		       struct mac mac, enum dhcp_lease_event what)
{
	struct lease6 *l = dhcp6_binding_of(d, now, m, ia, mac);
	const struct port *holder = l && l->payer ? l->payer->port : NULL;
	/* Behind relays DUIDs are all that is known of clients, and those can be guessed. */
	if (!l || !lists(ia, &l->addr) || (mac_is_zero(l->mac) && holder && holder != port))
		return false;
	end(d, now, port, l, now, what);
	return true;
}

void dhcp6_binding_expire(struct dhcp6 *d, usec_t now)
{
	struct lease6 *l;
	while ((l = lease6_first_to_end(&d->leases)) != NULL && l->expires <= now)
		end(d, now, NULL, l, l->expires, DHCP_LEASE_EXPIRED);
}

/* --- the beginning --- */

/* The record of @addr for the client; one of another client, whose address it is not any more, ends. */
static struct lease6 *record(struct dhcp6 *d, usec_t now, struct payer *payer, const struct dhcp6_message *m, const struct dhcp6_ia *ia,
			     struct mac mac, const struct ip_addr *addr)
{
	struct lease6 *l = lease6_find_address(&d->leases, addr);
	if (l && is_same_client(l, &m->client, ia->iaid))
		return l;
	if (l && lease6_is_active(l, now))
		tell(d, now, NULL, l, DHCP_LEASE_TAKEN);
	if (l)
		lease6_free(&d->leases, l);
	struct lease6 *way = lease6_giving_way(&d->leases, payer, mac);
	if (way) {
		lease6_ended(&d->leases, way, now);
		tell(d, now, NULL, way, DHCP_LEASE_TAKEN);
		lease6_free(&d->leases, way);
	}
	return lease6_new(&d->leases, addr, &m->client, ia->iaid);
}

static bool is_one_client(const struct lease6 *a, const struct lease6 *b)
{
	return !mac_is_zero(a->mac) && mac_equal(a->mac, b->mac);
}

/* As dhcp_names_update(): a guest keeps its name while it has a lease. */
static void update_name(struct dhcp6 *d, usec_t now, struct lease6 *l, const void *raw, size_t len)
{
	char name[GUEST_NAME_SIZE];
	if (len == 0)
		return;
	bool good = guest_name_clean(raw, len, name);
	const struct lease6 *holder = good ? lease6_find_name(&d->leases, name) : NULL;
	if (holder && holder != l && lease6_is_active(holder, now) && !is_one_client(holder, l))
		good = false;
	if (good && d->config.env)
		good = d->config.env->ops->may_have_name(d->config.env, now, l->mac, name);
	lease6_set_name(&d->leases, l, good ? name : "");
}

/* As dhcp_saving_covers(). */
static bool is_covered(const struct lease6 *l, usec_t now)
{
	if (l->saved == l->expires)
		return true;
	return l->saved > now && l->expires != USEC_INFINITY && l->saved - now >= (l->expires - now) / 4 * 3;
}

/* What the client had for the same association ends. */
static void end_others(struct dhcp6 *d, usec_t now, const struct port *port, const struct dhcp6_message *m, const struct dhcp6_ia *ia,
		       struct mac mac, const struct ip_addr *addr)
{
	struct lease6 *l = dhcp6_binding_of(d, now, m, ia, mac);
	if (l && !ip_equal(&l->addr, addr))
		end(d, now, port, l, now, DHCP_LEASE_RELEASED);
}

const struct lease6 *dhcp6_binding_give(struct dhcp6 *d, usec_t now, struct port *port, const struct dhcp6_message *m,
					const struct dhcp6_ia *ia, struct mac mac, const struct ip_addr *addr)
{
	struct payer *payer = port ? port->payer : NULL;
	end_others(d, now, port, m, ia, mac, addr);
	struct lease6 *l = record(d, now, payer, m, ia, mac, addr);
	if (!l)
		return NULL;
	uint32_t lifetime = d->config.lease_time;
	bool renewed = lease6_is_active(l, now);
	char name[GUEST_NAME_SIZE];
	memcpy(name, l->name, sizeof(name));
	lease6_hold(&d->leases, l, payer, lifetime == UINT32_MAX ? USEC_INFINITY : usec_add(now, lifetime * USEC_PER_SEC));
	lease6_set_mac(&d->leases, l, mac);
	update_name(d, now, l, m->name, m->name_len);
	bool covered = renewed && is_covered(l, now) && strcmp(name, l->name) == 0;
	if (!covered)
		l->saved = l->expires;
	tell(d, now, port, l, renewed ? DHCP_LEASE_RENEWED : DHCP_LEASE_GIVEN);
	changed(d, now, l, !covered);
	return l;
}

/* --- the saved leases --- */

void dhcp6_for_each_lease(const struct dhcp6 *d, usec_t now, void (*each)(void *opaque, const struct lease6 *l), void *opaque)
{
	list_for_each(node, &d->leases.ages) {
		const struct lease6 *l = container_of(node, struct lease6, age);
		if (lease6_is_active(l, now))
			each(opaque, l);
	}
}

void dhcp6_for_each_unsaved(const struct dhcp6 *d, void (*each)(void *opaque, const struct lease6 *l), void *opaque)
{
	list_for_each(node, &d->unsaved)
		each(opaque, container_of(node, struct lease6, unsaved));
}

void dhcp6_saved(struct dhcp6 *d, usec_t now)
{
	list_for_each(node, &d->unsaved) {
		struct lease6 *l = container_of(node, struct lease6, unsaved);
		list_remove(&l->unsaved);
		if (!lease6_is_active(l, now))
			lease6_free(&d->leases, l);
	}
}

int dhcp6_restore(struct dhcp6 *d, usec_t now, const struct dhcp6_saved_lease *saved)
{
	struct lease6 *old = lease6_find_address(&d->leases, &saved->addr);
	if (saved->client.len < 3 || saved->client.len > DHCP6_DUID_MAX)
		return -EINVAL;
	if (old)
		lease6_free(&d->leases, old);
	if (!prefix6_contains(&d->config.ip6->prefix, &saved->addr) || gateway_ip6_has(d->config.ip6, &saved->addr))
		return -EADDRNOTAVAIL;
	if (saved->expires <= now)
		return 0;
	struct lease6 *l = lease6_new(&d->leases, &saved->addr, &saved->client, saved->iaid);
	if (!l)
		return -ENOMEM;
	lease6_hold(&d->leases, l, NULL, saved->expires);
	l->saved = saved->expires;
	update_name(d, now, l, saved->name, strlen(saved->name));
	return 0;
}
