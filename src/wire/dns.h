/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DNS messages (RFC 1035) with EDNS (RFC 6891), as far as a forwarder with some local names needs
 * them: queries, headers of answers, and the records of local answers.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"
#include "wire/dns_name.h"

#define DNS_PORT 53
#define DNS_HEADER_LEN 12
#define DNS_UDP_MIN 512 /* size that every requester accepts over UDP (RFC 1035 §2.3.4) */
#define DNS_MESSAGE_MAX 65535

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33, /* RFC 2782 */
	DNS_TYPE_OPT = 41,
	DNS_TYPE_SVCB = 64,  /* RFC 9460 */
	DNS_TYPE_HTTPS = 65, /* likewise */
	DNS_TYPE_IXFR = 251,
	DNS_TYPE_AXFR = 252,
	DNS_TYPE_ANY = 255,
};

enum dns_class {
	DNS_CLASS_IN = 1,
	DNS_CLASS_CH = 3,
	DNS_CLASS_ANY = 255,
};

enum dns_opcode {
	DNS_OPCODE_QUERY = 0,
};

/* Values above 15 need EDNS (RFC 6891 §6.1.3). */
enum dns_rcode {
	DNS_RCODE_NOERROR = 0,
	DNS_RCODE_FORMERR = 1,
	DNS_RCODE_SERVFAIL = 2,
	DNS_RCODE_NXDOMAIN = 3,
	DNS_RCODE_NOTIMP = 4,
	DNS_RCODE_REFUSED = 5,
	DNS_RCODE_BADVERS = 16,
};

struct dns_header {
	uint16_t id;
	bool response;      /* QR */
	uint8_t opcode;     /* enum dns_opcode */
	bool authoritative; /* AA */
	bool truncated;     /* TC */
	bool recursion_desired, recursion_available;
	bool authentic, checking_disabled; /* RFC 4035 §3.2 */
	uint8_t rcode;                     /* the low four bits */
	uint16_t n_questions, n_answers, n_authorities, n_additionals;
};

struct dns_question {
	struct dns_name name;
	uint16_t type, class;
};

/* The OPT pseudo-record, without its options. */
struct dns_edns {
	bool present;
	uint16_t udp_size; /* at least DNS_UDP_MIN (RFC 6891 §6.2.3) */
	uint8_t version;
	bool dnssec_ok; /* DO (RFC 3225) */
};

struct dns_query {
	struct dns_header header;
	struct dns_question question;
	struct dns_edns edns;
	/* It asks for recursion and has only a question and perhaps an OPT record without options: equal ones have equal answers. */
	bool is_plain;
};

/* -EBADMSG when truncated. */
int dns_header_parse(struct bytes_reader *r, struct dns_header *ret);
void dns_header_emit(struct bytes_writer *w, const struct dns_header *h);

/* Parameters and errors as dns_name_parse(). */
int dns_question_parse(struct bytes_reader *r, const uint8_t *message, struct dns_question *ret);
/* Whether @r goes on with @q, in any spelling.  @r is at the first name of a message, which cannot be compressed. */
bool dns_question_is_next(struct bytes_reader r, const struct dns_question *q);
void dns_question_emit(struct bytes_writer *w, const struct dns_question *q);

/*
 * Parses a whole query.  -EBADMSG unless it has one question, records that all end within the message and at most
 * one OPT.  Bytes behind the last record are ignored.
 */
int dns_query_parse(const uint8_t *message, size_t len, struct dns_query *ret);
/* Compares names case-insensitively. */
bool dns_question_equal(const struct dns_question *a, const struct dns_question *b);

/*
 * Makes the message, an answer to a query with an equal question, the answer to @q: with its id, its CD bit, and its spelling of the name
 * (RFC 4343 §4.1).
 */
void dns_answer_adopt(uint8_t *message, size_t len, const struct dns_query *q);

/* A record of a message, whose data is @len bytes at @data_at. */
struct dns_record_view {
	struct dns_name owner;
	uint16_t type, class;
	uint32_t ttl;
	size_t ttl_at, data_at, len; /* offsets in the message */
	enum dns_section { DNS_SECTION_ANSWER, DNS_SECTION_AUTHORITY, DNS_SECTION_ADDITIONAL } section;
};

/* Walks through the records of a message. */
struct dns_message_reader {
	const uint8_t *message;
	struct bytes_reader r;
	unsigned left[3]; /* of each section */
};

/* Begins with a message of one question.  -EBADMSG. */
int dns_message_begin(const uint8_t *message, size_t len, struct dns_header *ret_header, struct dns_question *ret_question,
		      struct dns_message_reader *ret);
/* 1: *@ret is the next record; 0: there are no more; -EBADMSG: the message is cut. */
int dns_message_next(struct dns_message_reader *m, struct dns_record_view *ret);

/* Whether all questions and records that the header counts are there. */
bool dns_message_is_whole(const uint8_t *message, size_t len);

/* Writes a record of class IN.  @owner NULL: a compression pointer to the name of the first question. */
void dns_record_emit_a(struct bytes_writer *w, const struct dns_name *owner, uint32_t ttl, ip4_t ip);
void dns_record_emit_aaaa(struct bytes_writer *w, const struct dns_name *owner, uint32_t ttl, const struct ip_addr *ip);
/* A record whose data is one name: PTR, NS. */
void dns_record_emit_name(struct bytes_writer *w, const struct dns_name *owner, uint16_t type, uint32_t ttl, const struct dns_name *target);

/* A record whose data is in wire format already, without compression. */
void dns_record_emit_data(struct bytes_writer *w, const struct dns_name *owner, uint16_t type, uint32_t ttl, const void *data, size_t len);

struct dns_soa {
	struct dns_name mname, rname;
	uint32_t serial, refresh, retry, expire, minimum;
};

void dns_record_emit_soa(struct bytes_writer *w, const struct dns_name *owner, uint32_t ttl, const struct dns_soa *soa);
/* @rcode: the whole code, whose upper eight bits are in the OPT record. */
void dns_record_emit_opt(struct bytes_writer *w, const struct dns_edns *edns, uint16_t rcode);
