/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that the gateway answers itself, as libvirt's dnsmasq does:
 *
 *   NAME.DOMAIN            guests and the gateway; the domain has no other names and is never forwarded
 *   NAME                   A and AAAA of guests and of the gateway.  Other types, other names and all subdomains are asked outside: a
 *                          guest called "com" does not hide the top-level domain
 *   D.C.B.A.in-addr.arpa   every address of the segment, with any prefix length
 *   localhost              127.0.0.1 and ::1 (RFC 6761 §6.3)
 *
 * Makes answers, sends nothing.
 */
#pragma once

#include "base/usec.h"
#include "service/dns/reply.h"

struct dns_names;

struct dns_local {
	ip4_t gateway;
	struct prefix4 subnet;
	bool has_domain;
	struct dns_name domain;
	char gateway_label[DNS_LABEL_MAX + 1]; /* lower case */
	struct dns_name gateway_name;          /* in the domain */
	struct dns_soa soa;
	struct dns_names *names;
};

struct dns_local_config {
	ip4_t gateway;
	struct prefix4 subnet;
	const char *domain;       /* NULL or "": no domain */
	const char *gateway_name; /* a single label */
	struct dns_names *names;  /* borrowed */
};

/* -EINVAL when the domain or the gateway's name is invalid. */
int dns_local_init(struct dns_local *l, const struct dns_local_config *config);
/* True: *@ret is the answer to @q.  False: the query has to be forwarded. */
bool dns_local_answer(const struct dns_local *l, usec_t now, const struct dns_query *q, struct dns_reply *ret);
/* Whether a guest or the gateway has @name, a single label: it exists then, whatever name servers outside say. */
bool dns_local_has_plain(const struct dns_local *l, usec_t now, const struct dns_name *name);
