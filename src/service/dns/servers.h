/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which name server to ask: the first of the list, as libc does, because the order can matter (a VPN's server comes
 * first).  A server that did not answer or refused is skipped for a while, so that not every query waits for it.
 */
#pragma once

#include "base/usec.h"
#include "service/dns/server.h"

/* How long a server that did not answer is only asked when no other is left. */
#define DNS_SERVER_PENALTY (10 * USEC_PER_SEC)

struct dns_server_health {
	usec_t bad_until;
	usec_t answered; /* last */
};

struct dns_servers {
	struct dns_server_list list;
	struct dns_server_health health[DNS_SERVERS_MAX];
	unsigned epoch; /* number of the list: indexes are valid for one epoch */
};

/* False when @list is the current list; then health is kept.  @epoch: a number that no list has had yet. */
bool dns_servers_set(struct dns_servers *s, const struct dns_server_list *list, unsigned epoch);
/*
 * The index of the server to ask next, except those in the bit mask @excluded: the first in order from @first on, around the end.  -ENOENT
 * when none is left.
 */
int dns_servers_pick(const struct dns_servers *s, usec_t now, unsigned excluded, unsigned first);

/* The server answered a query. */
void dns_servers_answered(struct dns_servers *s, usec_t now, unsigned index);
/* A query of @since has no answer yet.  A server that has answered others since then is only slow.  True when the server turns bad. */
bool dns_servers_silent(struct dns_servers *s, usec_t now, unsigned index, usec_t since);
/* The server could not be reached. */
void dns_servers_failed(struct dns_servers *s, usec_t now, unsigned index);
