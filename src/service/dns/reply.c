/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/reply.h"

#include <assert.h>

/* Local names must not be cached: another guest may get the address at any time. */
#define LOCAL_TTL 0

void dns_reply_init(struct dns_reply *reply, const struct dns_soa *soa)
{
	reply->rcode = DNS_RCODE_NOERROR;
	reply->authoritative = reply->truncated = reply->has_zone = false;
	reply->n_answers = reply->n_links = 0;
	reply->soa = soa;
}

struct dns_record *dns_reply_add(struct dns_reply *reply, uint16_t type)
{
	assert(reply->n_answers < DNS_REPLY_RECORDS_MAX);
	struct dns_record *record = &reply->answers[reply->n_answers++];
	*record = (struct dns_record){ .type = type, .link = (uint8_t)reply->n_links };
	return record;
}

static struct dns_header reply_header(const struct dns_header *query, uint16_t rcode)
{
	return (struct dns_header){
		.id = query->id,
		.response = true,
		.opcode = query->opcode,
		.recursion_desired = query->recursion_desired,
		.recursion_available = true,
		.checking_disabled = query->checking_disabled, /* RFC 4035 §3.2.2 */
		.rcode = rcode & 0xf,
	};
}

static void emit_answer(struct bytes_writer *w, const struct dns_reply *reply, const struct dns_record *record)
{
	const struct dns_name *owner = record->link > 0 ? &reply->links[record->link - 1] : NULL;
	if (record->stored) {
		dns_record_emit_data(w, owner, record->type, LOCAL_TTL, record->stored->data, record->stored->len);
		return;
	}
	switch (record->type) {
	case DNS_TYPE_A: dns_record_emit_a(w, owner, LOCAL_TTL, record->a); return;
	case DNS_TYPE_AAAA: dns_record_emit_aaaa(w, owner, LOCAL_TTL, &record->aaaa); return;
	case DNS_TYPE_SOA: dns_record_emit_soa(w, owner, LOCAL_TTL, reply->soa); return;
	default: dns_record_emit_name(w, owner, record->type, LOCAL_TTL, record->name);
	}
}

void dns_reply_emit(struct bytes_writer *w, const struct dns_query *q, const struct dns_reply *reply)
{
	struct dns_header h = reply_header(&q->header, reply->rcode);
	h.authoritative = reply->authoritative;
	h.truncated = reply->truncated;
	h.n_questions = 1;
	h.n_answers = (uint16_t)reply->n_answers;
	h.n_authorities = reply->has_zone ? 1 : 0;
	h.n_additionals = q->edns.present ? 1 : 0;
	dns_header_emit(w, &h);
	dns_question_emit(w, &q->question);
	for (unsigned i = 0; i < reply->n_answers; i++)
		emit_answer(w, reply, &reply->answers[i]);
	if (reply->has_zone)
		dns_record_emit_soa(w, &reply->zone, LOCAL_TTL, reply->soa);
	if (q->edns.present) {
		struct dns_edns edns = { .udp_size = DNS_UDP_SIZE, .dnssec_ok = q->edns.dnssec_ok }; /* RFC 3225 §3 */
		dns_record_emit_opt(w, &edns, reply->rcode);
	}
}

void dns_reply_emit_error(struct bytes_writer *w, const struct dns_header *query, enum dns_rcode rcode)
{
	struct dns_header h = reply_header(query, (uint16_t)rcode);
	dns_header_emit(w, &h);
}

void dns_reply_set_counts(struct bytes_writer *w, unsigned answers, unsigned additionals)
{
	struct dns_header h;
	struct bytes_reader r = bytes_reader(w->data, w->len);
	struct bytes_writer again = bytes_writer(w->data, w->len);
	if (w->failed || dns_header_parse(&r, &h) < 0)
		return;
	h.n_answers = (uint16_t)answers;
	h.n_additionals = (uint16_t)additionals;
	dns_header_emit(&again, &h);
}
