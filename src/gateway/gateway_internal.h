/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the files of the gateway, and private to them:
 *
 *     gateway.c          init and done, services and engine, deadlines
 *     gateway_segment.c  its port, and the hooks that the segment calls
 *     gateway_input.c    packets from guests, to services, neighbours and the engine
 *     gateway_input6.c   the same for IPv6
 *     gateway_sink.c     answers of services
 *     gateway_env.c      packets of the engine, and what the engine asks
 */
#pragma once

#include "gateway/gateway.h"
#include "gateway/icmp6_error.h"
#include "gateway/icmp_error.h"

struct packet;

extern const struct port_ops gateway_port_ops;
extern const struct sink_ops gateway_sink_ops;
extern const struct engine_env_ops gateway_env_ops;

/* Counts a drop on the port that @p came from, if known, else on the gateway's.  @p may be NULL. */
void gateway_drop(struct gateway *g, enum drop_reason why, const struct packet *p);
/* Answers @cause with @e; fills in e->src_mac, and e->from when it is 0.  Counts an error that may not be sent now. */
void gateway_send_icmp_error(struct gateway *g, usec_t now, const struct packet *cause, const struct icmp_error *e);
/* The same for IPv6; fills in e->src_mac and e->from. */
void gateway_send_icmp6_error(struct gateway *g, usec_t now, const struct packet *cause, const struct icmp6_error *e);
/* Whether @ip can be a guest's: in the subnet, and not the gateway's, the network's or the broadcast address. */
bool gateway_is_guest(const struct gateway *g, ip4_t ip);
/* The guest with @ip; NULL when it is not known, or was only HEARD of. */
struct guest *gateway_find_guest(struct gateway *g, const struct ip_addr *addr);

/* Parts of gateway_input() that both families share. */
/* Takes the fragment @p; true: it completed @ret_whole. */
bool gateway_reassemble(struct gateway *g, usec_t now, const struct packet *p, struct packet *ret_whole);
bool gateway_ask_services(struct gateway *g, usec_t now, const struct packet *p);
/* Sends @p, whose destination can be a guest's, to that guest. */
void gateway_route_to_neighbour(struct gateway *g, usec_t now, const struct packet *p);
/* An IPv6 packet to the gateway's MAC or a group. */
void gateway_receive_ipv6(struct gateway *g, usec_t now, struct packet *p);

/* A packet for the gateway: segment_gateway.input. */
void gateway_input(void *opaque, usec_t now, struct packet *p);
/* Initialises the port and, unless the gateway is to be absent, joins g->segment. */
void gateway_join_segment(struct gateway *g);
/* Undoes gateway_join_segment(). */
void gateway_leave_segment(struct gateway *g, usec_t now);
