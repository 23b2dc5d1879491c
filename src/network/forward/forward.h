/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port forwarding: one forward (a published port) with its host sockets and counters.  Owned by the table (forwards.h).
 *
 * A client is handed to the NAT engine, which opens a flow to the guest and owns the client's descriptor from then on.  While the guest
 * has no address, no client is accepted: connections wait in the backlog, datagrams in the socket.
 */
#pragma once

#include "base/list.h"
#include "base/log.h"
#include "base/usec.h"
#include "link/listener.h"
#include "network/forward/proxy.h"
#include "options/forward_spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dials;
struct engine;
struct engine_env;
struct guest;
struct engine_ops;
struct gateway_ip6;
struct log;
struct poller;

#define FORWARD_ADDRESSES_MAX 2u /* one of each family */

/* What forwards need from their network; outlives them. */
struct forward_env {
	struct poller *poller;
	struct log *log;
	struct dials *dials;
	const char *domain; /* names may end with it */
	const struct engine_ops *engine_ops;
	struct engine *engine;
	const struct engine_env *engine_env;
	/* The guest sees the gateway in place of clients that it cannot answer, such as those with an address of the segment. */
	ip4_t gateway;
	struct prefix4 subnet;
	const struct gateway_ip6 *ip6;
	const bool *routes_ip6; /* whether the host has a default route of IPv6, and so have guests; with NAT64 they have in any case */
	/*
	 * Addresses of @guest, at most one of each family, and their number: IPv4 first, if the guest has it.  -ENOENT while it has none;
	 * -EHOSTUNREACH while another guest was heard there last.
	 */
	int (*find_guest)(void *opaque, usec_t now, const struct guest_ref *guest, struct ip_addr ret[static FORWARD_ADDRESSES_MAX]);
	/* The guest with @ip, whether it is known or was only HEARD of.  NULL: out of memory, or no guest can have it. */
	struct guest *(*expect_guest)(void *opaque, usec_t now, const struct ip_addr *ip);
	/* Whether a guest is known to use @ip. */
	bool (*guest_is_there)(void *opaque, const struct ip_addr *ip);
	void *opaque;
};

/* During a reload: what the new configuration does with the forward. */
enum forward_change {
	FORWARD_STAYS,
	FORWARD_ARRIVES,
	FORWARD_LEAVES,
};

struct forward {
	struct list node;
	unsigned id;
	bool kept; /* in the state directory; otherwise from the configuration */
	struct forward_spec spec;
	const struct forward_env *env;
	struct listener listener;   /* TCP and unix sockets */
	struct list datagram_ports; /* UDP */
	struct log_limit log_limit;
	struct proxy proxy;
	bool is_open;
	bool waiting; /* until the guest has an address */
	enum forward_change change;
	usec_t again;      /* when to try again, while not open */
	usec_t *earliest;  /* of the table: not later than the deadline of any forward */
	uint64_t opened;   /* clients that got a flow */
	uint64_t refused;  /* clients that got no flow */
	char failure[160]; /* why it is not open, or why the last client was refused; "": no failure */
};

/* Not open yet.  Whenever its deadline becomes earlier, it lowers *@earliest, which outlives it.  NULL when memory is short. */
struct forward *forward_new(const struct forward_env *env, const struct forward_spec *spec, usec_t *earliest);
/* Closes its sockets; its flows stay open.  NULL is fine. */
void forward_free(struct forward *f);

/* Opens it at once, by the next forward_expire(), if it waits until it can be opened. */
void forward_try_again(struct forward *f, usec_t now);
/* Opens the sockets.  Negative errno, and one line in failure that says what to do. */
int forward_open(struct forward *f, usec_t now);
/* Closes the sockets until the next forward_open().  Flows that came through them stay open. */
void forward_close(struct forward *f);
/* The guest may have got, lost or changed its address. */
void forward_guests_changed(struct forward *f, usec_t now);

/* When forward_expire() has to be called; USEC_INFINITY: never. */
usec_t forward_deadline(const struct forward *f);
/* Tries again to open sockets, and to accept clients. */
void forward_expire(struct forward *f, usec_t now);
