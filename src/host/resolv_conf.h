/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the text of a resolv.conf(5).  resolv_follower.h reads the file. */
#pragma once

#include "service/dns/server.h"

#include <stdbool.h>
#include <stddef.h>

/* Of more domains and longer ones, older versions of libc take six and 256 characters; option 119 of DHCP has room for about as much. */
#define RESOLV_SEARCH_MAX 12u
#define RESOLV_DOMAIN_SIZE 256u

struct resolv_conf {
	struct dns_server_list servers; /* never empty */
	unsigned n_search;
	char search[RESOLV_SEARCH_MAX][RESOLV_DOMAIN_SIZE]; /* lower case, without the dot at the end */
	bool rotate;                                        /* options: ask the servers in turn */
	bool use_vc;                                        /* ask over TCP */
	bool no_aaaa;                                       /* have no AAAA records */
};

/*
 * As libc: takes lines of "nameserver" and an address of either family, with an optional scope; of "search" and "domain" the last one; of
 * "options" the three above.  Other lines, options and invalid values are skipped.  Duplicates count once.  Without a server, it is
 * 127.0.0.1.
 */
void resolv_conf_parse(const char *text, size_t len, struct resolv_conf *ret);
bool resolv_conf_equal(const struct resolv_conf *a, const struct resolv_conf *b);
