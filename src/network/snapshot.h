/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a running network as plain values, for another thread to show.  Nothing in a snapshot points into the network.
 *
 * Lists are copied in slices, so that no walk makes guests' frames wait.  A walk begins with cursor 0 and ends when *@cursor is
 * SNAPSHOT_END.  Each slice takes a bounded time, however much the network holds, and may be empty before the end.  The network
 * continues between slices: entries that stay are seen once; entries that are added or removed meanwhile may be seen or missed.
 *
 * All functions are called on the thread that dispatches the network (network_post()).
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/usec.h"
#include "gateway/engine.h"
#include "gateway/guest.h"
#include "gateway/ip6.h"
#include "lan/port.h"
#include "lan/segment.h"
#include "network/capture.h"
#include "network/events.h"
#include "options/record.h"
#include "options/forward_spec.h"
#include "options/settings.h"
#include "options/rate_text.h"
#include "service/dns/dns.h"
#include "service/guest_name.h"
#include "wire/dhcp6.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lanlet_network;

#define SNAPSHOT_END UINT64_MAX

/* Limits as the options have them; "": none. */
struct snapshot_bandwidth {
	char in[RATE_TEXT_SIZE], out[RATE_TEXT_SIZE];
};

struct snapshot_network {
	struct prefix4 subnet;
	ip4_t gateway, dhcp_first, dhcp_last;
	struct gateway_ip6 ip6;
	struct dhcp6_duid dhcp6_duid; /* of the server; len 0: there is no DHCPv6 */
	struct mac gateway_mac;
	const char *engine;                                                      /* static */
	struct dhcp_range dhcp_ranges[DHCP_RANGES_MAX];                          /* from first to last */
	unsigned n_dhcp_ranges;                                                  /* 0: all between them */
	char tftp_root[SETTINGS_PATH_MAX + 1], http_root[SETTINGS_PATH_MAX + 1]; /* "": none */
	uint32_t lease_time_s;
	unsigned mtu; /* 0: depends on the port */
	char domain[254];
	bool host_loopback, keep_tcp_ports, metadata, link_local;
	bool dhcp;                           /* there is a DHCP server */
	bool ipv6_only;                      /* for guests without IPv4 */
	bool switch_only;                    /* there is no gateway; its addresses here are not in use */
	bool guard;                          /* of ports that leave it open */
	struct snapshot_bandwidth bandwidth; /* of all guests together */
	int log_level;                       /* enum lanlet_log_level */
	unsigned n_ports;
	usec_t started;
	ip4_t foreign_dhcp_server; /* 0: none was seen in the last hour */
	struct mac foreign_dhcp_mac;
};

void snapshot_network(const struct lanlet_network *n, usec_t now, struct snapshot_network *ret);

/* What the user adds to DHCP's answers. */
struct snapshot_dhcp {
	struct dhcp_option_rule options[DHCP_RULES_MAX];
	struct dhcp_tag_rule tags[DHCP_RULES_MAX];
	struct dhcp_boot_rule boots[DHCP_RULES_MAX];
	size_t n_options, n_tags, n_boots;
};

void snapshot_dhcp(const struct lanlet_network *n, struct snapshot_dhcp *ret);

/* Two ports use one MAC or address (gateway/guard.h). */
struct snapshot_conflict {
	usec_t when; /* 0: the port has no conflict */
	struct mac mac;
	struct ip_addr addr;        /* "::": the MAC is the one of both */
	char other[PORT_NAME_SIZE]; /* "": it is gone */
};

/* Names of a port's guests that are shown.  Behind a bridge or an uplink there may be more. */
#define SNAPSHOT_PORT_GUESTS_MAX 8u

