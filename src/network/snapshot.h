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
#include "gateway/engine.h"
#include "gateway/neighbour.h"
#include "lan/port.h"
#include "lan/segment.h"
#include "network/capture.h"
#include "network/events.h"
#include "options/forward_spec.h"
#include "service/dns/dns.h"
#include "service/guest_name.h"

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
	bool switch_only; /* there is no gateway: what is said of it is what it would be */
	int log_level;    /* enum lanlet_log_level */
	unsigned n_ports;
	usec_t started;
	ip4_t foreign_dhcp_server; /* 0: none was heard in the last hour */
	struct mac foreign_dhcp_mac;
};

void snapshot_network(const struct lanlet_network *n, usec_t now, struct snapshot_network *ret);

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
	char why_blocked[160]; /* lan/loop_guard.h; "": it is not */
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	struct drop_counters drops;
};

unsigned snapshot_ports(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_port *ret, unsigned max);

struct snapshot_capture {
	unsigned id;
	enum capture_of of;
	char who[CAPTURE_TEXT_SIZE], filter[CAPTURE_TEXT_SIZE]; /* "": none */
	bool drops;
	uint32_t snaplen;
	uint64_t records, lost;
	usec_t started;
};

unsigned snapshot_captures(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_capture *ret, unsigned max);

struct snapshot_forward {
	unsigned id;
	const char *protocol; /* static */
	bool kept;            /* beyond this run; else it is the configuration's */
	char host[FORWARD_TEXT_SIZE], guest[FORWARD_TEXT_SIZE];
	bool is_open, waiting;
	uint64_t opened, refused;
	char failure[160]; /* "": none */
};

unsigned snapshot_forwards(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_forward *ret, unsigned max);

struct snapshot_fdb_entry {
	struct mac mac;
	char port[PORT_NAME_SIZE];
	usec_t seen;
};

unsigned snapshot_fdb(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_fdb_entry *ret, unsigned max);

/* Who uses which address, as the gateway knows. */
unsigned snapshot_neighbours(const struct lanlet_network *n, uint64_t *cursor, struct neighbour_view *ret, unsigned max);

struct snapshot_lease {
	struct mac mac;
	ip4_t ip;
	usec_t expires; /* USEC_INFINITY: never */
	bool reserved;
	char name[GUEST_NAME_SIZE];
	uint8_t client_id_len, client_id[255];
};

/* The active ones. */
unsigned snapshot_leases(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_lease *ret, unsigned max);

/* What a flow has to be like to be listed. */
struct snapshot_flow_filter {
	ip4_t guest;      /* 0: any */
	ip4_t remote;     /* 0: any */
	uint16_t port;    /* of either side; 0: any */
	uint8_t protocol; /* 0: any */
	char state[24];   /* "": any */
};

struct snapshot_flow {
	struct engine_flow flow;
	char guest_name[GUEST_NAME_SIZE]; /* "": none */
};

unsigned snapshot_flows(const struct lanlet_network *n, usec_t now, const struct snapshot_flow_filter *filter, uint64_t *cursor,
			struct snapshot_flow *ret, unsigned max);

struct snapshot_drops {
	struct drop_counters counters;
	struct drop_example examples[DROP_REASON_COUNT];
};

void snapshot_drops(const struct lanlet_network *n, struct snapshot_drops *ret);

struct snapshot_counters {
	struct engine_counters engine;
	struct dns_counters dns;
	struct drop_counters drops;
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes; /* of guests' ports that are plugged in */
	unsigned n_ports, n_leases, n_reservations, n_captures;
	uint64_t capture_records, capture_lost;
	uint64_t dials_opened, dials_failed;
	uint64_t last_event;
	usec_t started;
};

void snapshot_counters(const struct lanlet_network *n, usec_t now, struct snapshot_counters *ret);

enum snapshot_origin {
	SNAPSHOT_CONFIGURED, /* in the configuration */
	SNAPSHOT_ADDED,      /* while the network ran, and kept */
	SNAPSHOT_RESERVED,   /* names: of a reservation */
	SNAPSHOT_LEASED,     /* names: that a guest has given itself */
};

struct snapshot_reservation {
	struct mac mac;
	ip4_t ip;
	char name[GUEST_NAME_SIZE];
	enum snapshot_origin origin;
};

unsigned snapshot_reservations(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_reservation *ret, unsigned max);

struct snapshot_name {
	char name[GUEST_NAME_SIZE];
	ip4_t ip;
	enum snapshot_origin origin;
};

/* What DNS answers for, but for the gateway's own name. */
unsigned snapshot_names(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_name *ret, unsigned max);

struct snapshot_events {
	struct event events[32];
	unsigned n;
	uint64_t lost; /* events before the first of these that nobody can be told of any more */
};

/* The number of the newest event; 0: there was none yet. */
uint64_t snapshot_last_event(const struct lanlet_network *n);
/* What happened behind number *@after, which is moved on. */
void snapshot_events(const struct lanlet_network *n, uint64_t *after, struct snapshot_events *ret);

/* A socket of somebody else's that the network connects to, again and again; of VDE networks' URLs those that wait only. */
struct snapshot_connect {
	char path[256];
	bool connected;
	char why_not[128]; /* "": it is connected */
};

unsigned snapshot_connects(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_connect *ret, unsigned max);
