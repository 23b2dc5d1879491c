/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address of a name server, from `--dns` or resolv.conf.  The scope of a link-local IPv6 address is kept as text,
 * because the interface may appear later, or again with another index.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

#define DNS_SCOPE_SIZE 16 /* IFNAMSIZ */
#define DNS_SERVERS_MAX 8u
/* "[fe80::1%interface]:65535" */
#define DNS_SERVER_TEXT_SIZE (IP_TEXT_SIZE + DNS_SCOPE_SIZE + 9)

struct dns_server {
	struct ip_endpoint endpoint;
	char scope[DNS_SCOPE_SIZE]; /* interface name or index as text; "": no scope */
};

struct dns_server_list {
	struct dns_server server[DNS_SERVERS_MAX];
	unsigned count;
};

#define DNS_ROUTES_MAX 16u
#define DNS_ROUTE_DOMAIN_SIZE 254u

/* The servers for the names of a domain, and below. */
struct dns_route {
	char domain[DNS_ROUTE_DOMAIN_SIZE]; /* lower case */
	struct dns_server_list servers;     /* none: those for all names */
};

struct dns_route_list {
	struct dns_route route[DNS_ROUTES_MAX];
	unsigned count;
};

/* Where names are asked outside, and how. */
struct dns_outside {
	struct dns_server_list servers; /* for all names that no route is for, in order of preference */
	struct dns_route_list routes;   /* the longest domain counts */
	bool rotate;                    /* begin with the next server for each query */
	bool over_tcp;                  /* ask over TCP, however the guest has asked */
	bool no_aaaa;                   /* there are no AAAA records outside */
};

/*
 * Parses ADDRESS, ADDRESS#PORT, A.B.C.D:PORT or [V6ADDRESS]:PORT, where an IPv6 address may have a %SCOPE.
 * The port is 53 unless given.  -EINVAL.
 */
int dns_server_parse(const char *text, struct dns_server *ret);
/* Writes @server as dns_server_parse() reads it, without port 53. */
const char *dns_server_format(const struct dns_server *server, char buf[static DNS_SERVER_TEXT_SIZE]);
bool dns_server_equal(const struct dns_server *a, const struct dns_server *b);
bool dns_server_list_equal(const struct dns_server_list *a, const struct dns_server_list *b);
bool dns_route_list_equal(const struct dns_route_list *a, const struct dns_route_list *b);
/* Adds @server to the route of @domain, or a route without servers when that is NULL.  -EINVAL: invalid domain.  -ENOSPC. */
int dns_route_list_add(struct dns_route_list *list, const char *domain, const struct dns_server *server);
/* Appends @server unless it is there already.  -ENOSPC when the list is full. */
int dns_server_list_add(struct dns_server_list *list, const struct dns_server *server);
