/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host of our own: a user and network namespace in which any user may set addresses.  It has 10.77.0.2/24 with a default route
 * through a router (another namespace, 10.77.0.1) behind which nobody answers and 198.51.100.200 is prohibited, 203.0.113.5 as another
 * address of its own, no way to 192.0.2.64/26, and ping sockets are allowed.
 */
#pragma once

/*
 * Moves this process, which has one thread, there.  NULL, or why it cannot be: a reason to skip.  To be called
 * before anything else; the router lives as long as the process.
 */
const char *netns_enter(void);
