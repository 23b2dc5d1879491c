/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MACs of guests. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* A MAC for @guest on @network: the same names give the same MAC. */
char *guest_mac_for(const char *network, const char *guest);
/* A random MAC, unlikely to be in use. */
char *guest_mac_random(void);
/* Whether @mac is a unicast MAC; usage errors name --mac. */
bool guest_mac_check(const char *mac, GError **error);
