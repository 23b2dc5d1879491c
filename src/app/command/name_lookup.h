/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a word on the command line names: look-ups in the API's lists. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct api;

/* Both set *@ret_found and return true, or return false and set @error when the API cannot be asked.  Case does not matter. */

/* Whether the list at @path, such as "/v1/ports", has an element with the name @name. */
bool name_is_listed(struct api *api, const char *path, const char *name, bool *ret_found, GError **error);
/* Whether @name is a guest's: by a lease, a reservation or the user, or of a guest that is attached. */
bool name_is_of_guest(struct api *api, const char *name, bool *ret_found, GError **error);
