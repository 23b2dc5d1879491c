/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declares a guest by its name, so that the network calls it that and makes sockets of its own for it. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct arguments;

struct declaration {
	char *mac;       /* to g_free() */
	bool declared;   /* the network knows the guest by this MAC and name, or will when it runs */
	bool is_running; /* the network is */
};

/*
 * Finds the guest called @guest among those that are declared, or declares it with @mac, which may be NULL: made from the names of the
 * guest and the network.  A network that is not running reads the declaration from the state directory when it starts.  A declaration that
 * is not possible, because @guest is not a DNS label or something else has the name, is a warning only.  FAILURE_USAGE: the guest is
 * declared with another MAC than @mac.
 */
bool declare_guest(const struct arguments *a, const char *guest, const char *mac, struct declaration *ret, GError **error);
