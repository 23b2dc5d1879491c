/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has guests resolve names as the host does: follows its resolv.conf and /etc/hosts, and tells DNS and DHCP what they say.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "service/dns/server.h"

#include <stdbool.h>

struct dhcp;
struct dns;
struct file_follower;
struct log;
struct poller;
struct resolv_follower;

/* Zeroed before host_names_init(). */
struct host_names {
	struct poller *poller; /* borrowed, as the next three */
	struct log *log;
	struct dns *dns;
	struct dhcp *dhcp;
	struct ip_addr self; /* the address by which guests reach the host */
	struct hash_key key;
	struct dns_outside given;       /* by the user; without servers, the host's count */
	struct resolv_follower *resolv; /* NULL: the network is isolated */
	struct file_follower *hosts;
};

struct host_names_config {
	struct poller *poller;
	struct log *log; /* may be NULL */
	struct dns *dns;
	struct dhcp *dhcp;
	ip4_t gateway;
	struct hash_key key;
	bool isolated; /* no name is asked outside */
};

/* Negative errno; host_names_done() then frees what was made. */
int host_names_init(struct host_names *h, const struct host_names_config *config);
void host_names_done(struct host_names *h);
/* Forwards queries to @servers, or to those of the host if there are none, and those for the domains of @routes to theirs. */
void host_names_set_servers(struct host_names *h, const struct dns_server_list *servers, const struct dns_route_list *routes);
