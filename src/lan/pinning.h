/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port may be pinned to one MAC.  Its frames must then carry that MAC wherever a receiver believes it: in the Ethernet source, ARP's
 * sender (RFC 826), DHCP's chaddr (RFC 2131 §2) and the link-layer addresses of neighbour discovery (RFC 4861 §4.6.1), behind VLAN tags
 * too.
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>

struct packet;

/*
 * Whether a port pinned to @pinned may send @p.  ARP, IP and ND that cannot be inspected (malformed, DHCP or ND in fragments, no memory)
 * are refused, because a receiver may be more lenient.
 */
bool pinning_allows(struct packet *p, struct mac pinned);
