/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host names of guests.  For look-ups by name and address see dhcp.h. */
#pragma once

#include "base/usec.h"

#include <stddef.h>

struct dhcp;
struct lease;

/*
 * Sets the name of @l: the reserved one, else @raw, @len bytes that the client sent.  A guest keeps its name while it has a
 * lease; another guest that asks for the same name does not get it, so it cannot take over that guest's place in DNS.
 * Without a name in the message (@len 0) the name stays.
 */
void dhcp_names_update(struct dhcp *d, usec_t now, struct lease *l, const void *raw, size_t len);
/* The reservations were replaced: gives their names to the leases of their MACs, and takes them from other guests' leases. */
void dhcp_names_reserved(struct dhcp *d);
