/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private host: a user and network namespace in which any user may set addresses. It has 10.77.0.2/24 with a default route through
 * a router (another namespace, 10.77.0.1) behind which no host answers and 198.51.100.200 is prohibited; 203.0.113.5 as a second
 * address; no route to 192.0.2.64/26; and ping sockets are allowed.
 */
#pragma once

/*
 * Moves this process, which must have one thread, there. Returns NULL, or the reason why it cannot, with which to skip. Call it
 * before anything else; the router lives as long as the process.
 */
const char *netns_enter(void);
