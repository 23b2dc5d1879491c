/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a word is the name of a guest: one that leases, reservations or the user give, or of a guest that is there. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct api;

/* False: an error. */
bool known_guest_find(struct api *api, const char *name, bool *ret_found, GError **error);
