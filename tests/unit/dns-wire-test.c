/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/dns.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

static struct dns_name name(const char *text)
{
	struct dns_name n;
	g_assert_cmpint(dns_name_from_text(text, &n), ==, 0);
	return n;
}

/* The example of RFC 1035 §4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92. */
static size_t rfc_names(uint8_t message[static 93])
{
	static const char f_isi_arpa[] = "\1F\3ISI\4ARPA", foo[] = "\3FOO\xc0\x14", arpa[] = "\xc0\x1a";
	memset(message, 0, 93);
	memcpy(message + 20, f_isi_arpa, sizeof(f_isi_arpa));
	memcpy(message + 40, foo, sizeof(foo) - 1);
	memcpy(message + 64, arpa, sizeof(arpa) - 1);
	return 93;
}

static void names_of_the_rfc_example_decompress(void)
{
	static const struct {
		size_t at, ends;
		const char *text;
	} cases[] = { { 20, 32, "F.ISI.ARPA" }, { 40, 46, "FOO.F.ISI.ARPA" }, { 64, 66, "ARPA" }, { 92, 93, "." } };
	uint8_t message[93];
	size_t len = rfc_names(message);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes_reader r = bytes_reader(message + cases[i].at, len - cases[i].at);
		struct dns_name n, want = name(cases[i].text);
		g_assert_cmpint(dns_name_parse(&r, message, &n), ==, 0);
		g_assert_cmpmem(n.bytes, n.len, want.bytes, want.len);
		g_assert_cmpuint((size_t)(r.at - message), ==, cases[i].ends);
		g_assert_cmpuint(r.left, ==, len - cases[i].ends);
	}
}

static void names_are_readable_whatever_their_bytes(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} cases[] = { { "", 1, "." }, { "\3WwW\3a_b\0", 9, "www.a_b" }, { "\4a.\nb\1\xff", 8, "a??b.?" } };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dns_name n = { .len = (uint8_t)cases[i].len };
		char text[DNS_NAME_TEXT_SIZE];
		memcpy(n.bytes, cases[i].bytes, cases[i].len);
		g_assert_cmpstr(dns_name_text(&n, text), ==, cases[i].text);
	}
	char text[DNS_NAME_TEXT_SIZE];
	struct dns_name longest = { .len = DNS_NAME_MAX };
	for (size_t at = 0; at + 1 < DNS_NAME_MAX; at += 2)
		memcpy(longest.bytes + at, "\1x", 2);
	g_assert_cmpuint(strlen(dns_name_text(&longest, text)), ==, 253);
}

static int parse_name_at(const void *message, size_t len, size_t at)
{
	struct bytes_reader r = bytes_reader((const uint8_t *)message + at, len - at);
	struct dns_name n;
	return dns_name_parse(&r, message, &n);
}

