/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for the two sides of a flow in the API's JSON. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

/* "ADDRESS:PORT", or "[ADDRESS]:PORT" of IPv6, of the member @side, or the address alone when there is no port.  A string to g_free(). */
char *endpoint_of(JsonObject *flow, const char *side);
/* The guest by its name if it has one, and its port.  A string to g_free(). */
char *endpoint_of_guest(JsonObject *flow);
