/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/address.h"

#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t hash_address(const struct engine *e, const struct ip_addr *addr)
{
	return hash_bytes(&e->config.hash_key, addr->b, sizeof(addr->b));
}

static struct native_address *address_of(struct hash_node *n)
{
	return container_of(n, struct native_address, node);
}

struct native_address *native_address_find(const struct engine *e, const struct ip_addr *addr)
{
	struct hash_node *n = hash_table_find(&e->addresses, hash_address(e, addr));
	while (n && !ip_equal(&address_of(n)->addr, addr))
		n = hash_node_next(n);
	return n ? address_of(n) : NULL;
}

void native_address_guest_changed(struct engine *e, struct guest *guest)
{
	bool waits = guest->state == GUEST_AWAY && !list_empty(&guest->flows.addresses);
	if (!waits)
		list_remove(&guest->flows.away);
	else if (list_empty(&guest->flows.away))
		list_append(&e->away, &guest->flows.away);
}

static struct native_address *address_new(struct engine *e, const struct ip_addr *addr, struct guest *guest)
{
	struct native_address *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	if (hash_table_add(&e->addresses, &a->node, hash_address(e, addr)) < 0) {
		free(a);
		return NULL;
	}
	a->addr = *addr;
	a->guest = guest;
	list_init(&a->flows);
	list_append(&guest->flows.addresses, &a->of_guest);
	native_address_guest_changed(e, guest);
	return a;
}

int native_address_join(struct engine *e, struct native_flow *f)
{
	const struct ip_addr *addr = &f->flow.key.guest.addr;
	f->address = native_address_find(e, addr);
	if (!f->address)
		f->address = address_new(e, addr, f->guest);
	if (!f->address)
		return -ENOMEM;
	list_append(&f->address->flows, &f->of_address);
	return 0;
}

void native_address_leave(struct engine *e, struct native_flow *f)
{
	struct native_address *a = f->address;
	list_remove(&f->of_address);
	if (!list_empty(&a->flows))
		return;
	hash_table_remove(&e->addresses, &a->node);
	list_remove(&a->of_guest);
	native_address_guest_changed(e, a->guest);
	free(a);
}

void native_address_move(struct engine *e, struct native_address *a, struct guest *to)
{
	struct guest *from = a->guest;
	a->guest = to;
	list_remove(&a->of_guest);
	list_append(&to->flows.addresses, &a->of_guest);
	native_address_guest_changed(e, from);
	native_address_guest_changed(e, to);
}
