/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way from the DNS service to name servers outside.  A contract: host/resolver.c implements it with sockets,
 * tests with a recorder.  A transaction is one query to one server and at most one answer; it is alive from a
 * send() that returned 0 until it was answered, failed or was cancelled.  The service alone knows about time:
 * nothing here times out.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns;
struct dns_server;
struct dns_upstream;

/* Names a transaction; never used twice. */
typedef uint64_t dns_token;

struct dns_upstream_query {
	dns_token token;
	const struct dns_server *server;
	bool tcp;             /* in a connection of its own, with the length in front (RFC 1035 §4.2.2) added by send() */
	const uint8_t *bytes; /* a whole DNS message */
	size_t len;
};

struct dns_upstream_ops {
	/*
	 * Sends @q, copying what must outlive the call.  Over UDP from a port of its own that nobody can guess, and only
	 * datagrams from @q's server are answers (RFC 5452 §4.5, §9.1).  Negative errno: it was not sent and
	 * the transaction never lived.  Reports nothing from within send().
	 */
	int (*send)(struct dns_upstream *u, usec_t now, const struct dns_upstream_query *q);
	/* Ends a transaction without an event.  Tokens that are not alive are ignored. */
	void (*cancel)(struct dns_upstream *u, dns_token token);
};

struct dns_upstream {
	const struct dns_upstream_ops *ops;
	struct dns *dns; /* who is told of the events below; set by dns_new() */
};

/*
 * A message came from the transaction's server.  @bytes is lent and may be written to.  True: it was the answer,
 * the transaction is over.  False: it was not; it lives on, over TCP too.  During the call the service
 * may send and cancel other transactions, never this one.
 */
bool dns_upstream_answered(struct dns_upstream *u, usec_t now, dns_token token, uint8_t *bytes, size_t len);
/* The transaction is over without an answer: refused, unreachable, closed.  @error is a negative errno. */
void dns_upstream_failed(struct dns_upstream *u, usec_t now, dns_token token, int error);
