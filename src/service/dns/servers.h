/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which name server to ask: the first of the list, as libc does, because the order may mean something (a VPN's server in
 * front).  One that was found silent or refusing is passed over for a while, so that not every query waits for it.
 */
#pragma once

#include "base/usec.h"
#include "service/dns/server.h"

/* How long a server that does not answer is only asked when no other is left. */
#define DNS_SERVER_PENALTY (10 * USEC_PER_SEC)

struct dns_server_health {
	usec_t bad_until;
	usec_t answered; /* last */
};

struct dns_servers {
	struct dns_server_list list;
	struct dns_server_health health[DNS_SERVERS_MAX];
	unsigned epoch; /* another list: indexes mean something else */
};

/* False when that is the list already: health is kept. */
bool dns_servers_set(struct dns_servers *s, const struct dns_server_list *list);
/* The server to ask next, but none of those in the bit mask @excluded.  -ENOENT when none is left. */
int dns_servers_pick(const struct dns_servers *s, usec_t now, unsigned excluded);

void dns_servers_answered(struct dns_servers *s, usec_t now, unsigned index);
/* A query sent at @since has had no answer yet; a server that answered others since is only slow.  True: that is news. */
bool dns_servers_silent(struct dns_servers *s, usec_t now, unsigned index, usec_t since);
/* It could not be reached. */
void dns_servers_failed(struct dns_servers *s, usec_t now, unsigned index);
