/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What flows are charged for, and which of them end when something is short.
 *
 * Sockets, flows, host ports, half-open connections and held bytes are shared by share_allows() (base/allowance.h) among payers, which
 * are ports of the segment and the host.  One guest behind a port has a slightly smaller share than the port has, so it leaves something
 * for the others there.  The flows that the host opens, and those with a source address that is behind another port, are not charged to
 * the guest.
 *
 * When a share is used up, flows end in this order before a new one is refused:
 *
 *     1. flows of guests that are AWAY, the longest away first
 *     2. UDP and ICMP mappings that the guest has not used for a second, least recently used first: of a payer that has more sockets,
 *        then the payer's own
 *     3. for a SYN, the payer's own half-open connections that have not been answered for 300 ms, oldest first
 *
 * When all of these are younger the SYN is dropped, and the guest, which repeats it, is slowed down: an ICMP error would end its attempt.
 *
 * No flow in use ends, and no idle mapping of a payer that has fewer sockets.
 */
#pragma once

#include "engine/native/state.h"

/* Sets e->max from the configuration, RLIMIT_NOFILE and the host's range of ports. */
void native_limits_init(struct engine *e);
/*
 * Makes room for a flow of @kind at the expense of @payer, and of @guest when @guest_pays.  0, -EMFILE, or -EADDRNOTAVAIL when ports of
 * the host are short.
 */
int native_make_room(struct engine *e, usec_t now, enum native_kind kind, const struct guest *guest, bool guest_pays, struct payer *payer);
/* Makes room for another half-open connection of @guest, at @payer's expense.  False: their share is used, and none may end. */
bool native_make_room_for_syn(struct engine *e, usec_t now, const struct guest *guest, struct payer *payer);
/* Ends a flow of the kinds above, because the system has no descriptor left for @payer.  False when no flow may end. */
bool native_free_descriptor(struct engine *e, usec_t now, struct payer *payer);

/* Charges @f for what it starts, or stops, to use: members of @by but held. */
void native_bill(struct native_flow *f, const struct account *by);
void native_refund(struct native_flow *f, const struct account *by);
/* Charges to @payer what @f uses. */
void native_rebill(struct native_flow *f, struct payer *payer);
/* @f, of another guest so far, is @to's: charges to it what it uses. */
void native_bill_guest(struct native_flow *f, struct guest *to);

/* @f holds @now bytes instead of @before.  They are charged to the port of the guest that sent them, even if another opened the flow. */
void native_charge_held(struct native_flow *f, size_t before, size_t now);
/* Charges to @guest->payer what all flows of @guest hold, which was charged to @before. */
void native_move_held(struct guest *guest, struct payer *before);

enum native_held {
	NATIVE_HELD_LITTLE,
	NATIVE_HELD_TIGHT,    /* windows should be small */
	NATIVE_HELD_MUCH,     /* only flows continue whose socket takes all their bytes */
	NATIVE_HELD_TOO_MUCH, /* none continues */
};
/* How much is held for @payer, compared with what is left. */
enum native_held native_held_for(const struct engine *e, const struct payer *payer);
