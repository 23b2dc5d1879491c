/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a running network looks like, as plain values: for whoever shows it, in another thread mostly.  Nothing in a
 * snapshot points into the network.
 *
 * What there is one of is copied whole; what there are many of is copied in slices, so that no walk makes guests'
 * frames wait.  Such a walk begins at cursor 0 and ends when *@cursor is SNAPSHOT_END; each slice costs a bounded time
 * whatever the network holds, and may be empty before the end.  Between slices the network lives on: what stays is
 * seen once, what comes or goes meanwhile may be seen or not.
 *
 * All of this is called by the thread that dispatches the network (network_post()).
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/usec.h"
#include "lan/port.h"
#include "lib/forward/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lanlet_network;

#define SNAPSHOT_END UINT64_MAX

struct snapshot_network {
	struct prefix4 subnet;
	ip4_t gateway, dhcp_first, dhcp_last;
	struct mac gateway_mac;
	const char *engine; /* static */
	uint32_t lease_time_s;
	unsigned mtu; /* 0: chosen for each port */
	char domain[254];
	bool host_loopback;
	int log_level; /* enum lanlet_log_level */
	unsigned n_ports;
	usec_t started;
};

void snapshot_network(const struct lanlet_network *n, struct snapshot_network *ret);

struct snapshot_port {
	unsigned id;
	const char *kind; /* static */
	char name[PORT_NAME_SIZE];
	size_t mtu, max_frame;
	unsigned offloads; /* enum port_offload */
	bool congested;
	bool blocked; /* a loop goes through it */
	bool isolated, uplink;
	struct mac pinned; /* zero: to none */
	unsigned n_macs;
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	struct drop_counters drops;
};

unsigned snapshot_ports(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_port *ret, unsigned max);

struct snapshot_forward {
	unsigned id;
	bool udp;
	bool kept; /* beyond this run; else it is the configuration's */
	char host[FORWARD_TEXT_SIZE], guest[FORWARD_TEXT_SIZE];
	bool is_open, waiting;
	uint64_t opened, refused;
	char failure[160]; /* "": none */
};

unsigned snapshot_forwards(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_forward *ret, unsigned max);
