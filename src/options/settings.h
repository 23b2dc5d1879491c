/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the options of a network say, as values.  options/options.c fills them in one by one, in any order;
 * settings_check() then derives what was left out and refuses what contradicts itself.  Only checked
 * settings may be used to build a network, and of those the comments below hold.
 *
 * A struct settings owns its lists.
 */
#pragma once

#include "base/addr.h"
#include "base/log.h"
#include "gateway/engine.h"
#include "options/forward_spec.h"
#include "options/path_list.h"
#include "options/attachment.h"
#include "service/dns/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_LEASE_INFINITE UINT32_MAX /* RFC 2131 §3.3 */
#define SETTINGS_BUSY_POLL_MAX 1000u       /* microseconds; a sleeping guest that long ago was no conversation */
#define SETTINGS_MTU_AUTO 0u
#define SETTINGS_MTU_MIN 576u   /* every IPv4 host takes that (RFC 791 §3.1) */
#define SETTINGS_MTU_MAX 65520u /* largest multiple of 16 whose frame a stream socket carries */
/* "NAME.DOMAIN" fits into a DNS name of 253 characters with any NAME of one label. */
#define SETTINGS_LABEL_MAX 63u
#define SETTINGS_DOMAIN_MAX 189u

/* The gateway's own name, which no guest can have. */
#define SETTINGS_GATEWAY_NAME "gateway"

/* A guest that always gets the same address. */
struct settings_host {
	struct mac mac;
	ip4_t ip;
	char name[SETTINGS_LABEL_MAX + 1]; /* lower case; "": none */
};

/* A name that DNS answers for beside those of guests. */
struct settings_name {
	char name[SETTINGS_LABEL_MAX + 1]; /* lower case */
	ip4_t ip;
};

struct settings {
	struct prefix4 subnet; /* private, /8 to /30 */
	ip4_t gateway;         /* a host address of the subnet; 0 before the check: its first one */
	/* Addresses that DHCP gives out, both inclusive, without the gateway; 0 before the check: all on one side of it. */
	ip4_t dhcp_first, dhcp_last;
	uint32_t lease_time_s;                /* or SETTINGS_LEASE_INFINITE */
	unsigned mtu;                         /* SETTINGS_MTU_AUTO, or MIN to MAX */
	char domain[SETTINGS_DOMAIN_MAX + 1]; /* lower case, no dot at the end */
	struct dns_server_list dns;           /* servers to ask; none: follow the host */
	/* Distinct MACs, addresses and names; addresses are host addresses of the subnet, also outside the DHCP range. */
	struct settings_host *hosts; /* each list and its length stand together, see OPTION_PLACES() */
	size_t n_hosts;
	struct attachment_list attachments; /* distinct descriptors, paths and names */
	struct settings_name *names;        /* distinct, of each other and of hosts' names */
	size_t n_names;
	struct forward_spec *forwards; /* none asks for another's ports */
	size_t n_forwards;
	bool host_loopback;
	unsigned busy_poll_us; /* 0: none */
	bool isolate;
	bool multicast_snooping;
	bool no_dhcp, no_gateway; /* without a gateway there is no DHCP either */
	struct path_list vde;     /* URLs of VDE networks to join */
	unsigned storm_limit;     /* frames per second of each port, 0: any */
	const struct engine_ops *engine;
	enum engine_filtering udp_filtering;
	enum log_level log_level;
};

/* Frees the lists.  What fills a struct settings first is option_set_defaults(). */
void settings_done(struct settings *s);

/* Takes the host with @mac, or the name, out of its list.  -ENOENT. */
int settings_remove_host(struct settings *s, struct mac mac);
int settings_remove_name(struct settings *s, const char *name);

/* Appends the hosts and names of @more.  -ENOMEM, and @s is as before. */
int settings_append(struct settings *s, const struct settings *more);

/* -ENOMEM. */
int settings_copy(const struct settings *from, struct settings *ret);

/*
 * Fills in what follows from the rest.  -EINVAL when options contradict one another: @error then has
 * one line that names them, and @s is as before.
 */
int settings_check(struct settings *s, char *error, size_t size);
