/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/dns.h"

#include "base/macros.h"

#include <errno.h>

enum {
	FLAG_QR = 1 << 15,
	FLAG_AA = 1 << 10,
	FLAG_TC = 1 << 9,
	FLAG_RD = 1 << 8,
	FLAG_RA = 1 << 7,
	FLAG_AD = 1 << 5,
	FLAG_CD = 1 << 4,
};
#define OPCODE_SHIFT 11
#define LOW_FOUR 0xf

/* In the TTL of an OPT record (RFC 6891 §6.1.3). */
#define OPT_RCODE_SHIFT 24
#define OPT_VERSION_SHIFT 16
#define OPT_DO (1u << 15)

#define QUESTION_POINTER (0xc000 | DNS_HEADER_LEN)

int dns_header_parse(struct bytes_reader *r, struct dns_header *ret)
{
	const uint8_t *bytes = bytes_take(r, DNS_HEADER_LEN);
	if (!bytes)
		return -EBADMSG;
	struct bytes_reader in = bytes_reader(bytes, DNS_HEADER_LEN);
	struct dns_header h = { .id = bytes_get_be16(&in) };
	uint16_t flags = bytes_get_be16(&in);
	h.response = flags & FLAG_QR;
	h.opcode = flags >> OPCODE_SHIFT & LOW_FOUR;
	h.authoritative = flags & FLAG_AA;
	h.truncated = flags & FLAG_TC;
	h.recursion_desired = flags & FLAG_RD;
	h.recursion_available = flags & FLAG_RA;
	h.authentic = flags & FLAG_AD;
	h.checking_disabled = flags & FLAG_CD;
	h.rcode = flags & LOW_FOUR;
	h.n_questions = bytes_get_be16(&in);
	h.n_answers = bytes_get_be16(&in);
	h.n_authorities = bytes_get_be16(&in);
	h.n_additionals = bytes_get_be16(&in);
	*ret = h;
	return 0;
}

void dns_header_emit(struct bytes_writer *w, const struct dns_header *h)
{
	unsigned flags = (h->response ? FLAG_QR : 0) | (h->opcode & LOW_FOUR) << OPCODE_SHIFT | (h->authoritative ? FLAG_AA : 0) |
			 (h->truncated ? FLAG_TC : 0) | (h->recursion_desired ? FLAG_RD : 0) | (h->recursion_available ? FLAG_RA : 0) |
			 (h->authentic ? FLAG_AD : 0) | (h->checking_disabled ? FLAG_CD : 0) | (h->rcode & LOW_FOUR);
	bytes_put_be16(w, h->id);
	bytes_put_be16(w, (uint16_t)flags);
	bytes_put_be16(w, h->n_questions);
	bytes_put_be16(w, h->n_answers);
	bytes_put_be16(w, h->n_authorities);
	bytes_put_be16(w, h->n_additionals);
}

int dns_question_parse(struct bytes_reader *r, const uint8_t *message, struct dns_question *ret)
{
	struct dns_question q;
	if (dns_name_parse(r, message, &q.name) < 0)
		return -EBADMSG;
	q.type = bytes_get_be16(r);
	q.class = bytes_get_be16(r);
	if (r->failed)
		return -EBADMSG;
	*ret = q;
	return 0;
}

void dns_question_emit(struct bytes_writer *w, const struct dns_question *q)
{
	dns_name_emit(w, &q->name);
	bytes_put_be16(w, q->type);
	bytes_put_be16(w, q->class);
}

bool dns_question_is_next(struct bytes_reader r, const struct dns_question *q)
{
	const uint8_t *name = bytes_take(&r, q->name.len);
	return name && dns_name_has_bytes(&q->name, name) && bytes_get_be16(&r) == q->type && bytes_get_be16(&r) == q->class && !r.failed;
}

bool dns_question_equal(const struct dns_question *a, const struct dns_question *b)
{
	return a->type == b->type && a->class == b->class && dns_name_equal(&a->name, &b->name);
}

