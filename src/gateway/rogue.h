/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rogue servers and routers: a guest may answer DHCP (`dhcp-server`) or advertise itself as router (`router`) only when its port is
 * declared to, or when the network has no gateway; DHCP also when lanlet does not serve it.
 */
#pragma once

#include "base/drop.h"
#include "base/usec.h"

#include <stdbool.h>

struct gateway;
struct packet;

/* Whether @p's port may send it.  If not, *@ret_why says why, and the hook foreign_dhcp is told of an answer of DHCP. */
bool rogue_passes(struct gateway *g, usec_t now, struct packet *p, enum drop_reason *ret_why);
