/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network: everything that one segment consists of, wired together.  The only place that knows all layers.  Built bottom up in
 * network.c, torn down in reverse.  Private to src/network: the API asks by network.h, snapshot.h, change.h and capture.h.
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
#include "network/boot_services.h"
#include "network/captures.h"
#include "network/events.h"
#include "network/forward/dial.h"
#include "network/forward/forwards.h"
#include "network/guest_sockets.h"
#include "network/host_watch.h"
#include "network/name_services.h"
#include "network/network.h"
#include "network/runtime_entries.h"
#include "options/settings.h"
#include "service/arp.h"
#include "service/echo.h"
#include "service/nd.h"
#include "service/ra.h"

/* A socket in the file system that is removed with the network. */
struct socket_path {
	struct list node;
	char path[];
};

struct lanlet_network {
	struct settings configured;   /* by the configuration */
	struct runtime_entries added; /* added at run time */
	struct settings settings;     /* both together, which is in effect */
	struct log log;
	void (*log_out)(void *opaque, enum lanlet_log_level level, const char *line);
	void *log_opaque;
	struct loop loop;
	struct busy_poll busy_poll;
	struct segment segment;
	struct gateway gateway;
	struct hash_key ip6_key; /* with IPv6 only: what is derived from it stays the same across restarts */
	struct arp_service arp;
	struct echo_service echo;
	struct nd_service nd; /* with IPv6 only, as the next one */
	struct ra_service ra;
	bool advertises; /* guests may have heard router advertisements */
	struct name_services name_services;
	struct boot_services *boot_services; /* NULL: there are no files to boot */
	struct host_address host_address;
	struct host_watch host_watch;
	struct engine *engine;
	struct forward_env forward_env;
	struct dials dials;
	struct forwards forwards;
	struct links links;
	struct guest_sockets guest_sockets;
	struct list sockets;     /* paths to unlink at the end */
	struct call_queue calls; /* from other threads */
	struct watch calls_watch;
	usec_t started;
	struct events events;
	struct event told; /* the last conflict */
	struct captures captures;
	unsigned observed_port;                /* the last port that has had its event */
	bool has_told_drop[DROP_REASON_COUNT]; /* events have the first drop for the reason */
};
