/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private host: a user and network namespace in which any user may set addresses. It has 10.77.0.2/24 with a default route through
 * a router (another namespace, 10.77.0.1) behind which no host answers and 198.51.100.200 is prohibited; 203.0.113.5 as a second
 * address; no route to 192.0.2.64/26; and ping sockets are allowed.
 */
#pragma once

#include <stdbool.h>

/*
 * Moves this process, which must have one thread, there. Returns NULL, or the reason why it cannot, with which to skip. Call it
 * before anything else; the router lives as long as the process.
 */
const char *netns_enter(void);
/*
 * Gives the host and the router the same addresses and routes over IPv6: 2a00:1450:4001:5::/96 with the IPv4 address at its end.  False
 * when the kernel cannot.  After netns_enter(), once.
 */
bool netns_add_ipv6(void);
