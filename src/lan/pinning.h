/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port that is pinned to one MAC: what it sends must name that MAC and no other wherever a receiver would believe
 * it.  That is the Ethernet source, ARP's sender (RFC 826), DHCP's chaddr (RFC 2131 §2) and the link-layer addresses of
 * neighbour discovery (RFC 4861 §4.6.1); behind VLAN tags too.  A pure question, nothing is kept.
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>

struct arena;
struct frame;

/*
 * Whether the guest with @pinned may send @f.  ARP and IP that cannot be looked into (malformed, DHCP in fragments, no memory) is refused:
 * a receiver may be more lenient than we are.
 */
bool pinning_allows(const struct frame *f, struct mac pinned, struct arena *arena);
