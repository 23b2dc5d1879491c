/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port may be pinned to one MAC.  Its frames must then carry that MAC wherever a receiver believes it: in the Ethernet source, ARP's
 * sender (RFC 826), DHCP's chaddr (RFC 2131 §2) and the link-layer addresses of neighbour discovery (RFC 4861 §4.6.1), behind VLAN tags
 * too.
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>

struct arena;
struct frame;

/*
 * Whether a port pinned to @pinned may send @f.  ARP and IP that cannot be inspected (malformed, DHCP in fragments, no memory) is refused,
 * because a receiver may be more lenient.
 */
bool pinning_allows(const struct frame *f, struct mac pinned, struct arena *arena);