static void pointers_that_do_not_point_backwards_are_refused(void)
{
	static const struct {
		const char *bytes;
		size_t len, at;
	} cases[] = {
		{ "------------\xc0\x0c", 14, 12 },         /* to itself */
		{ "------------\xc0\x0e\xc0\x0c", 16, 14 }, /* a loop of two */
		{ "------------\xc0\x0e\1a", 17, 12 },      /* forwards */
		{ "------------\1a\xc0\x0c", 16, 12 },      /* to its own name */
		{ "--\0---------\xc0\x02", 14, 12 },        /* into the header */
		{ "------------\1a\0\xc0", 16, 15 },        /* half a pointer */
		{ "------------\xc0\xff", 14, 12 },         /* behind the end */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		g_assert_cmpint(parse_name_at(cases[i].bytes, cases[i].len, cases[i].at), ==, -EBADMSG);
}

static void reserved_label_kinds_are_refused(void)
{
	g_assert_cmpint(parse_name_at("------------\x41"
				      "a\0",
				      15, 12),
			==, -EBADMSG);
	g_assert_cmpint(parse_name_at("------------\x81"
				      "a\0",
				      15, 12),
			==, -EBADMSG);
}

static void names_without_an_end_are_refused(void)
{
	g_assert_cmpint(parse_name_at("------------", 12, 12), ==, -EBADMSG);
	g_assert_cmpint(parse_name_at("------------\1a", 14, 12), ==, -EBADMSG);
	g_assert_cmpint(parse_name_at("------------\5abc", 16, 12), ==, -EBADMSG);
}

/* Three labels of 63 bytes, one of @tail bytes, then @more: 3 * 64 + 1 + tail + strlen(more) + 1 bytes. */
static int parse_long_name(size_t tail, const char *more)
{
	uint8_t message[400] = { 0 };
	size_t at = 12;
	for (int i = 0; i < 3; i++, at += 64) {
		message[at] = 63;
		memset(message + at + 1, 'x', 63);
	}
	message[at] = (uint8_t)tail;
	memset(message + at + 1, 'y', tail);
	memcpy(message + at + 1 + tail, more, strlen(more));
	return parse_name_at(message, sizeof(message), 12);
}

static void names_end_at_255_bytes(void)
{
	g_assert_cmpint(parse_long_name(61, ""), ==, 0);
	g_assert_cmpint(parse_long_name(62, ""), ==, -EBADMSG);
	g_assert_cmpint(parse_long_name(61, "\1z"), ==, -EBADMSG);
	g_assert_cmpint(parse_long_name(60, "\1z"), ==, -EBADMSG);
	g_assert_cmpint(parse_long_name(59, "\1z"), ==, 0);
}

static void names_are_made_from_text(void)
{
	struct dns_name n;
	g_assert_cmpint(dns_name_from_text("a.bc.", &n), ==, 0);
	g_assert_cmpmem(n.bytes, n.len, "\1a\2bc", 6);
	g_assert_cmpint(dns_name_from_text("", &n), ==, 0);
	g_assert_cmpuint(n.len, ==, 1);
	g_assert_cmpint(dns_name_from_text("a..b", &n), ==, -EINVAL);
	g_assert_cmpint(dns_name_from_text(".a", &n), ==, -EINVAL);
	g_autofree char *label = g_strnfill(64, 'a');
	g_assert_cmpint(dns_name_from_text(label, &n), ==, -EINVAL);
	g_assert_cmpint(dns_name_child(label, &n, &n), ==, -EINVAL);
	g_assert_cmpint(dns_name_from_text(label + 1, &n), ==, 0);
	g_autofree char *three = g_strdup_printf("%s.%s.%s", label + 1, label + 1, label + 1);
	struct dns_name parent = name(three);
	g_assert_cmpint(dns_name_child(label + 2, &parent, &n), ==, -EINVAL);
	g_assert_cmpint(dns_name_child(label + 3, &parent, &n), ==, 0);
	g_assert_cmpuint(n.len, ==, 255);
}

static void names_compare_without_case_at_label_boundaries(void)
{
	struct dns_name web = name("Web.LANLET.internal"), domain = name("lanlet.INTERNAL"), other = name("xlanlet.internal"),
			root = name(".");
	g_assert_true(dns_name_within(&web, &domain));
	g_assert_true(dns_name_within(&domain, &domain));
	g_assert_true(dns_name_within(&domain, &root));
	g_assert_false(dns_name_within(&domain, &web));
	g_assert_false(dns_name_within(&other, &domain));
	g_assert_cmpuint(dns_name_labels(&web), ==, 3);
	g_assert_cmpuint(dns_name_labels(&root), ==, 0);
	struct dns_name parent = dns_name_parent(&web, 1);
	g_assert_true(dns_name_equal(&parent, &domain));
	parent = dns_name_parent(&web, 7);
	g_assert_true(dns_name_equal(&parent, &root));
}

static void labels_become_text_only_when_they_are_host_names(void)
{
	struct dns_name n = name("WEB-1_a.x y.z");
	char label[DNS_LABEL_MAX + 1] = "untouched";
	g_assert_cmpint(dns_name_label(&n, 1, label), ==, -EINVAL);
	g_assert_cmpint(dns_name_label(&n, 3, label), ==, -EINVAL);
	g_assert_cmpstr(label, ==, "untouched");
	g_assert_cmpint(dns_name_label(&n, 0, label), ==, 0);
	g_assert_cmpstr(label, ==, "web-1_a");
}

/* dig +edns=0 +dnssec +bufsize=4096 example.com mx, without its cookie */
static const uint8_t edns_query[] = {
	0xbe, 0xef, 0x01, 0x20, 0, 1, 0,  0, 0, 0, 0, 1,  7,    'e', 'x', 'a', 'm',  'p', 'l', 'e',
	3,    'c',  'o',  'm',  0, 0, 15, 0, 1, 0, 0, 41, 0x10, 0,   0,   0,   0x80, 0,   0,   0,
};

static void query_with_edns_parses(void)
{
	struct dns_query q;
	g_assert_cmpint(dns_query_parse(edns_query, sizeof(edns_query), &q), ==, 0);
	g_assert_cmphex(q.header.id, ==, 0xbeef);
	g_assert_true(q.header.recursion_desired);
	g_assert_true(q.header.authentic);
	g_assert_false(q.header.response);
	struct dns_name want = name("example.com");
	g_assert_true(dns_name_equal(&q.question.name, &want));
	g_assert_cmpuint(q.question.type, ==, 15);
	g_assert_cmpuint(q.question.class, ==, DNS_CLASS_IN);
	g_assert_true(q.edns.present);
	g_assert_cmpuint(q.edns.udp_size, ==, 4096);
	g_assert_true(q.edns.dnssec_ok);
	g_assert_cmpuint(q.edns.version, ==, 0);
}

static void truncated_query_is_refused(void)
{
	struct dns_query q;
	for (size_t len = 0; len < sizeof(edns_query); len++)
		g_assert_cmpint(dns_query_parse(edns_query, len, &q), ==, -EBADMSG);
}

static void query_without_exactly_one_question_is_refused(void)
{
	struct dns_query q;
	for (uint8_t count = 0; count < 4; count++) {
		uint8_t copy[sizeof(edns_query)];
		memcpy(copy, edns_query, sizeof(copy));
		copy[5] = count;
		g_assert_cmpint(dns_query_parse(copy, sizeof(copy), &q), ==, count == 1 ? 0 : -EBADMSG);
	}
}

/* RFC 6891 §6.1.1: more than one OPT, or one that does not belong to the root, is FORMERR. */
static void bad_opt_is_refused(void)
{
	uint8_t twice[sizeof(edns_query) + 11];
	memcpy(twice, edns_query, sizeof(edns_query));
	memcpy(twice + sizeof(edns_query), edns_query + sizeof(edns_query) - 11, 11);
	struct dns_query q;
	twice[11] = 2;
	g_assert_cmpint(dns_query_parse(twice, sizeof(twice), &q), ==, -EBADMSG);

	uint8_t owned[sizeof(edns_query) + 1];
	memcpy(owned, edns_query, sizeof(edns_query) - 11);
	memcpy(owned + sizeof(edns_query) - 11, "\xc0\x0c", 2);
	memcpy(owned + sizeof(edns_query) - 9, edns_query + sizeof(edns_query) - 10, 10);
	g_assert_cmpint(dns_query_parse(owned, sizeof(owned), &q), ==, -EBADMSG);
}

/* RFC 6891 §6.2.3: values below 512 mean 512. */
static void small_edns_size_means_512(void)
{
	uint8_t copy[sizeof(edns_query)];
	memcpy(copy, edns_query, sizeof(copy));
	copy[sizeof(copy) - 8] = 0;
	copy[sizeof(copy) - 7] = 100;
	struct dns_query q;
	g_assert_cmpint(dns_query_parse(copy, sizeof(copy), &q), ==, 0);
	g_assert_cmpuint(q.edns.udp_size, ==, DNS_UDP_MIN);
}

static void header_round_trips(void)
{
	for (unsigned bits = 0; bits < 0x10000; bits++) {
		if (bits & 1 << 6) /* Z, must be 0 */
			continue;
		uint8_t in[DNS_HEADER_LEN] = { 1, 2, (uint8_t)(bits >> 8), (uint8_t)bits, 0, 1, 0, 2, 0, 3, 0, 4 }, out[DNS_HEADER_LEN];
		struct bytes_reader r = bytes_reader(in, sizeof(in));
		struct bytes_writer w = bytes_writer(out, sizeof(out));
		struct dns_header h;
		g_assert_cmpint(dns_header_parse(&r, &h), ==, 0);
		dns_header_emit(&w, &h);
		g_assert_cmpmem(in, sizeof(in), out, w.len);
	}
}

static void question_emits_what_it_parsed(void)
{
	struct bytes_reader r = bytes_reader(edns_query + DNS_HEADER_LEN, sizeof(edns_query) - DNS_HEADER_LEN);
	struct dns_question q;
	uint8_t out[64];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	g_assert_cmpint(dns_question_parse(&r, edns_query, &q), ==, 0);
	dns_question_emit(&w, &q);
	g_assert_cmpmem(out, w.len, edns_query + DNS_HEADER_LEN, 17);
}

static const char a_question[] = "\3WWW\7example\0\0\1\0\1";

static bool is_next(const char *bytes, size_t len, const struct dns_question *q)
{
	return dns_question_is_next(bytes_reader(bytes, len), q);
}

static void question_is_recognised_in_any_spelling(void)
{
	const struct dns_question q = { .name = name("www.Example"), .type = DNS_TYPE_A, .class = DNS_CLASS_IN };
	struct dns_question other = q;
	other.type = DNS_TYPE_AAAA;
	size_t len = sizeof(a_question) - 1;
	g_assert_true(is_next(a_question, len, &q));
	g_assert_true(is_next("\3wWw\7eXample\0\0\1\0\1 and more", len + 9, &q));
	g_assert_false(is_next(a_question, len, &other));
	g_assert_false(is_next("\3WWW\7exampla\0\0\1\0\1", len, &q));
	g_assert_false(is_next("\3WWW\7example\3com\0\0\1\0\1", len + 4, &q));
	for (size_t n = 0; n < len; n++)
		g_assert_false(is_next(a_question, n, &q));
}

/* @len bytes of an answer to a_question, in memory of that size. */
static uint8_t *answer_of(size_t len)
{
	uint8_t *message = g_malloc0(len);
	const uint8_t head[DNS_HEADER_LEN] = { 1, 2, 0x81, 0x90, 0, 1 };
	if (len > 0) /* the memory of no bytes is NULL */
		memcpy(message, head, MIN(len, sizeof(head)));
	if (len > sizeof(head))
		memcpy(message + sizeof(head), a_question, MIN(len - sizeof(head), sizeof(a_question) - 1));
	return message;
}

static void answer_is_made_out_to_another_query(void)
{
	const size_t len = DNS_HEADER_LEN + sizeof(a_question) - 1, end_of_name = len - 4;
	const struct dns_query q = { .header.id = 0x0a0b, .question.name = name("wwW.eXample") };
	g_autofree uint8_t *message = answer_of(len);
	dns_answer_adopt(message, len, &q);
	g_assert_cmpmem(message, 6, "\x0a\x0b\x81\x80\0\1", 6);
	g_assert_cmpmem(message + DNS_HEADER_LEN, len - DNS_HEADER_LEN, "\3wwW\7eXample\0\0\1\0\1", len - DNS_HEADER_LEN);
	for (size_t cut = 0; cut < end_of_name; cut++) { /* the name stays as it is; ASan looks at the ends */
		g_autofree uint8_t *part = answer_of(cut), *before = answer_of(cut);
		dns_answer_adopt(part, cut, &q);
		size_t from = cut < DNS_HEADER_LEN ? 0 : 4;
		g_assert_cmpmem(part + from, cut - from, before + from, cut - from);
	}
}

static void records_have_the_format_of_the_rfcs(void)
{
	uint8_t out[256];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct dns_name owner = name("a"), target = name("b.c");
	dns_record_emit_a(&w, NULL, 7, IP4(10, 1, 2, 3));
	g_assert_cmpmem(out, w.len, "\xc0\x0c\0\1\0\1\0\0\0\7\0\4\x0a\1\2\3", 16);
	w = bytes_writer(out, sizeof(out));
	dns_record_emit_name(&w, &owner, DNS_TYPE_PTR, 0, &target);
	g_assert_cmpmem(out, w.len, "\1a\0\0\x0c\0\1\0\0\0\0\0\5\1b\1c\0", 18);
	w = bytes_writer(out, sizeof(out));
	dns_record_emit_soa(&w, NULL, 0, &(struct dns_soa){ owner, target, 1, 2, 3, 4, 5 });
	g_assert_cmpmem(out, w.len, "\xc0\x0c\0\6\0\1\0\0\0\0\0\x1c\1a\0\1b\1c\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 40);
	w = bytes_writer(out, sizeof(out));
	struct dns_edns edns = { .present = true, .udp_size = 1232, .dnssec_ok = true };
	dns_record_emit_opt(&w, &edns, DNS_RCODE_BADVERS);
	g_assert_cmpmem(out, w.len, "\0\0\x29\x04\xd0\1\0\x80\0\0\0", 11);
}

static void message_is_whole_when_all_records_are_there(void)
{
	uint8_t out[128];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	const struct dns_question q = { .name = name("www.example"), .type = DNS_TYPE_A, .class = DNS_CLASS_IN };
	dns_header_emit(&w, &(struct dns_header){ .response = true, .n_questions = 1, .n_answers = 1, .n_additionals = 1 });
	dns_question_emit(&w, &q);
	dns_record_emit_a(&w, NULL, 7, IP4(10, 1, 2, 3));
	dns_record_emit_opt(&w, &(struct dns_edns){ .present = true, .udp_size = 1232 }, 0);
	for (size_t len = 0; len < w.len; len++) {
		g_autofree uint8_t *cut = g_memdup2(out, len);
		g_assert_false(dns_message_is_whole(cut, len));
	}
	g_assert_true(dns_message_is_whole(out, w.len));
	g_assert_true(dns_message_is_whole(out, sizeof(out))); /* whatever is behind */
	const uint8_t refused[DNS_HEADER_LEN] = { 1, 2, 0x81, DNS_RCODE_REFUSED };
	g_assert_true(dns_message_is_whole(refused, sizeof(refused)));
}

static void records_that_do_not_fit_fail_the_writer(void)
{
	uint8_t out[64];
	for (size_t size = 0; size < 28; size++) {
		struct bytes_writer w = bytes_writer(out, size);
		struct ip_addr a = { { 0 } };
		dns_record_emit_aaaa(&w, NULL, 0, &a);
		g_assert_true(w.failed);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/dns-wire/" #f, f)
	ADD(names_of_the_rfc_example_decompress);
	ADD(names_are_readable_whatever_their_bytes);
	ADD(pointers_that_do_not_point_backwards_are_refused);
	ADD(reserved_label_kinds_are_refused);
	ADD(names_without_an_end_are_refused);
	ADD(names_end_at_255_bytes);
	ADD(names_are_made_from_text);
	ADD(names_compare_without_case_at_label_boundaries);
	ADD(labels_become_text_only_when_they_are_host_names);
	ADD(query_with_edns_parses);
	ADD(truncated_query_is_refused);
	ADD(query_without_exactly_one_question_is_refused);
	ADD(bad_opt_is_refused);
	ADD(small_edns_size_means_512);
	ADD(header_round_trips);
	ADD(question_emits_what_it_parsed);
	ADD(question_is_recognised_in_any_spelling);
	ADD(answer_is_made_out_to_another_query);
	ADD(records_have_the_format_of_the_rfcs);
	ADD(message_is_whole_when_all_records_are_there);
	ADD(records_that_do_not_fit_fail_the_writer);
	return g_test_run();
}
