/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guest is called what.  What DNS asks is in dhcp.h: dhcp_find_name(), dhcp_find_address(). */
#pragma once

#include "base/usec.h"

#include <stddef.h>

struct dhcp;
struct lease;

/*
 * Names @l after its reservation, else as the client asks: @raw, @len bytes.  Of two guests with one name the first
 * keeps it while it has a lease: who comes later cannot take another's place in DNS.  Without a name in the message
 * (@len 0) it stays as it was.
 */
void dhcp_names_update(struct dhcp *d, usec_t now, struct lease *l, const void *raw, size_t len);
/* The reservations are new: takes their names from whoever else has them. */
void dhcp_names_reserved(struct dhcp *d);