static int take_record(struct bytes_reader *r, const uint8_t *message, struct dns_record_view *ret)
{
	if (dns_name_parse(r, message, &ret->owner) < 0)
		return -EBADMSG;
	ret->type = bytes_get_be16(r);
	ret->class = bytes_get_be16(r);
	ret->ttl_at = (size_t)(r->at - message);
	ret->ttl = bytes_get_be32(r);
	ret->len = bytes_get_be16(r);
	ret->data_at = (size_t)(r->at - message);
	bytes_skip(r, ret->len);
	return r->failed ? -EBADMSG : 0;
}

/* RFC 6891 §6.1.1, §6.1.2: the owner is the root; a second OPT is an error. */
static int take_opt(const struct dns_record_view *opt, struct dns_edns *edns)
{
	if (edns->present || opt->owner.len != 1)
		return -EBADMSG;
	*edns = (struct dns_edns){
		.present = true,
		.udp_size = MAX(opt->class, (uint16_t)DNS_UDP_MIN),
		.version = opt->ttl >> OPT_VERSION_SHIFT & 0xff,
		.dnssec_ok = opt->ttl & OPT_DO,
	};
	return 0;
}

int dns_query_parse(const uint8_t *message, size_t len, struct dns_query *ret)
{
	struct dns_query q = { 0 };
	struct bytes_reader r = bytes_reader(message, len);
	if (dns_header_parse(&r, &q.header) < 0 || q.header.n_questions != 1 || dns_question_parse(&r, message, &q.question) < 0)
		return -EBADMSG;
	unsigned in_front = (unsigned)q.header.n_answers + q.header.n_authorities;
	unsigned records = in_front + q.header.n_additionals;
	size_t options = 0;
	for (unsigned i = 0; i < records; i++) {
		struct dns_record_view record;
		if (take_record(&r, message, &record) < 0)
			return -EBADMSG;
		if (i >= in_front && record.type == DNS_TYPE_OPT && take_opt(&record, &q.edns) < 0)
			return -EBADMSG;
		options += record.len;
	}
	q.is_plain =
		q.header.recursion_desired && records == (q.edns.present ? 1u : 0u) && options == 0 && q.edns.version == 0 && r.left == 0;
	*ret = q;
	return 0;
}

void dns_answer_adopt(uint8_t *message, size_t len, const struct dns_query *q)
{
	struct bytes_reader r = bytes_reader(message, len);
	bytes_skip(&r, sizeof(q->header.id));
	uint16_t flags = bytes_get_be16(&r), n_questions = bytes_get_be16(&r);
	bytes_skip(&r, DNS_HEADER_LEN - 6);
	const uint8_t *name = n_questions == 1 ? bytes_take(&r, q->question.name.len) : NULL;
	if (len < DNS_HEADER_LEN)
		return;
	struct bytes_writer w = bytes_writer(message, len);
	bytes_put_be16(&w, q->header.id);
	bytes_put_be16(&w, (uint16_t)((flags & ~FLAG_CD) | (q->header.checking_disabled ? FLAG_CD : 0)));
	w.len = DNS_HEADER_LEN;
	if (name && dns_name_has_bytes(&q->question.name, name))
		dns_name_emit(&w, &q->question.name);
}

int dns_message_begin(const uint8_t *message, size_t len, struct dns_header *ret_header, struct dns_question *ret_question,
		      struct dns_message_reader *ret)
{
	struct dns_message_reader m = { .message = message, .r = bytes_reader(message, len) };
	struct dns_header h;
	if (dns_header_parse(&m.r, &h) < 0 || h.n_questions != 1 || dns_question_parse(&m.r, message, ret_question) < 0)
		return -EBADMSG;
	m.left[DNS_SECTION_ANSWER] = h.n_answers;
	m.left[DNS_SECTION_AUTHORITY] = h.n_authorities;
	m.left[DNS_SECTION_ADDITIONAL] = h.n_additionals;
	*ret_header = h;
	*ret = m;
	return 0;
}

