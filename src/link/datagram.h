/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port on a connected socket that keeps message boundaries (SOCK_DGRAM, SOCK_SEQPACKET): one message is one frame.  Embedded in the
 * connection object of a link.
 *
 * In: one recvmmsg() per event reads a batch (appetite.h) into rooms that all ports of a link share.  Frames are not copied; the segment is
 * flushed before the rooms are used again. Out: one sendmmsg() per flush.  Frames that the socket does not take are copied into a bounded
 * queue until it is writable again; when the queue is full they are dropped and counted.  So a peer that does not read harms only itself.
 */
#pragma once

#include "host/poller.h"
#include "lan/port.h"
#include "link/appetite.h"
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

/* What to do about a message that the socket refused. */
enum datagram_refusal {
	DATAGRAM_ENDED, /* end the port */
	DATAGRAM_LOST,  /* drop it and count DROP_PEER_UNREACHABLE; the next one may pass */
	DATAGRAM_AGAIN, /* send it once more */
};

struct datagram_port {
	struct port port;
	struct port_ops ops; /* what port.ops points to */
	struct datagram_io *io;
	struct watch watch;
	struct share share;
	struct appetite appetite;
	/* The socket has ended and is no longer watched.  Called once, possibly from within port.ops.  @error 0: the peer closed it. */
	void (*ended)(struct datagram_port *p, usec_t now, int error);
	/* Optional: decides about an error that concerns the peer.  Without it, every such error ends the port. */
	enum datagram_refusal (*refused)(struct datagram_port *p, int error);
	bool tried_again; /* refused() has returned DATAGRAM_AGAIN since the last message that was sent */
	bool is_over;
	bool counts_empty;           /* an empty message ends the connection: SOCK_SEQPACKET */
	struct datagram_gather *out; /* NULL until the first frame */
	uint8_t *queue;              /* frames behind their lengths, in [queue_at, queue_len) */
	size_t queue_at, queue_len;
};

/* @io is borrowed, @kind is a string constant (port.h) and the port's name until the caller sets another. */
void datagram_port_init(struct datagram_port *p, struct datagram_io *io, const char *kind, size_t max_frame, size_t mtu,
			void (*ended)(struct datagram_port *p, usec_t now, int error));
/* Attaches the port, on the connected, non-blocking @fd, which it owns when 0 is returned. */
int datagram_port_start(struct datagram_port *p, int fd);
/* Detaches the port, closes the socket, frees the queue.  Not from within ended().  Harmless when the port was not started. */
void datagram_port_done(struct datagram_port *p, usec_t now);
