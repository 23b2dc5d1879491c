/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DNS message through the query parser; a name read at every offset. */
#include "wire/dns.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* A name is its labels and the root, and comes out of the emitter as it went in. */
static void check_name(const struct dns_name *n)
{
	check(n->len >= 1 && n->bytes[n->len - 1] == 0);
	uint8_t bytes[DNS_NAME_MAX];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	dns_name_emit(&w, n);
	struct bytes_reader r = bytes_reader(bytes, w.len);
	struct dns_name again;
	check(!w.failed && dns_name_parse(&r, bytes, &again) == 0 && r.left == 0);
	check(again.len == n->len && memcmp(again.bytes, n->bytes, n->len) == 0);

	unsigned labels = dns_name_labels(n);
	char label[DNS_LABEL_MAX + 1];
	for (unsigned i = 0; i <= labels; i++) {
		struct dns_name parent = dns_name_parent(n, i);
		check(dns_name_labels(&parent) == labels - i && dns_name_within(n, &parent));
		check(dns_name_label(n, i, label) < 0 || strlen(label) == n->bytes[n->len - parent.len]);
	}
}

static void check_query(const struct dns_query *q)
{
	check_name(&q->question.name);
	check(!q->edns.present || q->edns.udp_size >= DNS_UDP_MIN);
	uint8_t bytes[DNS_HEADER_LEN + DNS_NAME_MAX + 4];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct dns_header h = q->header;
	h.n_answers = h.n_authorities = h.n_additionals = 0;
	dns_header_emit(&w, &h);
	dns_question_emit(&w, &q->question);
	struct dns_query again;
	check(!w.failed && dns_query_parse(bytes, w.len, &again) == 0);
	check(again.header.id == h.id && dns_question_equal(&again.question, &q->question));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_query q;
	if (dns_query_parse(data, size, &q) == 0)
		check_query(&q);
	for (size_t at = 0; at < size; at++) {
		struct bytes_reader r = bytes_reader(data + at, size - at);
		struct dns_name n;
		if (dns_name_parse(&r, data, &n) == 0) {
			check_name(&n);
			check((size_t)(r.at - data) + r.left == size && r.left < size - at);
		}
	}
	return 0;
}