struct snapshot_port {
	unsigned id;
	const char *kind; /* static */
	char name[PORT_NAME_SIZE];
	size_t mtu, max_frame;
	unsigned offloads; /* enum port_offload */
	bool congested;
	struct snapshot_bandwidth bandwidth; /* its own */
	bool blocked;                        /* because a loop goes through it */
	bool isolated, uplink, guarded, may_serve_dhcp, may_route;
	struct mac pinned; /* zero: it is not pinned */
	struct snapshot_conflict conflict;
	unsigned n_macs;
	unsigned n_guests;                                      /* of the names below */
	char guests[SNAPSHOT_PORT_GUESTS_MAX][GUEST_NAME_SIZE]; /* names of guests behind it, the one heard last first */
	char why_blocked[160];                                  /* lan/loop_guard.h; "": it is not blocked */
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
	bool kept;            /* in the state directory; otherwise it is from the configuration */
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

/* Which MAC uses which address: the guests that the gateway knows. */
unsigned snapshot_neighbours(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct guest_view *ret, unsigned max);

struct snapshot_lease {
	struct mac mac; /* zero: not known (DHCPv6 behind a relay) */
	struct ip_addr addr;
	uint32_t iaid;             /* of an IPv6 address */
	usec_t expires;            /* USEC_INFINITY: never */
	bool reserved;             /* the address, for the MAC */
	bool named;                /* by the reservation of its MAC */
	char port[PORT_NAME_SIZE]; /* behind which the guest is; "": it is not attached */
	char name[GUEST_NAME_SIZE];
	uint8_t client_id_len, client_id[255]; /* of an IPv6 address: the client's DUID */
};

/* Active leases only: those of IPv4, then those of IPv6. */
unsigned snapshot_leases(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_lease *ret, unsigned max);

/* Which flows to list. */
struct snapshot_flow_filter {
	struct ip_addr guest;             /* "::": any */
	char guest_name[GUEST_NAME_SIZE]; /* "": any */
	struct ip_addr remote;            /* "::": any */
	uint16_t port;                    /* of either side; 0: any */
	uint8_t protocol;                 /* 0: any */
	char state[24];                   /* "": any */
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
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes; /* of all ports but the gateway's */
	unsigned n_ports, n_leases, n_reservations, n_captures;
	uint64_t capture_records, capture_lost;
	uint64_t dials_opened, dials_failed;
	uint64_t last_event;
	usec_t started;
};

void snapshot_counters(const struct lanlet_network *n, usec_t now, struct snapshot_counters *ret);

enum snapshot_origin {
	SNAPSHOT_CONFIGURED, /* from the configuration */
	SNAPSHOT_ADDED,      /* added at run time */
	SNAPSHOT_RESERVED,   /* a name: from a reservation */
	SNAPSHOT_LEASED,     /* a name: chosen by the guest that has the lease */
};

/* Larger than a directory can be in which a socket fits. */
#define SNAPSHOT_PATH_SIZE 128

struct snapshot_reservation {
	struct mac mac;                         /* zero: nobody has claimed one of a client */
	char client[SETTINGS_CLIENT_TEXT_SIZE]; /* as --dhcp-host has it; "": it is for the MAC */
	ip4_t ip;                               /* 0: any of the DHCP range */
	struct port_properties properties;
	struct snapshot_bandwidth bandwidth;
	char name[GUEST_NAME_SIZE];
	char tag[DHCP_TAG_SIZE];          /* "": none */
	uint32_t lease_time_s;            /* UINT32_MAX: infinite; 0: that of the network */
	char sockets[SNAPSHOT_PATH_SIZE]; /* the directory of its own sockets (guest_sockets.h); "": none */
	enum snapshot_origin origin;
};

unsigned snapshot_reservations(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_reservation *ret, unsigned max);

struct snapshot_name {
	char name[SETTINGS_RECORD_NAME_SIZE];
	const char *type; /* of the record, static: "A" … */
	char data[SETTINGS_RECORD_DATA_SIZE];
	bool is_address;
	enum snapshot_origin origin;
};

/* The names that DNS answers for, without the gateway's. */
unsigned snapshot_names(const struct lanlet_network *n, usec_t now, uint64_t *cursor, struct snapshot_name *ret, unsigned max);

struct snapshot_events {
	struct event events[32];
	unsigned n;
	uint64_t after; /* the number that they come after; further gaps in the numbers are events that are not kept any more */
};

/* The number of the newest event; 0: there was none yet. */
uint64_t snapshot_last_event(const struct lanlet_network *n);
/* The events after number *@after; *@after becomes the number of the last one returned. */
void snapshot_events(const struct lanlet_network *n, uint64_t *after, struct snapshot_events *ret);

/* A socket that the network connects to whenever it is not connected.  URLs of VDE networks are listed only while they are not. */
struct snapshot_connect {
	char path[256];
	bool connected;
	char why_not[128]; /* "": connected */
};

unsigned snapshot_connects(const struct lanlet_network *n, uint64_t *cursor, struct snapshot_connect *ret, unsigned max);
