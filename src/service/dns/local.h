/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that the gateway answers itself, as libvirt's dnsmasq does:
 *
 *   NAME.DOMAIN            guests and the gateway; the domain has no other names and is never forwarded, unless it is shared with a
 *                          domain outside
 *   NAME                   A and AAAA of guests and of the gateway.  Other types, other names and all subdomains are asked outside: a
 *                          guest called "com" does not hide the top-level domain
 *   any name               records that the user has given, then those of the host's /etc/hosts
 *   D.C.B.A.in-addr.arpa   every address of the segment, with any prefix length; others, of both families, when they have a name here
 *   ….ip6.arpa             every address of the segment's IPv6 prefix
 *   localhost, ….localhost 127.0.0.1 and ::1 (RFC 6761 §6.3)
 *
 * Makes answers, sends nothing.
 */
#pragma once

#include "base/usec.h"
#include "gateway/ip6.h"
#include "service/dns/records.h"
#include "service/dns/reply.h"

struct dns_names;

struct dns_local {
	ip4_t gateway;
	struct prefix4 subnet;
	struct gateway_ip6 ip6;
	struct dns_name reverse6; /* the zone of the prefix's reverse names */
	bool has_domain;
	bool shares_domain;
	struct dns_name domain;
	char gateway_label[DNS_LABEL_MAX + 1]; /* lower case */
	struct dns_name gateway_name;          /* in the domain */
	struct dns_soa soa;
	struct dns_names *names;
	struct dns_records given; /* by the user */
	struct dns_records hosts; /* of /etc/hosts */
};

struct dns_local_config {
	ip4_t gateway;
	struct prefix4 subnet;
	const struct gateway_ip6 *ip6; /* NULL: the gateway has no IPv6 */
	const char *domain;            /* NULL or "": no domain */
	bool shares_domain;            /* names of the domain that are not known here are asked outside */
	const char *gateway_name;      /* a single label */
	struct dns_names *names;       /* borrowed */
};

/* -EINVAL when the domain or the gateway's name is invalid. */
int dns_local_init(struct dns_local *l, const struct dns_local_config *config);
void dns_local_done(struct dns_local *l);

enum dns_local_verdict {
	DNS_LOCAL_OUTSIDE,  /* the query has to be forwarded */
	DNS_LOCAL_ANSWERED, /* the reply is complete */
	DNS_LOCAL_ALIAS,    /* the reply has CNAME records, the last of which leads to a name outside: the last link */
};

/* The answer to @q, or what there is of it.  The reply borrows records of @l. */
enum dns_local_verdict dns_local_answer(const struct dns_local *l, usec_t now, const struct dns_query *q, struct dns_reply *ret);
/* Whether the name exists here: whatever name servers outside say, its negative answers are NODATA. */
bool dns_local_exists(const struct dns_local *l, usec_t now, const struct dns_name *name);

/* Replaces the records; takes them over. */
void dns_local_set_given(struct dns_local *l, struct dns_records *records);
void dns_local_set_hosts(struct dns_local *l, struct dns_records *records);
