/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptors that libslirp has open, as it reports them: the purpose of each, and its watch in the event loop. One table for
 * all instances, indexed by descriptor.  libslirp owns the descriptors; an entry lives from register_poll_fd to unregister_poll_fd,
 * that is, as long as its flow.
 */
#pragma once

#include "base/addr.h"
#include "base/list.h"
#include "base/usec.h"
#include "host/poller.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct payer;
struct stack;

enum socket_kind {
	SOCKET_TCP,
	SOCKET_UDP,
	SOCKET_ECHO,    /* one ping socket for each echo request */
	SOCKET_LOCAL,   /* a connection to a service of the gateway (local.h) */
	SOCKET_FORWARD, /* a connection from the host to the guest (forward.h) */
	SOCKET_KINDS
};

/* A flow, as far as it is known when libslirp opens its socket. */
struct slirp_flow {
	enum socket_kind kind;
	uint16_t guest_port; /* ECHO: the id */
	uint16_t port;       /* ECHO: the sequence number; UDP: of the first datagram only */
	ip4_t peer;          /* the address that libslirp connects to */
	uint8_t ttl;
	/* ECHO: fields that an ICMP error about it quotes */
	uint16_t checksum;
	size_t payload_len;
	/* TCP: fields of the guest's SYN, for inject_mss() in stack.c */
	uint32_t syn;
	uint16_t mss; /* 0: no need to tell libslirp */
};

struct slirp_socket {
	struct watch watch;
	struct list node; /* in its stack's list of the kind, oldest first */
	struct stack *stack;
	struct payer *payer; /* is charged for it; referenced.  NULL: the host opened the flow */
	struct slirp_flow flow;
	int fd;
	unsigned asked;   /* enum poll_event that libslirp asked for last */
	unsigned ready;   /* events since then */
	unsigned round;   /* the stack's round in which libslirp asked last */
	bool mss_due;     /* TCP: the SYN-ACK was sent */
	bool established; /* FORWARD: the guest has accepted */
	usec_t since;
	usec_t used; /* UDP: the last datagram, either way */
	uint64_t id;
};

struct socket_table {
	struct poller *poller;
	struct slirp_socket **by_fd;
	size_t size;
	unsigned count;
};

void socket_table_init(struct socket_table *t, struct poller *poller);
/* Every socket must have been removed. */
void socket_table_done(struct socket_table *t);
/* Adds @fd. -ENOMEM. */
int socket_table_add(struct socket_table *t, int fd, struct stack *stack, const struct slirp_flow *flow, struct slirp_socket **ret);
/* The entry of this descriptor, or NULL. */
struct slirp_socket *socket_table_find(const struct socket_table *t, int fd);
/* Stops watching @s and frees the entry. */
void socket_table_remove(struct socket_table *t, struct slirp_socket *s);

/* Watches @s for @events (0: not at all), ready() as in host/poller.h.  Negative errno. */
int slirp_socket_watch(struct socket_table *t, struct slirp_socket *s, unsigned events, void (*ready)(struct watch *, usec_t, unsigned));
/* Charges @s to @payer from now on; NULL: to no payer. */
void slirp_socket_charge(struct slirp_socket *s, struct payer *payer);
/* The events in @s->ready that libslirp can safely be told. */
unsigned slirp_socket_report(const struct slirp_socket *s);
/* Makes close() of the socket send RST, or FIN as usual again. */
void slirp_socket_set_reset(struct slirp_socket *s, bool reset);
/* Sets socket options that libslirp does not set. Called right after libslirp opened the socket. */
void slirp_socket_tune(struct slirp_socket *s);
