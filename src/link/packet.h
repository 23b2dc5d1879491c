/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that keep the boundaries of packets and have one peer as ports: connections of a unix SOCK_SEQPACKET listener,
 * one end of a socket pair, UDP between two addresses.  One packet is one bare Ethernet frame.
 *
 * One struct packet_link serves all of a segment.  A unix socket whose peer goes takes its port away; behind a UDP
 * socket the peer may come and go.
 */
#pragma once

#include "base/usec.h"

#include <stddef.h>

struct log;
struct packet_link;
struct poller;
struct port_identity;
struct segment;

struct packet_link_config {
	struct poller *poller;
	struct segment *segment;
	struct log *log;
	size_t mtu; /* of the ports of unix sockets: what the whole path to a guest is known to carry */
};

/* -ENOMEM. */
int packet_link_new(const struct packet_link_config *config, struct packet_link **ret);
/* Closes all connections and listeners.  NULL is fine. */
void packet_link_free(struct packet_link *l, usec_t now);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t packet_link_deadline(const struct packet_link *l);
void packet_link_expire(struct packet_link *l, usec_t now);

/* Accepts on @fd, a listening SOCK_SEQPACKET; owned from now on when 0 is returned. */
int packet_link_listen(struct packet_link *l, int fd);
/*
 * @fd, a connected SOCK_SEQPACKET or SOCK_DGRAM, unix or UDP, becomes a port; owned from now on when 0 is returned.
 * @identity may be NULL.
 */
int packet_link_add(struct packet_link *l, int fd, const struct port_identity *identity);
