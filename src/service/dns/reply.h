/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A local answer or an error as a value.  The owner of its answer records is the name in the question, or one that a CNAME of the answer
 * leads to.
 */
#pragma once

#include "service/dns/records.h"
#include "wire/dns.h"

/* The records of a name in each of two tables (records.h), the addresses of a guest (names.h), and a few more. */
#define DNS_REPLY_RECORDS_MAX (2 * DNS_RECORDS_PER_NAME + 16)
/* Links of a chain of CNAME records. */
#define DNS_REPLY_LINKS_MAX 8u
/* Room for any reply: header, question, the records, SOA and OPT. */
#define DNS_REPLY_SIZE (DNS_REPLY_RECORDS_MAX * (DNS_NAME_MAX + 16 + DNS_RECORD_DATA_MAX) + 6 * DNS_NAME_MAX + 256)
/* The UDP size that the server announces (RFC 6891 §6.2.5): fits the MTU of every path. */
#define DNS_UDP_SIZE 1232

struct dns_record {
	uint16_t type;                   /* selects the member; SOA has none, its data is the reply's soa */
	uint8_t link;                    /* the owner: 0: the name in the question; else links[link - 1] of the reply */
	const struct dns_stored *stored; /* the data, instead of a member; borrowed; NULL: not stored */
	union {
		ip4_t a;
		struct ip_addr aaaa;
		const struct dns_name *name; /* PTR, NS; borrowed, or &pointer of the reply */
	};
};

struct dns_reply {
	uint16_t rcode; /* enum dns_rcode */
	bool authoritative;
	bool truncated;
	unsigned n_answers;
	struct dns_record answers[DNS_REPLY_RECORDS_MAX];
	struct dns_name pointer;
	unsigned n_links;
	struct dns_name links[DNS_REPLY_LINKS_MAX];
	const struct dns_soa *soa; /* data of every SOA record of the reply; NULL: no SOA records */
	bool has_zone;             /* the SOA of @zone is in the authority section: a negative answer (RFC 2308 §2) */
	struct dns_name zone;
};

/* Empty.  Records, links and names are written before they count, so most of the 4 KiB are left as they are. */
void dns_reply_init(struct dns_reply *reply, const struct dns_soa *soa);
/* Adds an answer record, of the last link.  At most DNS_REPLY_RECORDS_MAX. */
struct dns_record *dns_reply_add(struct dns_reply *reply, uint16_t type);
/* Writes the answer to @q, with EDNS if @q had it. */
void dns_reply_emit(struct bytes_writer *w, const struct dns_query *q, const struct dns_reply *reply);
/* Changes the numbers of answers and additional records in the header of the message that @w has. */
void dns_reply_set_counts(struct bytes_writer *w, unsigned answers, unsigned additionals);
/* Writes an error about a message of which only the header is valid. */
void dns_reply_emit_error(struct bytes_writer *w, const struct dns_header *query, enum dns_rcode rcode);
