/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells a service manager that watches us (sd_watchdog_enabled(3)) that the network's loop still turns. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct lanlet_network;
struct watchdog;

/* Nothing, and true, when nobody watches; then *@ret is NULL. */
bool watchdog_new(struct lanlet_network *net, struct watchdog **ret, GError **error);
/* Before @net is freed.  NULL is fine. */
void watchdog_free(struct watchdog *w);
