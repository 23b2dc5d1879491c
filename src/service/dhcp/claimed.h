/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations without a MAC: of clients that are known by their client id or by the name that they send.  Each belongs to the MAC that
 * claimed it last; then it is as any other.  Another MAC can claim it when that one has no lease on it, or is not attached any more:
 * a client id and a name are what a guest says of itself.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stddef.h>
#include <stdint.h>

struct dhcp;
struct dhcp_message;
struct reservation_table;

/* What a client says of itself. */
struct dhcp_claim {
	struct mac mac;
	const uint8_t *client_id;
	size_t client_id_len;
	const void *name; /* any bytes */
	size_t name_len;
};

/* The client of @m gets the reservation that it may claim. */
void dhcp_claimed_by_message(struct dhcp *d, usec_t now, const struct dhcp_message *m);
/* The same of a lease from before a restart. */
void dhcp_claimed(struct dhcp *d, usec_t now, const struct dhcp_claim *claim);
/*
 * Before @new takes the place of the reservations: gives those of it that have no MAC to the clients that have leases.  -ENOMEM.  The work
 * is that of leases times reservations without a MAC.
 */
int dhcp_claimed_again(const struct dhcp *d, struct reservation_table *new);