int dns_message_next(struct dns_message_reader *m, struct dns_record_view *ret)
{
	for (unsigned section = DNS_SECTION_ANSWER; section <= DNS_SECTION_ADDITIONAL; section++) {
		if (m->left[section] == 0)
			continue;
		m->left[section]--;
		ret->section = (enum dns_section)section;
		return take_record(&m->r, m->message, ret) < 0 ? -EBADMSG : 1;
	}
	return 0;
}

bool dns_message_is_whole(const uint8_t *message, size_t len)
{
	struct bytes_reader r = bytes_reader(message, len);
	struct dns_header h;
	struct dns_question q;
	struct dns_record_view record;
	if (dns_header_parse(&r, &h) < 0)
		return false;
	for (unsigned i = 0; i < h.n_questions; i++)
		if (dns_question_parse(&r, message, &q) < 0)
			return false;
	for (unsigned i = 0; i < (unsigned)h.n_answers + h.n_authorities + h.n_additionals; i++)
		if (take_record(&r, message, &record) < 0)
			return false;
	return true;
}

static void emit_record_head(struct bytes_writer *w, const struct dns_name *owner, uint16_t type, uint32_t ttl, size_t data_len)
{
	if (owner)
		dns_name_emit(w, owner);
	else
		bytes_put_be16(w, QUESTION_POINTER);
	bytes_put_be16(w, type);
	bytes_put_be16(w, DNS_CLASS_IN);
	bytes_put_be32(w, ttl);
	bytes_put_be16(w, (uint16_t)data_len);
}

void dns_record_emit_a(struct bytes_writer *w, const struct dns_name *owner, uint32_t ttl, ip4_t ip)
{
	emit_record_head(w, owner, DNS_TYPE_A, ttl, sizeof(ip));
	bytes_put_be32(w, ip);
}

void dns_record_emit_aaaa(struct bytes_writer *w, const struct dns_name *owner, uint32_t ttl, const struct ip_addr *ip)
{
	emit_record_head(w, owner, DNS_TYPE_AAAA, ttl, sizeof(ip->b));
	bytes_put(w, ip->b, sizeof(ip->b));
}

void dns_record_emit_name(struct bytes_writer *w, const struct dns_name *owner, uint16_t type, uint32_t ttl, const struct dns_name *target)
{
	emit_record_head(w, owner, type, ttl, target->len);
	dns_name_emit(w, target);
}

void dns_record_emit_data(struct bytes_writer *w, const struct dns_name *owner, uint16_t type, uint32_t ttl, const void *data, size_t len)
{
	emit_record_head(w, owner, type, ttl, len);
	bytes_put(w, data, len);
}

void dns_record_emit_soa(struct bytes_writer *w, const struct dns_name *owner, uint32_t ttl, const struct dns_soa *soa)
{
	emit_record_head(w, owner, DNS_TYPE_SOA, ttl, (size_t)soa->mname.len + soa->rname.len + 5 * sizeof(uint32_t));
	dns_name_emit(w, &soa->mname);
	dns_name_emit(w, &soa->rname);
	bytes_put_be32(w, soa->serial);
	bytes_put_be32(w, soa->refresh);
	bytes_put_be32(w, soa->retry);
	bytes_put_be32(w, soa->expire);
	bytes_put_be32(w, soa->minimum);
}

void dns_record_emit_opt(struct bytes_writer *w, const struct dns_edns *edns, uint16_t rcode)
{
	bytes_put_u8(w, 0); /* owner: the root */
	bytes_put_be16(w, DNS_TYPE_OPT);
	bytes_put_be16(w, edns->udp_size);
	bytes_put_be32(w, (uint32_t)(rcode >> 4) << OPT_RCODE_SHIFT | (uint32_t)edns->version << OPT_VERSION_SHIFT |
				  (edns->dnssec_ok ? OPT_DO : 0));
	bytes_put_be16(w, 0); /* no options */
}
