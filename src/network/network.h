/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network: everything that one segment consists of, wired together.  The only place that
 * knows all layers.  Built bottom up in network.c, torn down in reverse.
 */
#pragma once

#include "base/log.h"
#include "gateway/gateway.h"
#include "host/busy_poll.h"
#include "host/call_queue.h"
#include "host/host_address.h"
#include "host/loop.h"
#include "lan/segment.h"
#include "lanlet.h"
#include "link/links.h"
#include "network/captures.h"
#include "network/events.h"
#include "network/forward/dial.h"
#include "network/forward/forwards.h"
#include "network/name_services.h"
#include "network/runtime_entries.h"
#include "options/settings.h"
#include "service/arp.h"
#include "service/echo.h"

/* A socket in the file system that goes when the network goes. */
struct socket_path {
	struct list node;
	char path[];
};

struct lanlet_network {
	struct settings configured;   /* what was asked for */
	struct runtime_entries added; /* what was added while it ran */
	struct settings settings;     /* both together: what is in effect */
	struct log log;
	void (*log_out)(void *opaque, enum lanlet_log_level level, const char *line);
	void *log_opaque;
	struct loop loop;
	struct busy_poll busy_poll;
	struct segment segment;
	struct gateway gateway;
	struct arp_service arp;
	struct echo_service echo;
	struct name_services name_services;
	struct host_address host_address;
	struct engine *engine;
	struct forward_env forward_env;
	struct dials dials;
	struct forwards forwards;
	struct links links;
	struct list sockets;     /* paths to unlink at the end */
	struct call_queue calls; /* from other threads */
	struct watch calls_watch;
	usec_t started;
	struct events events;
	struct captures captures;
	unsigned observed_port;             /* ports up to this one have had their event */
	usec_t lease_check, leases_checked; /* when a lease may end next; when that was looked at last */
};

/*
 * Runs @c on the thread that dispatches @n, between two turns.  Any thread may post; it is for each call to be short: what
 * walks over something unbounded does a slice of it and posts itself again.
 */
void network_post(struct lanlet_network *n, struct call *c);
/* Forgets every call that has not run yet, and network_wake_on_event().  By the thread that dispatches @n, when no other thread posts. */
void network_forget_calls(struct lanlet_network *n);

/* Calls @wake once, on the thread that dispatches @n, when the next event happens.  There is one @wake at a time.  By that thread. */
void network_wake_on_event(struct lanlet_network *n, void (*wake)(void *opaque), void *opaque);

/*
 * Connects to @port of @guest, which is a name, also one in the network's domain, a MAC or an address; as dial_begin() does for a client
 * on the host.  -EINVAL: @guest is none of these.
 */
int network_dial(struct lanlet_network *n, usec_t now, struct dial *d, const char *guest, uint16_t port);
