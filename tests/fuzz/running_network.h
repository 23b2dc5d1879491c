/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network of the target, which is never dispatched, as text that can be compared: a line for each setting and each entry, in alphabetical
 * order.  To be g_free()d.
 */
#pragma once

struct lanlet_network;
struct settings;

/* What of the configuration is in effect, as far as a reload can change it; with all forwards. */
char *running_network_configured(const struct lanlet_network *n);
/* The same of what @s asks for. */
char *running_network_asked_for(const struct settings *s);
/* The reservations and names that were added at run time. */
char *running_network_added(const struct lanlet_network *n);

void running_network_remove_added(struct lanlet_network *n);
