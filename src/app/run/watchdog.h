/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells the service manager's watchdog (sd_watchdog_enabled(3)) that the network's loop is running. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct lanlet_network;
struct watchdog;

/* True with *@ret NULL if there is no watchdog. */
bool watchdog_new(struct lanlet_network *net, struct watchdog **ret, GError **error);
/* Call before @net is freed. NULL is fine. */
void watchdog_free(struct watchdog *w);
