/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An answer of our own, as a value: what dns_local.c decided, and what errors are made of.  All its answer
 * records belong to the name that was asked for.
 */
#pragma once

#include "wire/dns.h"

#define DNS_REPLY_RECORDS_MAX 4u
/* Room for any reply: header, question, the records, SOA and OPT. */
#define DNS_REPLY_SIZE (DNS_REPLY_RECORDS_MAX * 2 * DNS_NAME_MAX + 4 * DNS_NAME_MAX + 256)
/* What we say we take over UDP (RFC 6891 §6.2.5; the size that fits every path's MTU). */
#define DNS_UDP_SIZE 1232

struct dns_record {
	uint16_t type; /* says which member holds; SOA: none, the data is the reply's soa */
	union {
		ip4_t a;
		struct ip_addr aaaa;
		struct dns_name name; /* PTR, NS */
	};
};

struct dns_reply {
	uint16_t rcode; /* enum dns_rcode */
	bool authoritative;
	bool truncated;
	unsigned n_answers;
	struct dns_record answers[DNS_REPLY_RECORDS_MAX];
	const struct dns_soa *soa; /* data of every SOA record of the reply; NULL: it has none */
	bool has_zone;             /* the SOA of @zone is in the authority section: a negative answer (RFC 2308 §2) */
	struct dns_name zone;
};

/* Adds an answer record; the caller knows that there is room. */
struct dns_record *dns_reply_add(struct dns_reply *reply, uint16_t type);
/* Answers @q.  With EDNS when @q had it. */
void dns_reply_emit(struct bytes_writer *w, const struct dns_query *q, const struct dns_reply *reply);
/* Answers a message of which only the header is understood. */
void dns_reply_emit_error(struct bytes_writer *w, const struct dns_header *query, enum dns_rcode rcode);
