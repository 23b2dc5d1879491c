/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The relay process of `lanlet exec`: carries frames between the tap device and the network's stream socket, and renews the leases of both
 * families. It ends with the command and then releases them. If the network ends first, it sends SIGHUP to the command.
 */
#pragma once

#include "base/addr.h"
#include "service/dhcp/client.h"
#include "service/dhcp6/client.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct exec_relay {
	int stream;  /* connected, non-blocking */
	int tap;     /* non-blocking */
	int command; /* pidfd of the process that becomes the command */
	struct mac mac;
	const char *name; /* host name for the DHCP server; NULL: none */
	uint32_t xid;     /* random */
};

/* What the relay has found. */
struct exec_leases {
	bool has_ip4; /* not on a network for guests without IPv4 */
	struct dhcp_client_lease ip4;
	struct dhcp6_client_state ip6; /* the relay configures it itself */
};

/*
 * Starts the relay and waits for the leases. The relay is in a session of its own and not a child of this process, so that the
 * command finds no child or member of its process group that it did not create.
 */
bool exec_relay_start(const struct exec_relay *relay, struct exec_leases *ret, GError **error);
