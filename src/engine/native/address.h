/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of guests that have flows.  An address that leaves its guest takes its flows along, or ends them, without a look at the
 * guest's other flows: a guest may have thousands of both.
 */
#pragma once

#include "engine/native/state.h"

struct native_address {
	struct ip_addr addr;
	struct guest *guest;   /* that has it */
	struct list flows;     /* native_flow.of_address, never empty */
	struct list of_guest;  /* in guest->flows.addresses */
	struct hash_node node; /* in engine->addresses */
};

/* NULL: no flow has the address @addr. */
struct native_address *native_address_find(const struct engine *e, const struct ip_addr *addr);
/* Puts @f, a new flow with its key and guest, on the list of its address.  -ENOMEM. */
int native_address_join(struct engine *e, struct native_flow *f);
/* Takes @f off that list; the address is forgotten with its last flow. */
void native_address_leave(struct engine *e, struct native_flow *f);
/* @a is @to's now. */
void native_address_move(struct engine *e, struct native_address *a, struct guest *to);
/* Puts @guest on the list of AWAY guests, or takes it off. */
void native_address_guest_changed(struct engine *e, struct guest *guest);
