/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instance of libslirp: the only file that includes its header is stack.c.
 *
 * Each guest has at most two stacks, made when first needed and freed when nothing is left in them.
 * STACK_OUTSIDE carries what goes to the world.  STACK_GATEWAY carries what has the gateway's address on the guest's side: services
 * of the host, services of lanlet, and flows from the host to the guest.  That way the translation of a
 * stack's packets depends on nothing but the stack.
 *
 * A stack's private network is in class E, where no guest may send (gateway/martian.h), so that nothing a guest dials means
 * one of libslirp's own addresses, which it would map to the host's loopback.
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

struct Slirp;
struct guest;

enum stack_role { STACK_OUTSIDE, STACK_GATEWAY, STACK_ROLES };

#define STACK_NETWORK ((struct prefix4){ IP4(240, 0, 0, 0), 29 })
/* Where it believes itself to be: source of its ICMP errors and of flows from the host. */
#define STACK_HOST IP4(240, 0, 0, 1)
/* What the services of lanlet are dialled at inside the stack. */
#define STACK_LOCAL IP4(240, 0, 0, 3)
/* Echo requests without an answer that a guest may have. */
#define ECHO_SOCKETS_MAX 64u

struct stack {
	struct Slirp *slirp;
	struct guest *guest;
	enum stack_role role;
	struct list sockets[SOCKET_KINDS];
	unsigned n_sockets[SOCKET_KINDS];
	size_t mtu; /* the instance's, as large as the guest's way was when it was made */
	struct peers peers;
	ip4_t dialled; /* GATEWAY: the host's address as of the last new flow; 0: none yet */

	struct list dirty; /* in the engine's list: libslirp's wishes may have changed */
	struct list ready; /* in the engine's list: a socket has something */
	struct list timed; /* in the engine's list: it has a deadline */
	usec_t deadline;   /* when its timers want to run */
	usec_t slow_run;   /* when the slow ones ran last */
	unsigned round;    /* counts the questions what libslirp wants to poll */

	const struct flow *opening;  /* what a socket that libslirp opens now is for */
	struct slirp_socket *opened; /* the one it opened */
	bool mss_due;                /* some socket's is */
	bool muted;                  /* its ICMP errors are not passed on */
	bool dropping;               /* the rest of a datagram in fragments, of which the first was dropped */
};

/* -ENOMEM. */
int stack_new(struct guest *guest, enum stack_role role, struct stack **ret);
/* Closes every socket.  With @reset TCP connections end with RST towards the host side. */
void stack_free(struct stack *s, bool reset);

/* To be called before anything else in a turn: brings libslirp's clock up to date and marks the stack for settling. */
void stack_wake(struct stack *s);
/*
 * Hands a frame of the guest's to libslirp, which sends and opens what it wants meanwhile.  @flow says what a new
 * socket would be for.  Returns the socket that was opened, or NULL.
 */
struct slirp_socket *stack_input(struct stack *s, const struct flow *flow, const uint8_t *frame, size_t len);
/* Passes the sockets' events to libslirp and runs its timers. */
void stack_run(struct stack *s);
/* Runs nothing but the timers. */
void stack_run_timers(struct stack *s);
/* Reports @x readable and nothing else, without passing on the ICMP errors that libslirp makes of it. */
void stack_retire(struct stack *s, struct slirp_socket *x);
/*
 * Asks libslirp what to wait for and arranges that.  True when it is idle: nothing to wait for, ever, and the stack
 * may be freed.
 */
bool stack_settle(struct stack *s, usec_t now);

/* The socket of @kind for the flow between the guest's port and @peer's; NULL. */
struct slirp_socket *stack_find(const struct stack *s, enum socket_kind kind, uint16_t guest_port, ip4_t peer, uint16_t port);

/* TCP to STACK_LOCAL's @port goes to the unix socket at @path.  Negative errno. */
int stack_add_local(struct stack *s, const char *path, uint16_t port);
/* Has libslirp listen at @path for connections to the guest's @port.  Negative errno. */
int stack_listen(struct stack *s, const char *path, uint16_t port);
/* Lets libslirp accept one connection there, connecting it to the guest; the socket or NULL. */
struct slirp_socket *stack_accept(struct stack *s, const struct flow *flow);
void stack_unlisten(struct stack *s, const char *path);
