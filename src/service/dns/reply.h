/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A local answer or an error as a value.  The owner of all its answer records is the name in the question.
 */
#pragma once

#include "wire/dns.h"

/* The addresses of a name (names.h), or the few records of an apex. */
#define DNS_REPLY_RECORDS_MAX 8u
/* Room for any reply: header, question, the records, SOA and OPT. */
#define DNS_REPLY_SIZE (DNS_REPLY_RECORDS_MAX * (2 * DNS_NAME_MAX + 64) + 4 * DNS_NAME_MAX + 256)
/* The UDP size that the server announces (RFC 6891 §6.2.5): fits the MTU of every path. */
#define DNS_UDP_SIZE 1232

struct dns_record {
	uint16_t type; /* selects the member; SOA has none, its data is the reply's soa */
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
	const struct dns_soa *soa; /* data of every SOA record of the reply; NULL: no SOA records */
	bool has_zone;             /* the SOA of @zone is in the authority section: a negative answer (RFC 2308 §2) */
	struct dns_name zone;
};

/* Adds an answer record.  At most DNS_REPLY_RECORDS_MAX. */
struct dns_record *dns_reply_add(struct dns_reply *reply, uint16_t type);
/* Writes the answer to @q, with EDNS if @q had it. */
void dns_reply_emit(struct bytes_writer *w, const struct dns_query *q, const struct dns_reply *reply);
/* Writes an error about a message of which only the header is valid. */
void dns_reply_emit_error(struct bytes_writer *w, const struct dns_header *query, enum dns_rcode rcode);
