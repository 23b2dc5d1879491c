/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of DNS queries out of the host: service/dns/upstream.h with sockets.  Every transaction has a socket of its own,
 * connected to its server: over UDP the kernel picks a random port and takes only that server's datagrams
 * (RFC 5452 §9.2), and a closed port is heard of at once.
 */
#pragma once

struct dns_upstream;
struct poller;
struct resolver;

/* @poller is borrowed.  -ENOMEM. */
int resolver_new(struct poller *poller, struct resolver **ret);
/* Every transaction must be over: free the struct dns first. */
void resolver_free(struct resolver *r);
struct dns_upstream *resolver_upstream(struct resolver *r);
