/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A link: one way in which guests attach to the segment, such as stream sockets or vhost-user.  It turns sockets into ports
 * (lan/port.h).  A network has one instance of each link in the table of links.c; that instance serves all sockets of its kind.
 *
 * To add a link, write one file that defines a struct link_ops, and add it to the table.
 *
 * All calls come from the data thread, between new() and free().  None of them blocks.  A member that is "optional" may be NULL.
 *
 * Descriptors: listen() and add() own @fd once they have returned 0; after an error it is still the caller's.  A connection that ends
 * takes away its own port and nothing else, and is freed by poller_defer(), never from within a call of its port.
 *
 * Errors are negative errnos.  Where a call takes @error, a line written there says more than the errno does; a call that has no more
 * to say leaves @error alone, and the caller names the socket and the errno.
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

/* Borrowed for the life of the link. */
struct link_config {
	struct poller *poller;
	struct segment *segment;
	struct log *log; /* may be NULL */
	size_t mtu;      /* largest IP packet that ports carry, unless the socket is known to carry less */
	bool busy_poll;  /* the caller calls poll() and settle(), so guests need not notify meanwhile */
};

enum link_socket_use {
	LINK_SOCKET_LISTENS = 1 << 0,   /* listen() takes it: many guests may come by it */
	LINK_SOCKET_CONNECTED = 1 << 1, /* add() takes it: it is one guest */
	LINK_SOCKET_TARGET = 1 << 2,    /* connect() connects to one */
	LINK_SOCKET_INET = 1 << 3,      /* TCP or UDP will do as well as a unix socket */
	LINK_SOCKET_DEFAULT = 1 << 4,   /* a socket of this type is of this kind unless the user says otherwise */
};

/* A kind of socket that the user may hand over. */
struct link_socket {
	const char *word; /* of the option type=, as "stream"; NULL ends the list */
	int type;         /* SOCK_STREAM, … */
	unsigned uses;    /* enum link_socket_use */
};

/* What a link is: the first member of each link's own struct. */
struct link {
	const struct link_ops *ops;
};

typedef void (*link_target_f)(void *opaque, const char *target, bool is_connected, const char *why_not);

struct link_ops {
	const char *name;
	size_t mtu; /* of its ports while the user sets none */
	struct link_socket sockets[3];
	int listen_type; /* SOCK_STREAM, …: of a socket that is made for listen(); 0: listen_at() makes its own */

	/* Makes an instance.  @config is copied.  -ENOMEM, or the errno of a system call; *@ret is then untouched. */
	int (*new)(const struct link_config *config, struct link **ret);
	/* Closes everything and detaches all ports.  Not from within another call. */
	void (*free)(struct link *l, usec_t now);

	/*
	 * Optional.  Takes guests that come by @fd: a socket that listens, or a bound unix datagram socket.  @fd is non-blocking and closes
	 * on exec.  The socket's file is the caller's to remove.
	 */
	int (*listen)(struct link *l, int fd, char *error, size_t size);
	/* Optional, for a link that needs more than one socket at @path: makes and removes what it needs there. */
	int (*listen_at)(struct link *l, const char *path, char *error, size_t size);
	/*
	 * Optional.  Connects to @target, a path or a URL, from the next expire() on, and again whenever the connection has ended.  Each
	 * connection becomes a port with @identity, which may be NULL.  0 says nothing about whether the target is there.
	 * -ENAMETOOLONG, -ENOMEM, -EOPNOTSUPP (not built in).
	 */
	int (*connect)(struct link *l, const char *target, const struct port_identity *identity);
	/* Optional.  Makes @fd, a connected socket, a port.  @identity may be NULL. */
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
	/* Does that work. */
	void (*poll)(struct link *l, usec_t now);
	/* Asks guests to notify again, because the caller is about to sleep. */
	void (*settle)(struct link *l);
};
