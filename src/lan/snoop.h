/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IGMP and MLD snooping (RFC 4541): multicast goes to those who joined the group.  When in doubt a frame goes to everybody:
 *
 *   - 224.0.0.0/24 and IPv6's groups of link scope (neighbour discovery, mDNS, routing protocols), tagged frames and what is not IP,
 * always;
 *   - every group, while no querier is known, and until everybody has had the time to answer its first query;
 *   - to a port that has been silent so far, has just begun to speak, or has joined more groups than are kept.
 *
 * A segment with a gateway asks by itself when no uplink brings queries of a lower address (the election of RFC 3376 §6.6.2). What a
 * guest asks makes its port a router's, which gets every group, and stops nobody.  Reports go to routers and uplinks only, so that no host
 * keeps silent because another has joined (RFC 4541 §2.1.1).
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

struct arena;
struct frame;
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
	usec_t everything_until; /* it gets every group: we cannot know better */
	usec_t router_until;     /* likewise: a router asked behind it */
};

/* Of one family: what is known of those who ask. */
struct snoop_querier {
	usec_t known_from;  /* from when on all may be taken to have answered; USEC_INFINITY: nobody asks */
	usec_t known_until; /* when the one who asked is given up */
	usec_t other_until; /* how long one with a lower address goes before us */
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
	ip4_t ip; /* our own; 0: we do not ask */
	struct mac mac;
	struct ip_addr ip6; /* of link scope */
	struct snoop_querier v4, v6;
	usec_t next_query; /* USEC_INFINITY: nobody is there to be asked */
	unsigned startup_left;
};

enum snoop_verdict {
	SNOOP_FLOOD,
	SNOOP_MEMBERS, /* to those for whom snoop_wants() */
	SNOOP_ROUTERS, /* a report: likewise, with no group */
};

void snoop_init(struct snoop *s, bool enabled, const struct list *ports, const struct snoop_ops *ops, void *opaque);
/* The segment has a gateway, in whose name to ask. */
void snoop_set_querier(struct snoop *s, struct mac mac, ip4_t ip);

void snoop_attached(struct snoop *s, struct port *p);
void snoop_detached(struct snoop *s, struct port *p);
/* The first frame came in by @p: it is asked what it has joined. */
void snoop_spoken(struct snoop *s, usec_t now, struct port *p);

/* A frame to a group address came in by @from: learns from it, says whom it is for, and for SNOOP_MEMBERS which group that is. */
enum snoop_verdict snoop_input(struct snoop *s, usec_t now, struct port *from, const struct frame *f, struct arena *arena,
			       struct ip_addr *ret_group);
/* Whether @p is to have a frame for @group; NULL: a report. */
bool snoop_wants(usec_t now, const struct port *p, const struct ip_addr *group);

usec_t snoop_deadline(const struct snoop *s);
void snoop_expire(struct snoop *s, usec_t now);
