/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has a use for a packet that is sent to all.  ARP and neighbour solicitations go to the guest that has the address, DHCP requests to
 * servers: among thousands of guests, broadcasts of each to each are most of what the switch does.  A guest that does not answer may have
 * moved: the next request is for all.
 */
#pragma once

#include "base/usec.h"
#include "lan/segment.h"

struct packet;
struct port;

/* As segment_guard.audience, with the gateway as @opaque. */
enum segment_audience audience_of(void *opaque, usec_t now, struct packet *p, struct port **ret);
