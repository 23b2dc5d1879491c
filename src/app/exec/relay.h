/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The relay process of `lanlet exec`: carries frames between the tap device and the network's stream socket, and renews the lease.
 * It ends with the command and then releases the lease. If the network ends first, it sends SIGHUP to the command.
 */
#pragma once

#include "base/addr.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct dhcp_client_lease;

struct exec_relay {
	int stream;  /* connected, non-blocking */
	int tap;     /* non-blocking */
	int command; /* pidfd of the process that becomes the command */
	struct mac mac;
	const char *name; /* host name for the DHCP server; NULL: none */
	uint32_t xid;     /* random */
};

/*
 * Starts the relay and waits for the lease. The relay is in a session of its own and not a child of this process, so that the
 * command finds no child or member of its process group that it did not create.
 */
bool exec_relay_start(const struct exec_relay *relay, struct dhcp_client_lease *ret, GError **error);
