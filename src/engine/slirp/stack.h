/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instance of libslirp. Only stack.c includes libslirp's header.
 *
 * Each guest has at most two stacks, made when first needed and freed when nothing is left in them. STACK_OUTSIDE carries traffic to
 * the outside. STACK_GATEWAY carries traffic to and from the gateway's address: services of the host, services of lanlet, and flows
 * from the host to the guest. The translation of a packet thus depends on its stack only.
 *
 * A stack's private network is in class E, to which no guest may send (gateway/martian.h). So no guest can address libslirp's own
 * addresses, which libslirp would map to the host's loopback.
 */
#pragma once

#include "base/addr.h"
#include "base/list.h"
#include "base/usec.h"
#include "engine/slirp/peers.h"
#include "engine/slirp/socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct Slirp;
struct slirp_guest;

enum stack_role { STACK_OUTSIDE, STACK_GATEWAY, STACK_ROLES };

#define STACK_NETWORK ((struct prefix4){ IP4(240, 0, 0, 0), 29 })
/* libslirp's own address: source of its ICMP errors and of flows from the host. */
#define STACK_HOST IP4(240, 0, 0, 1)
/* The address of lanlet's services inside the stack. */
#define STACK_LOCAL IP4(240, 0, 0, 3)
/* Most unanswered echo requests of a guest. */
#define ECHO_SOCKETS_MAX 64u

struct stack {
	struct Slirp *slirp;
	struct slirp_guest *guest;
	enum stack_role role;
	struct list sockets[SOCKET_KINDS];
	unsigned n_sockets[SOCKET_KINDS];
	size_t mtu; /* the instance's MTU: that of the guest's port when the instance was made */
	struct peers peers;
	ip4_t dialled; /* GATEWAY: the host's address at the last new flow; 0: none yet */

	struct list dirty; /* in the engine's list: the events that libslirp wants may have changed */
	struct list ready; /* in the engine's list: a socket has events */
	struct list timed; /* in the engine's list: the stack has a deadline */
	usec_t deadline;   /* when its timers are due */
	usec_t slow_run;   /* when the slow timers ran last */
	unsigned round;    /* counts the calls of slirp_pollfds_fill() */

	const struct slirp_flow *opening; /* the flow for which libslirp is opening a socket now */
	struct slirp_socket *opened;      /* the socket that it opened */
	bool listening;                   /* libslirp is opening a listener, which 4.9 registers, unlike earlier versions */
	bool mss_due;                     /* mss_due of some socket is set */
	bool muted;                       /* drop libslirp's ICMP errors */
	bool dropping;                    /* drop the rest of a fragmented datagram whose first fragment was dropped */
};

/* -ENOMEM. */
int stack_new(struct slirp_guest *guest, enum stack_role role, struct stack **ret);
/* Closes all sockets; with @reset, TCP connections on the host side end with RST. */
void stack_free(struct stack *s, bool reset);

/* Call before anything else in a turn: updates libslirp's clock and marks the stack for settling. */
void stack_wake(struct stack *s);
/*
 * Gives libslirp a frame of the guest; libslirp may send frames and open a socket meanwhile. @flow describes what a new socket is
 * for. Returns the opened socket, or NULL.
 */
struct slirp_socket *stack_input(struct stack *s, const struct slirp_flow *flow, const uint8_t *frame, size_t len);
/* Ends the UDP and ICMP flows that were not used after @used; returns how many. */
unsigned stack_expire(struct stack *s, usec_t used);
/* Frees what stack_expire() has made. */
void stack_clock_free(struct engine *e);
/* Reports the sockets' events to libslirp and runs its timers. */
void stack_run(struct stack *s);
/* Runs only the timers. */
void stack_run_timers(struct stack *s);
/* Reports only @x as readable, and drops the ICMP errors that libslirp sends because of it. */
void stack_retire(struct stack *s, struct slirp_socket *x);
/*
 * Asks libslirp which events to wait for and sets the watches. True when the stack is idle for good: no socket, no timer; it may be
 * freed.
 */
bool stack_settle(struct stack *s, usec_t now);

/* The socket of @kind for the flow between the guest's port and @peer's, or NULL. */
struct slirp_socket *stack_find(const struct stack *s, enum socket_kind kind, uint16_t guest_port, ip4_t peer, uint16_t port);

/* Connects TCP to STACK_LOCAL's @port to the unix socket at @path. Negative errno. */
int stack_add_local(struct stack *s, const char *path, uint16_t port);
/* Makes libslirp listen at @path for connections to the guest's @port. Negative errno. */
int stack_listen(struct stack *s, const char *path, uint16_t port);
/* Makes libslirp accept one connection there and connect it to the guest; returns the socket or NULL. */
struct slirp_socket *stack_accept(struct stack *s, const struct slirp_flow *flow);
void stack_unlisten(struct stack *s, const char *path);
