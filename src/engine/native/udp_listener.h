/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A UDP port of the host that leads to guests (struct engine_datagram_port).  All its peers share one socket, so a peer costs no
 * descriptor, its datagrams keep their order, and no other program can bind to the port meanwhile.
 *
 *     a flow    the datagrams between a peer and one address of the host.  The guest sees the peer's address; a peer that asks at a second
 *               address of the host is seen with another port there, because the answer must leave from the address that was asked
 *     answers   leave from that address (IP_PKTINFO).  When the host has lost it, the flow continues at the address that the peer asks
 *               next, and until then the host's routes choose the source
 *     limits    listeners share struct engine.max_peers.  A listener over its share ends its own least recently used flow for a new one,
 *               of those that the guest has never answered first
 *     HEARD     while ARP asks for the guest, datagrams stay in the socket.  When it does not answer, what is there is dropped
 *
 * A listener whose owner has closed it takes no new peers, and lives until its last flow ends.
 */
#pragma once

#include "base/hash_table.h"
#include "engine/native/datagram.h"
#include "host/poller.h"

struct engine_datagram_port;
struct native_errqueue;

/* What a datagram came between. */
struct udp_path {
	struct ip_endpoint peer;
	struct ip_addr local; /* the host's address; all zeroes: not known, or the host has lost it */
	unsigned interface;   /* where a link-local @peer is (RFC 4007 §6); 0: it is not link-local */
};

/* The outside of a flow of a listener. */
struct udp_peer {
	struct native_datagram *flow;
	struct udp_listener *listener;
	struct udp_path path;
	bool answered;         /* the guest has sent to it */
	struct hash_node node; /* in listener->peers, by path.peer */
	struct list recent;    /* in listener->answered or unanswered */
};

struct udp_listener {
	struct list node; /* in engine->listeners */
	struct engine *engine;
	struct engine_datagram_port *owner; /* NULL: closed */
	struct ip_endpoint at;
	struct watch watch;
	struct native_socket_options options;
	struct udp_habits habits;
	struct hash_table peers;
	struct list answered, unanswered; /* udp_peer.recent, least recently used first */
	struct native_datagram *latest;   /* of the last datagram; NULL: it has ended */
	struct native_datagram *borrower; /* whose guest lends rooms during udp_read(); NULL: it has ended */
	struct native_datagram *waits;    /* for its guest's MAC, or for the guest's port, and with it the socket */
	unsigned stale;                   /* how many datagrams to drop at most, because the guest did not answer */
	bool suspended;
};

int native_datagrams_open(struct engine *e, struct engine_datagram_port *port, int fd, const struct ip_endpoint *at);
void native_datagrams_suspend(struct engine *e, struct engine_datagram_port *port, bool suspended);
void native_datagrams_close(struct engine *e, struct engine_datagram_port *port);
/* Frees the listeners, whose flows have all ended. */
void udp_listeners_done(struct engine *e);

/* The flow of a datagram that came by @path, opened if need be.  NULL: it is for no guest, and was counted. */
struct native_datagram *udp_listener_flow(struct udp_listener *l, usec_t now, const struct udp_path *path);
/* As native_udp_drain_errors(), for the flows of all peers. */
struct native_drained udp_listener_drain_errors(struct udp_listener *l, usec_t now);
/* Datagrams went one way or the other. */
void udp_peer_used(struct udp_peer *p);
/* The guest has sent to it. */
void udp_peer_answered(struct udp_peer *p);
/* Whether the host has lost the address that answers left from.  Then they leave from any other. */
bool udp_peer_lost_address(struct udp_peer *p);
/* The flow had work: its guest may have been found, or may take datagrams again.  True: the listener waits for its port. */
bool udp_peer_ran(struct udp_peer *p, usec_t now);
/* The flow ends. */
void udp_peer_free(struct udp_peer *p);
