/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port whose frames are the messages of a connected socket, unix SOCK_DGRAM or SOCK_SEQPACKET: one message is one frame.
 * Embedded in the connection object of a link, which knows how the socket came about and when it ends.
 *
 * In: one recvmmsg() per readiness takes a batch into rooms that all ports of a link share; the frames are delivered where they lie,
 * and the segment is flushed before the rooms are used again.
 * Out: one sendmmsg() per flush.  What the socket does not take is copied into a bounded queue and goes out when it is writable again;
 * frames behind that are dropped and counted, so that a peer that does not drain costs only itself.
 */
#pragma once

#include "host/poller.h"
#include "lan/port.h"
#include "link/link.h"

struct datagram_gather;
struct datagram_rooms;

/* What the ports of one link share.  poller and segment are borrowed. */
struct datagram_io {
	struct poller *poller;
	struct segment *segment;
	struct datagram_rooms *rooms;
};

/* -ENOMEM. */
int datagram_io_init(struct datagram_io *io, struct poller *poller, struct segment *segment);
void datagram_io_done(struct datagram_io *io);

/* What becomes of a message that the socket refused. */
enum datagram_refusal {
	DATAGRAM_ENDED, /* as does the port */
	DATAGRAM_LOST,  /* the next one may pass; counted as DROP_PEER_UNREACHABLE */
	DATAGRAM_AGAIN, /* something was mended: it is tried once more */
};

struct datagram_port {
	struct port port;
	struct port_ops ops; /* port's: of its kind */
	struct datagram_io *io;
	struct watch watch;
	/* The socket is at its end; called once, from within anything, when nothing is watched any more.  @error 0: closed by its peer. */
	void (*ended)(struct datagram_port *p, usec_t now, int error);
	/* Optional: judges an error that says something about the peer.  Without it, each of them is the end. */
	enum datagram_refusal (*refused)(struct datagram_port *p, int error);
	bool tried_again; /* since the last message that was sent */
	bool is_over;
	bool counts_empty;           /* an empty message is the end of the connection: SOCK_SEQPACKET */
	struct datagram_gather *out; /* NULL until the first frame */
	uint8_t *queue;              /* what the socket did not take, each frame behind its length: [queue_at, queue_len) */
	size_t queue_at, queue_len;
};

/* @io is borrowed, @kind a string constant (port.h).  The caller sets port.name or leaves it: @kind. */
void datagram_port_init(struct datagram_port *p, struct datagram_io *io, const char *kind, size_t max_frame, size_t mtu,
			void (*ended)(struct datagram_port *p, usec_t now, int error));
/* Starts with @fd, connected and non-blocking, and attaches the port.  Owned from now on when 0 is returned. */
int datagram_port_start(struct datagram_port *p, int fd);
/* Detaches the port, closes the socket, frees the queue.  Not from within ended().  Harmless when it was not started. */
void datagram_port_done(struct datagram_port *p, usec_t now);
