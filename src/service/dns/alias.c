/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records are copied without compression, because the pointers in them are offsets in the former message. */
#include "service/dns/alias.h"

#include "base/macros.h"

/* Bytes in front of the names in the data of a record, whose names may be compressed (RFC 3597 §4), and their number. */
static const struct {
	uint16_t type;
	uint8_t in_front, names;
} shapes[] = {
	{ DNS_TYPE_CNAME, 0, 1 }, { DNS_TYPE_NS, 0, 1 },  { DNS_TYPE_PTR, 0, 1 },
	{ DNS_TYPE_MX, 2, 1 },    { DNS_TYPE_SRV, 6, 1 }, { DNS_TYPE_SOA, 0, 2 },
};

/* Copies the data of @v; false when it is malformed. */
static bool copy_data(struct bytes_writer *data, const uint8_t *message, size_t message_len, const struct dns_record_view *v)
{
	struct bytes_reader r = bytes_reader(message + v->data_at, MIN(v->len, message_len - v->data_at));
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (shapes[i].type != v->type)
			continue;
		const uint8_t *front = bytes_take(&r, shapes[i].in_front);
		bytes_put(data, front, front ? shapes[i].in_front : 0);
		for (unsigned n = 0; n < shapes[i].names; n++) {
			struct dns_name name;
			if (r.failed || dns_name_parse(&r, message, &name) < 0)
				return false;
			dns_name_emit(data, &name);
		}
	}
	bytes_put(data, r.at, r.left);
	return !data->failed;
}

static unsigned copy_records(struct bytes_writer *w, const uint8_t *answer, size_t len)
{
	struct dns_header h;
	struct dns_question q;
	struct dns_message_reader m;
	struct dns_record_view v;
	unsigned n = 0;
	if (dns_message_begin(answer, len, &h, &q, &m) < 0)
		return 0;
	while (dns_message_next(&m, &v) > 0 && v.section == DNS_SECTION_ANSWER) {
		uint8_t bytes[4096];
		struct bytes_writer data = bytes_writer(bytes, sizeof(bytes));
		if (v.class != DNS_CLASS_IN || !copy_data(&data, answer, len, &v))
			continue;
		dns_record_emit_data(w, &v.owner, v.type, v.ttl, bytes, data.len);
		n++;
	}
	return n;
}

void dns_alias_emit(struct bytes_writer *w, const struct dns_query *q, const struct dns_reply *reply, const uint8_t *answer, size_t len)
{
	struct bytes_reader r = bytes_reader(answer, len);
	struct dns_header h;
	struct dns_query plain = *q;
	struct dns_reply own = *reply;
	if (dns_header_parse(&r, &h) < 0)
		h.rcode = DNS_RCODE_SERVFAIL;
	own.rcode = h.rcode;
	own.authoritative = own.has_zone = false;
	plain.edns.present = false;
	dns_reply_emit(w, &plain, &own);
	unsigned n = copy_records(w, answer, len);
	if (q->edns.present)
		dns_record_emit_opt(w, &(struct dns_edns){ .udp_size = DNS_UDP_SIZE, .dnssec_ok = q->edns.dnssec_ok }, own.rcode);
	dns_reply_set_counts(w, own.n_answers + n, q->edns.present ? 1 : 0);
}
