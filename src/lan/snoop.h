/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IGMP and MLD snooping (RFC 4541): send multicast only to ports that joined the group.  When in doubt a frame is flooded:
 *
 *   - always: 224.0.0.0/24 and IPv6 groups of link scope (neighbour discovery, mDNS, routing protocols), tagged frames, and frames that are
 *     not IP;
 *   - every group while no querier is known, and until hosts have had time to answer its first query;
 *   - to a port that has been silent, has just sent its first frame, or has joined more groups than are kept.
 *
 * A segment with a gateway is the querier, unless an uplink brings queries from a lower address (the election of RFC 3376 §6.6.2).  A guest
 * that sends queries makes its port a router port, which gets every group, but does not silence the gateway.  Reports go to router ports
 * and uplinks only, because a host that hears the report of another would not send its own (RFC 4541 §2.1.1).
 *
 * Part of struct segment.  Ports keep their groups in struct snoop_port.
 */
#pragma once

#include "base/addr.h"
#include "base/list.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet;
struct port;

#define SNOOP_GROUPS_MAX 64u                                               /* of one port */
#define SNOOP_QUERY_INTERVAL (125 * USEC_PER_SEC)                          /* RFC 3376 §8.2 */
#define SNOOP_RESPONSE_TIME (10 * USEC_PER_SEC)                            /* §8.3 */
#define SNOOP_MEMBER_TIME (2 * SNOOP_QUERY_INTERVAL + SNOOP_RESPONSE_TIME) /* §8.4 */
#define SNOOP_LEAVE_TIME (2 * USEC_PER_SEC)                                /* §8.10 */

struct snoop_group {
	struct ip_addr group;
	usec_t until;
};

struct snoop_port {
	struct snoop_group *groups; /* room for SNOOP_GROUPS_MAX, or NULL */
	unsigned n;
	usec_t everything_until; /* it gets every group, because its own are not known */
	usec_t router_until;     /* it gets every group, because a router behind it sent a query */
};

/* What is known about queriers of one address family. */
struct snoop_querier {
	usec_t known_from;  /* when all hosts have had time to answer; USEC_INFINITY: no querier */
	usec_t known_until; /* when the querier counts as gone */
	usec_t other_until; /* how long a querier with a lower address takes precedence */
};

struct snoop_ops {
	/* Sends @len bytes, copied, out of @p. */
	void (*send)(void *opaque, usec_t now, struct port *p, const void *bytes, size_t len);
};

struct snoop {
	bool enabled;
	const struct list *ports; /* borrowed */
	const struct snoop_ops *ops;
	void *opaque;
	ip4_t ip; /* the gateway's; 0: send no queries */
	struct mac mac;
	struct ip_addr ip6; /* of link scope */
	struct snoop_querier v4, v6;
	usec_t next_query; /* USEC_INFINITY: no port to ask */
	unsigned startup_left;
};

enum snoop_verdict {
	SNOOP_FLOOD,
	SNOOP_MEMBERS, /* to ports for which snoop_wants() is true */
	SNOOP_ROUTERS, /* a report: as above, with group NULL */
};

void snoop_init(struct snoop *s, bool enabled, const struct list *ports, const struct snoop_ops *ops, void *opaque);
/* The segment has a gateway, which becomes the querier. */
void snoop_set_querier(struct snoop *s, struct mac mac, ip4_t ip);

void snoop_attached(struct snoop *s, struct port *p);
void snoop_detached(struct snoop *s, struct port *p);
/* The first frame came in on @p: ask which groups it has joined. */
void snoop_spoken(struct snoop *s, usec_t now, struct port *p);

/* @p, to a group address, came in on @from.  Learns from it and returns which ports it is for; @ret_group with SNOOP_MEMBERS. */
enum snoop_verdict snoop_input(struct snoop *s, usec_t now, struct port *from, struct packet *p, struct ip_addr *ret_group);
/* Whether @p gets a frame for @group; NULL: a report. */
bool snoop_wants(usec_t now, const struct port *p, const struct ip_addr *group);

usec_t snoop_deadline(const struct snoop *s);
void snoop_expire(struct snoop *s, usec_t now);
