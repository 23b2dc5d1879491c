/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/dns64.h"

#include "base/macros.h"
#include "gateway/nat64.h"

/* Of made-up records at most: their prefix may change (RFC 6147 §5.1.7 for answers without SOA). */
#define TTL_MAX 600u

static bool asks_for_ip6(const struct dns_query *q)
{
	bool validates = q->edns.present && q->edns.dnssec_ok && q->header.checking_disabled;
	return q->question.type == DNS_TYPE_AAAA && q->question.class == DNS_CLASS_IN && !validates;
}

bool dns64_is_wanted(const struct dns_query *q, const uint8_t *answer, size_t len)
{
	struct dns_header h;
	struct dns_question asked;
	struct dns_message_reader m;
	struct dns_record_view v;
	if (!asks_for_ip6(q) || dns_message_begin(answer, len, &h, &asked, &m) < 0 || asked.type != DNS_TYPE_AAAA ||
	    h.rcode == DNS_RCODE_NXDOMAIN || h.truncated)
		return false;
	while (dns_message_next(&m, &v) > 0 && v.section == DNS_SECTION_ANSWER)
		if (v.type == DNS_TYPE_AAAA)
			return false;
	return true;
}

bool dns64_is_source(const struct dns_query *q, const uint8_t *answer, size_t len)
{
	struct dns_header h;
	struct dns_question asked;
	struct dns_message_reader m;
	return q->question.type == DNS_TYPE_AAAA && dns_message_begin(answer, len, &h, &asked, &m) == 0 && asked.type == DNS_TYPE_A;
}

/* True: a record was written. */
static bool emit_record(struct bytes_writer *w, const uint8_t *answer, size_t len, const struct dns_record_view *v)
{
	struct bytes_reader r = bytes_reader(answer + v->data_at, MIN(v->len, len - v->data_at));
	struct dns_name target;
	if (v->class != DNS_CLASS_IN)
		return false;
	if (v->type == DNS_TYPE_A && v->len == sizeof(ip4_t)) {
		struct ip_addr made = nat64_embed(bytes_get_be32(&r));
		dns_record_emit_aaaa(w, &v->owner, MIN(v->ttl, TTL_MAX), &made);
		return true;
	}
	if (v->type != DNS_TYPE_CNAME || dns_name_parse(&r, answer, &target) < 0)
		return false;
	dns_record_emit_name(w, &v->owner, DNS_TYPE_CNAME, v->ttl, &target);
	return true;
}

void dns64_emit(struct bytes_writer *w, const struct dns_query *q, const uint8_t *answer, size_t len)
{
	struct dns_header h = { .rcode = DNS_RCODE_SERVFAIL };
	struct dns_question asked;
	struct dns_message_reader m;
	struct dns_record_view v;
	struct dns_query plain = *q;
	unsigned n = 0;
	plain.edns.present = false;
	bool is_whole = dns_message_begin(answer, len, &h, &asked, &m) == 0;
	dns_reply_emit(w, &plain, &(struct dns_reply){ .rcode = h.rcode, .truncated = is_whole && h.truncated });
	while (is_whole && dns_message_next(&m, &v) > 0 && v.section == DNS_SECTION_ANSWER)
		n += emit_record(w, answer, len, &v);
	if (q->edns.present)
		dns_record_emit_opt(w, &(struct dns_edns){ .udp_size = DNS_UDP_SIZE, .dnssec_ok = q->edns.dnssec_ok }, h.rcode);
	dns_reply_set_counts(w, n, q->edns.present ? 1 : 0);
}

bool dns64_answer_ipv4only(const struct dns_query *q, struct dns_reply *ret)
{
	struct dns_name name;
	if (q->question.class != DNS_CLASS_IN || (q->question.type != DNS_TYPE_AAAA && q->question.type != DNS_TYPE_A) ||
	    dns_name_from_text("ipv4only.arpa", &name) < 0 || !dns_name_equal(&q->question.name, &name))
		return false;
	*ret = (struct dns_reply){ .authoritative = true };
	for (unsigned i = 0; i < 2; i++) {
		ip4_t ip = IP4(192, 0, 0, 170) + i;
		if (q->question.type == DNS_TYPE_AAAA)
			dns_reply_add(ret, DNS_TYPE_AAAA)->aaaa = nat64_embed(ip);
		else
			dns_reply_add(ret, DNS_TYPE_A)->a = ip;
	}
	return true;
}
