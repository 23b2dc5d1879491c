/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A link is a way for guests to attach to the segment, such as stream sockets or vhost-user.  It turns sockets into ports (lan/port.h).  A
 * network has one instance of each link in the table of links.c, which serves all sockets of that kind.
 *
 * To add a link: write a file that defines a struct link_ops, and add it to the table.
 *
 * The network calls the members of link_ops, on the data thread; none of them may block.  An "optional" member may be NULL.
 *
 * Descriptors: when listen() or add() returns 0, the link owns @fd; after an error the caller still does.  A connection that ends detaches
 * its own port only.  It is freed through poller_defer(), never from within port_ops.
 *
 * Errors are negative errnos.  A call that takes @error may write a line there that says more; if it does not, the caller reports the
 * errno.
 */
#pragma once

#include "base/usec.h"
#include "wire/eth.h"
#include "wire/ipv4.h"

#include <stdbool.h>
#include <stddef.h>

struct log;
struct poller;
struct port_identity;
struct segment;

/* The largest frame that a link carries: an IP packet of the largest size behind an Ethernet header with one 802.1Q tag. */
#define LINK_FRAME_MAX ((size_t)IPV4_PACKET_MAX + ETH_HEADER_LEN + ETH_TAG_LEN)
/* The largest MTU of a port: the largest multiple of 16 that an IP packet can have. */
#define LINK_MTU_MAX 65520

/* The pointers are borrowed for the life of the link. */
struct link_config {
	struct poller *poller;
	struct segment *segment;
	struct log *log; /* may be NULL */
	size_t mtu;      /* largest IP packet that ports carry, unless the socket is known to carry less */
	bool busy_poll;  /* the network calls poll() and settle(), so that guests need not notify meanwhile */
};

enum link_socket_use {
	LINK_SOCKET_LISTENS = 1 << 0,   /* listen() takes it: many guests may connect */
	LINK_SOCKET_CONNECTED = 1 << 1, /* add() takes it: it is one guest */
	LINK_SOCKET_TARGET = 1 << 2,    /* connect() connects to one */
	LINK_SOCKET_INET = 1 << 3,      /* a TCP or UDP socket will do, too */
	LINK_SOCKET_DEFAULT = 1 << 4,   /* sockets of this type are for this link unless the user says otherwise */
};

/* A kind of socket that the user may pass to lanlet. */
struct link_socket {
	const char *word; /* of the option type=, as "stream"; NULL ends the list */
	int type;         /* SOCK_STREAM, … */
	unsigned uses;    /* enum link_socket_use */
};

/* The first member of each link's own struct. */
struct link {
	const struct link_ops *ops;
};

typedef void (*link_target_f)(void *opaque, const char *target, bool is_connected, const char *why_not);

struct link_ops {
	const char *name;
	size_t mtu; /* of its ports, unless the user sets one */
	struct link_socket sockets[3];
	int listen_type; /* type of the socket to make for listen(), SOCK_STREAM, …; 0: listen_at() makes its own */

	/* Makes an instance.  @config is copied.  -ENOMEM, or the errno of a system call; *@ret is then untouched. */
	int (*new)(const struct link_config *config, struct link **ret);
	/* Closes all sockets and detaches all ports.  Not from within another call. */
	void (*free)(struct link *l, usec_t now);

	/*
	 * Optional.  Serves guests on @fd, which listens or is a bound unix datagram socket, non-blocking and CLOEXEC.  The caller removes
	 * the socket's file.  Each guest there becomes a port with @identity, which may be NULL.  A VDE switch takes its properties only.
	 */
	int (*listen)(struct link *l, int fd, const struct port_identity *identity, char *error, size_t size);
	/*
	 * Optional.  Closes @fd, which listen() took, so that no more guests come there.  Connections stay; guests without a connection of
	 * their own (dgram) are detached.
	 */
	void (*unlisten)(struct link *l, usec_t now, int fd);
	/* Optional, for a link that needs more than one socket: makes, and finally removes, what it needs at @path. */
	int (*listen_at)(struct link *l, const char *path, char *error, size_t size);
	/*
	 * Optional.  Keeps connecting to @target, a path or a URL, from the next expire() on.  Each connection becomes a port with
	 * @identity, which may be NULL.  Returns 0 whether or not the target is there; -ENAMETOOLONG, -ENOMEM, -EOPNOTSUPP (not built in).
	 */
	int (*connect)(struct link *l, const char *target, const struct port_identity *identity);
	/* Optional.  Makes a port of @fd, a connected socket.  @identity may be NULL. */
	int (*add)(struct link *l, int fd, const struct port_identity *identity);
	/* Optional.  Calls @f for the targets of connect(); a link may leave out those that are connected. */
	void (*for_each_target)(const struct link *l, link_target_f f, void *opaque);

	/* When expire() is wanted; USEC_INFINITY for never. */
	usec_t (*deadline)(const struct link *l);
	/* Does what is due at @now.  May be called early or late; segment_flush() follows. */
	void (*expire)(struct link *l, usec_t now);

	/* --- with link_config.busy_poll; all three or none --- */

	/* Whether a guest has left work without a notification.  Called in a tight loop. */
	bool (*has_work)(const struct link *l);
	/* Has that work done in the loop's next round. */
	void (*poll)(struct link *l, usec_t now);
	/* Asks guests to notify again, because the caller is about to sleep. */
	void (*settle)(struct link *l);
};
