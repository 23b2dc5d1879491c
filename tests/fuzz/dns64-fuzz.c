/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer of a name server outside, which DNS64 takes for one to an AAAA query or to its question for A records.  What is made of it
 * parses, asks what the client asked, and has no A record.
 */
#include "promises.h"
#include "service/dns/dns64.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_made(const struct dns_query *q, const uint8_t *answer, size_t len)
{
	uint8_t bytes[DNS_REPLY_SIZE];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct dns_header h;
	struct dns_question asked;
	struct dns_message_reader m;
	struct dns_record_view v;
	unsigned n = 0;
	int r;
	dns64_emit(&w, q, answer, len);
	if (w.failed)
		return;
	REQUIRE(dns_message_begin(bytes, w.len, &h, &asked, &m) == 0);
	REQUIRE(dns_question_equal(&asked, &q->question));
	while ((r = dns_message_next(&m, &v)) > 0 && v.section == DNS_SECTION_ANSWER) {
		REQUIRE(v.type == DNS_TYPE_AAAA || v.type == DNS_TYPE_CNAME);
		n++;
	}
	REQUIRE(r >= 0 && n == h.n_answers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_header h;
	struct dns_message_reader m;
	struct dns_query q = { .question = { .type = DNS_TYPE_AAAA, .class = DNS_CLASS_IN } };
	struct dns_question asked;
	if (dns_message_begin(data, size, &h, &asked, &m) == 0)
		q.question.name = asked.name;
	else
		REQUIRE(dns_name_from_text("a.test", &q.question.name) == 0);
	REQUIRE(!dns64_is_wanted(&q, data, size) || !dns64_is_source(&q, data, size));
	check_made(&q, data, size);
	q.edns = (struct dns_edns){ .present = true, .udp_size = 1232, .dnssec_ok = true };
	check_made(&q, data, size);
	q.header.checking_disabled = true;
	REQUIRE(!dns64_is_wanted(&q, data, size));
	return 0;
}
