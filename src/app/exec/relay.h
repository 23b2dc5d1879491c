/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper process of `lanlet exec`: carries frames between the tap device and the network's stream socket, and holds the
 * lease.  It ends with the command, and gives the lease back then; when it has to end first, because the network went, the command
 * gets SIGHUP: its line hung up.
 */
#pragma once

#include "base/addr.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct dhcp_client_lease;

struct exec_relay {
	int stream;  /* connected, does not block */
	int tap;     /* likewise */
	int command; /* pidfd of the process that becomes the command */
	struct mac mac;
	const char *name; /* to tell the DHCP server; NULL: none */
	uint32_t xid;     /* random */
};

/*
 * Starts it as nobody's child and in a session of its own, so that the command finds neither a child nor a member of its process group that
 * it did not make; waits for the lease.
 */
bool exec_relay_start(const struct exec_relay *relay, struct dhcp_client_lease *ret, GError **error);
