/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/names.h"

#include "base/macros.h"
#include "service/dhcp/dhcp.h"

#include <errno.h>
#include <strings.h>

/*
 * Names that a guest must not have: browsers ask "wpad" for their proxy, and IPv6 stacks ask "isatap" for a tunnel (CERT
 * VU#598349); "localhost" is never a guest (RFC 6761 §6.3).
 */
static const char *const refused[] = { "isatap", "localhost", "wpad" };

static bool is_refused(const struct dhcp *d, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (strcmp(name, refused[i]) == 0)
			return true;
	return strcmp(name, d->gateway_name) == 0;
}

bool dhcp_may_have_name(const struct dhcp *d, usec_t now, struct mac mac, const char *name)
{
	const struct lease *holder = lease_find_name(&d->leases, name);
	const struct reservation *r = reservation_of_name(&d->reservations, name);
	if (is_refused(d, name) || (r && !mac_equal(r->mac, mac)))
		return false;
	return !holder || mac_equal(holder->mac, mac) || !lease_is_active(holder, now);
}

static bool may_have_name(const struct dhcp *d, usec_t now, const struct lease *l, const char *name)
{
	struct dhcp_env *env = d->config.env;
	return dhcp_may_have_name(d, now, l->mac, name) && !(env->ops->name_is_taken && env->ops->name_is_taken(env, now, l->mac, name));
}

static void give_name(struct dhcp *d, struct lease *l, const char *name)
{
	struct lease *holder = lease_find_name(&d->leases, name);
	if (holder == l)
		return;
	if (holder)
		lease_set_name(&d->leases, holder, "");
	lease_set_name(&d->leases, l, name);
}

void dhcp_names_update(struct dhcp *d, usec_t now, struct lease *l, const void *raw, size_t len)
{
	const struct reservation *r = reservation_of_mac(&d->reservations, l->mac);
	char name[GUEST_NAME_SIZE];
	if (r && r->name[0])
		give_name(d, l, r->name);
	else if (len == 0)
		return;
	else if (guest_name_clean(raw, len, name) && may_have_name(d, now, l, name))
		give_name(d, l, name);
	else
		lease_set_name(&d->leases, l, "");
}

void dhcp_names_reserved(struct dhcp *d)
{
	for (size_t i = 0; i < d->reservations.n; i++) {
		const struct reservation *r = &d->reservations.all[i];
		struct lease *l = r->name[0] ? lease_find_name(&d->leases, r->name) : NULL;
		struct lease *own = r->name[0] ? lease_find_mac(&d->leases, r->mac) : NULL;
		if (own)
			give_name(d, own, r->name);
		else if (l)
			lease_set_name(&d->leases, l, "");
	}
}

int dhcp_holder_of_name(const struct dhcp *d, usec_t now, const char *name, struct mac *ret)
{
	char label[GUEST_NAME_SIZE];
	if (!guest_name_clean(name, strlen(name), label) || strcasecmp(name, label) != 0)
		return -ENOENT;
	const struct reservation *r = reservation_of_name(&d->reservations, label);
	const struct lease *l = r ? NULL : lease_find_name(&d->leases, label);
	if (!r && (!l || !lease_is_active(l, now)))
		return -ENOENT;
	*ret = r ? r->mac : l->mac;
	return 0;
}

int dhcp_find_mac(const struct dhcp *d, usec_t now, struct mac mac, ip4_t *ret)
{
	const struct reservation *r = reservation_of_mac(&d->reservations, mac);
	const struct lease *l = lease_find_mac(&d->leases, mac);
	if (l && lease_is_active(l, now))
		*ret = l->ip;
	else if (r && r->ip != 0)
		*ret = r->ip;
	else
		return -ENOENT;
	return 0;
}

const char *dhcp_name_of(const struct dhcp *d, usec_t now, struct mac mac)
{
	const struct reservation *r = reservation_of_mac(&d->reservations, mac);
	const struct lease *l = lease_find_mac(&d->leases, mac);
	if (r && r->name[0])
		return r->name;
	return l && lease_is_active(l, now) ? l->name : "";
}

int dhcp_find_address(const struct dhcp *d, usec_t now, ip4_t ip, char ret[static GUEST_NAME_SIZE])
{
	const struct lease *l = lease_find_ip(&d->leases, ip);
	const struct reservation *r;
	const char *name;
	if (l && lease_is_active(l, now)) {
		r = reservation_of_mac(&d->reservations, l->mac);
		name = r && r->name[0] ? r->name : l->name;
	} else {
		r = reservation_of_ip(&d->reservations, ip);
		name = r ? r->name : "";
	}
	if (!name[0])
		return -ENOENT;
	strcpy(ret, name);
	return 0;
}
