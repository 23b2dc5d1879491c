/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user allows the guest behind a port, as words of an attachment or a reservation: "guard=off", "dhcp-server", "router=on",
 * "bandwidth-in=10M".
 */
#pragma once

#include "options/rate_text.h"

struct port_properties;

/* Room for every property, with the NUL. */
#define PORT_PROPERTIES_TEXT_SIZE (sizeof(",guard=off,dhcp-server=on,router=on,bandwidth-in=,bandwidth-out=") + (size_t)2 * RATE_TEXT_SIZE)
/* The names of all properties, for errors. */
#define PORT_PROPERTIES_NAMES "guard, dhcp-server, router, bandwidth-in and bandwidth-out"

/*
 * Sets the property @name to @value, "on" or "off", or a limit of bandwidth; NULL, for dhcp-server and router only, is "on".  -ENOENT:
 * there is no such property; -EINVAL: it cannot have that value, and *@ret_why says so.
 */
int port_property_set(struct port_properties *p, const char *name, const char *value, const char **ret_why);

/* ",KEY=VALUE" for each property that is not at its default; returns @text. */
char *port_properties_format(const struct port_properties *p, char text[static PORT_PROPERTIES_TEXT_SIZE]);
