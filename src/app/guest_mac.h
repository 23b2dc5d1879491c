/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MACs of guests. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* A MAC for the guest called @guest on the network called @network: the same names give the same MAC. */
char *guest_mac_for(const char *network, const char *guest);
/* A MAC that most likely nobody has. */
char *guest_mac_random(void);
/* Whether @mac can be a guest's; usage errors name --mac. */
bool guest_mac_check(const char *mac, GError **error);
