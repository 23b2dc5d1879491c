/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transport from the DNS service to name servers outside.  A contract: host/resolver.c implements it with sockets, tests
 * with a recorder.  A transaction is one query to one server and at most one answer.  It is alive from a send() that
 * returned 0 until it is answered, fails or is cancelled.  Transactions have no timeout of their own; the service
 * cancels them.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns;
struct dns_server;
struct dns_upstream;
struct payer;

/* Identifies a transaction; never reused. */
typedef uint64_t dns_token;

struct dns_upstream_query {
	dns_token token;
	const struct dns_server *server;
	const struct payer *payer; /* whose query it is; valid until the transaction ends */
	bool tcp;                  /* in a connection of its own, with the length in front (RFC 1035 §4.2.2) added by send() */
	const uint8_t *bytes;      /* a whole DNS message */
	size_t len;
};

struct dns_upstream_ops {
	/*
	 * Sends @q, copying what must outlive the call.  Over UDP from an unpredictable port of its own, and only datagrams
	 * from @q's server count as answers (RFC 5452 §4.5, §9.1).  Negative errno: not sent, there is no transaction.
	 * Reports no event from within send().
	 */
	int (*send)(struct dns_upstream *u, usec_t now, const struct dns_upstream_query *q);
	/* Ends a transaction without an event.  Ignores tokens of ended transactions. */
	void (*cancel)(struct dns_upstream *u, dns_token token);
};

struct dns_upstream {
	const struct dns_upstream_ops *ops;
	struct dns *dns; /* receives the events below; set by dns_new() */
};

/*
 * A message from the transaction's server.  @bytes is borrowed and may be modified.  True: it is the answer, the transaction has
 * ended.  False: it is not; the transaction continues, also over TCP.  During the call the service may send and cancel other
 * transactions, not this one.
 */
bool dns_upstream_answered(struct dns_upstream *u, usec_t now, dns_token token, uint8_t *bytes, size_t len);
/* The transaction has ended without an answer: refused, unreachable, closed.  @error is a negative errno. */
void dns_upstream_failed(struct dns_upstream *u, usec_t now, dns_token token, int error);
