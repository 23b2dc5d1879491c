/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends DNS queries to name servers: service/dns/upstream.h implemented with sockets.  Every transaction has a socket of
 * its own, connected to its server.  Over UDP the kernel chooses a random port and accepts datagrams of that server
 * only (RFC 5452 §9.2), and a closed port is reported at once (ICMP).
 */
#pragma once

struct dns_upstream;
struct poller;
struct resolver;

/* @poller is borrowed.  -ENOMEM. */
int resolver_new(struct poller *poller, struct resolver **ret);
/* All transactions must have ended: free the struct dns first. */
void resolver_free(struct resolver *r);
struct dns_upstream *resolver_upstream(struct resolver *r);
