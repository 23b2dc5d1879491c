/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers that are kept, shared, expired, or not passed on; and which servers are asked for which domain. */
#include "support/dns_bench.h"

#include "service/dns/cache.h"
#include "service/dns/forward.h"
#include "service/dns/rebind.h"
#include "service/dns/records.h"

#define MINUTE (60 * USEC_PER_SEC)

/* Records of an answer, each about the name in the question. */
struct record {
	uint16_t type;
	uint32_t ttl;
	const char *data;
	size_t len;
	bool is_authority;
};

#define A_RECORD(ttl) \
	{ \
		DNS_TYPE_A, ttl, "\12\1\1\1", 4, false \
	}
/* The last number is the TTL of negative answers. */
#define SOA_RECORD(ttl, minimum) \
	{ \
		DNS_TYPE_SOA, ttl, \
			"\0\0" \
			"aaaabbbbccccdddd" minimum, \
			22, true \
	}

static bool truncates; /* answer_with() sets TC */

/* The answer to the transaction @index with @records. */
static void answer_with(struct dns_bench *b, guint index, uint8_t rcode, const struct record *records, size_t n)
{
	const struct asked *a = asked_at(b, index);
	struct dns_query q;
	uint8_t bytes[1024];
	g_assert_cmpint(dns_query_parse(a->bytes->data, a->bytes->len, &q), ==, 0);
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct dns_header h = { .id = q.header.id,
				.response = true,
				.truncated = truncates,
				.authoritative = true,
				.recursion_desired = true,
				.recursion_available = true,
				.rcode = rcode,
				.n_questions = 1,
				.n_additionals = q.edns.present };
	for (size_t i = 0; i < n; i++)
		records[i].is_authority ? h.n_authorities++ : h.n_answers++;
	dns_header_emit(&w, &h);
	dns_question_emit(&w, &q.question);
	for (size_t i = 0; i < n; i++)
		dns_record_emit_data(&w, NULL, records[i].type, records[i].ttl, records[i].data, records[i].len);
	if (q.edns.present)
		dns_record_emit_opt(&w, &(struct dns_edns){ true, 1232, 0, q.edns.dnssec_ok }, 0);
	g_assert_false(w.failed);
	dns_upstream_answered(&b->upstream, b->now, a->token, bytes, w.len);
}

#define ANSWER(b, index, rcode, ...) \
	do { \
		static const struct record records[] = { __VA_ARGS__ }; \
		answer_with(b, index, rcode, records, ARRAY_SIZE(records)); \
	} while (0)

/* The TTL of the first record that the guest got in message @index. */
static uint32_t told_ttl(struct dns_bench *b, guint index)
{
	struct dns_header h;
	struct dns_question q;
	struct dns_message_reader m;
	struct dns_record_view v;
	const GByteArray *bytes = told_at(b, index)->bytes;
	g_assert_cmpint(dns_message_begin(bytes->data, bytes->len, &h, &q, &m), ==, 0);
	g_assert_cmpint(dns_message_next(&m, &v), ==, 1);
	return v.ttl;
}

static unsigned told_answers(struct dns_bench *b, guint index)
{
	return header_of(told_at(b, index)->bytes).n_answers;
}

static struct dns_counters counters(const struct dns_bench *b)
{
	struct dns_counters c;
	dns_get_counters(b->dns, &c);
	return c;
}

static void answer_is_kept_until_its_ttl_is_over(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	ANSWER(b, 0, 0, A_RECORD(300), A_RECORD(100));
	g_assert_cmpuint(told_ttl(b, 0), ==, 300);
	turn_clock(b, 99 * USEC_PER_SEC);
	ask(b, 0x1234, "eXample.COM", DNS_TYPE_A);
	check_rcode(b, 1, 0x1234, 0);
	g_assert_cmpuint(told_ttl(b, 1), ==, 201);
	g_assert_false(header_of(told_at(b, 1)->bytes).authoritative);
	g_assert_cmpmem(told_at(b, 1)->bytes->data + DNS_HEADER_LEN, 13, "\7eXample\3COM", 13);
	turn_clock(b, USEC_PER_SEC);
	ask(b, 3, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 2);
	g_assert_cmpuint(counters(b).cached, ==, 1);
}

/* RFC 2308 §5 */
static void negative_answer_is_kept_as_long_as_its_soa_says(void)
{
	static const uint8_t rcodes[] = { DNS_RCODE_NXDOMAIN, DNS_RCODE_NOERROR };
	for (size_t i = 0; i < ARRAY_SIZE(rcodes); i++) {
		g_autoptr(dns_bench) b = dns_bench_new_usual(1);
		ask(b, 1, "example.com", DNS_TYPE_A);
		ANSWER(b, 0, rcodes[i], SOA_RECORD(900, "\0\0\0\74"));
		turn_clock(b, 59 * USEC_PER_SEC);
		ask(b, 2, "example.com", DNS_TYPE_A);
		check_rcode(b, 1, 2, rcodes[i]);
		turn_clock(b, USEC_PER_SEC);
		ask(b, 3, "example.com", DNS_TYPE_A);
		g_assert_cmpuint(b->asked->len, ==, 2);
	}
}

static void alias_without_data_is_a_negative_answer(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	ANSWER(b, 0, 0, { DNS_TYPE_CNAME, 5000, "\1a", 3, false }, SOA_RECORD(900, "\0\0\0\74"));
	turn_clock(b, 61 * USEC_PER_SEC);
	ask(b, 2, "example.com", DNS_TYPE_A);
	ANSWER(b, 1, 0, { DNS_TYPE_CNAME, 5000, "\1a", 3, false });
	ask(b, 3, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 3);
}

/* Each of these has to be asked for again. */
static void check_not_kept(uint8_t rcode, const struct record *records, size_t n)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	answer_with(b, 0, rcode, records, n);
	check_rcode(b, 0, 1, rcode);
	ask(b, 2, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 2);
}

static void answers_that_may_not_be_kept_are_not(void)
{
	static const struct record zero[] = { A_RECORD(300), A_RECORD(0) }, negative_ttl[] = { A_RECORD(0x80000000) },
				   plain[] = { A_RECORD(300) }, no_negative[] = { SOA_RECORD(300, "\0\0\0\0") };
	check_not_kept(DNS_RCODE_NOERROR, zero, 2);
	check_not_kept(DNS_RCODE_NOERROR, negative_ttl, 1); /* RFC 2181 §8 */
	check_not_kept(DNS_RCODE_NXDOMAIN, plain, 0);
	check_not_kept(DNS_RCODE_NOERROR, plain, 0);
	check_not_kept(DNS_RCODE_NXDOMAIN, no_negative, 1);
	check_not_kept(DNS_RCODE_SERVFAIL, plain, 1);
	check_not_kept(DNS_RCODE_REFUSED, plain, 1);
}

static void truncated_answer_is_not_kept(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	truncates = true;
	ANSWER(b, 0, 0, A_RECORD(300));
	truncates = false;
	g_assert_true(header_of(told_at(b, 0)->bytes).truncated);
	ask(b, 2, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 2);
}

static void queries_that_differ_have_answers_of_their_own(void)
{
	static const struct query_shape shapes[] = {
		{ .name = "example.com", .type = DNS_TYPE_A },
		{ .name = "example.com", .type = DNS_TYPE_AAAA },
		{ .name = "example.com", .type = DNS_TYPE_A, .edns_size = 1232 },
		{ .name = "example.com", .type = DNS_TYPE_A, .edns_size = 1232, .dnssec_ok = true },
		{ .name = "example.com", .type = DNS_TYPE_A, .class = 4 },
		{ .name = "b.example.com", .type = DNS_TYPE_A },
	};
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	for (guint i = 0; i < ARRAY_SIZE(shapes); i++) {
		ask_shape(b, &shapes[i]);
		g_assert_cmpuint(b->asked->len, ==, i + 1);
		ANSWER(b, i, 0, A_RECORD(300), A_RECORD(300));
	}
	g_assert_cmpuint(counters(b).cached + counters(b).shared, ==, 0);
}

/* A query with an unknown option of EDNS may have an answer that is for it alone, such as one with a cookie (RFC 7873). */
static void queries_with_options_are_neither_kept_nor_shared(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	g_autoptr(GByteArray) q =
		make_query(&(struct query_shape){ .id = 1, .name = "example.com", .type = DNS_TYPE_A, .edns_size = 1232 });
	q->data[q->len - 1] = 4;
	g_byte_array_append(q, (const uint8_t *)"\0\12\0\0", 4);
	for (guint i = 0; i < 3; i++) {
		ask_bytes(b, WEB, (uint16_t)(4000 + i), q->data, q->len);
		g_assert_cmpuint(b->asked->len, ==, i + 1);
	}
	for (guint i = 0; i < 3; i++)
		answer(b, i, 0, 0);
	ask_bytes(b, WEB, 4000, q->data, q->len);
	g_assert_cmpuint(b->asked->len, ==, 4);
}

static void query_without_recursion_is_asked_by_itself(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	ANSWER(b, 0, 0, A_RECORD(300));
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .id = 2, .name = "example.com", .type = DNS_TYPE_A });
	q->data[2] &= 0xfe;
	ask_bytes(b, WEB, 4000, q->data, q->len);
	g_assert_cmpuint(b->asked->len, ==, 2);
}

static void long_answer_from_the_cache_is_truncated_for_a_short_query(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	char text[400];
	memset(text, 'x', sizeof(text));
	struct record records[] = { { DNS_TYPE_A, 300, text, sizeof(text), false }, { DNS_TYPE_A, 300, text, sizeof(text), false } };
	ask_shape(b, &(struct query_shape){ .id = 1, .name = "example.com", .type = DNS_TYPE_A, .edns_size = 1232 });
	answer_with(b, 0, 0, records, 2);
	ask_shape(b, &(struct query_shape){ .id = 2, .name = "example.com", .type = DNS_TYPE_A, .edns_size = 600 });
	g_assert_cmpuint(b->asked->len, ==, 1);
	g_assert_true(header_of(told_at(b, 1)->bytes).truncated);
	g_assert_cmpuint(told_answers(b, 1), ==, 0);
}

static void cache_is_forgotten_when_servers_change(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	ANSWER(b, 0, 0, A_RECORD(300));
	set_servers(b, 1); /* the same */
	ask(b, 2, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 1);
	set_servers(b, 2);
	ask(b, 3, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 2);
}

/* Fills the cache from port @port. */
static void fill(struct dns_bench *b, unsigned port, unsigned names)
{
	char text[255];
	memset(text, 'x', sizeof(text));
	struct record records[] = { { DNS_TYPE_TXT, 300, text, sizeof(text), false }, { DNS_TYPE_A, 300, text, sizeof(text), false } };
	b->from = port;
	for (unsigned i = 0; i < names; i++) {
		ask(b, (uint16_t)i, fresh_name(b), DNS_TYPE_A);
		answer_with(b, b->asked->len - 1, 0, records, 2);
	}
}

static void guest_that_asks_for_many_names_displaces_its_own_answers(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	b->from = 1;
	ask(b, 1, "example.com", DNS_TYPE_A);
	ANSWER(b, 0, 0, A_RECORD(300));
	fill(b, 0, 10000);
	g_assert_cmpuint(b->payers[0].dns_cached_bytes, >, DNS_CACHE_BYTES / 3);
	g_assert_cmpuint(b->payers[0].dns_cached_bytes, <=, DNS_CACHE_BYTES / 2 + 1024);
	guint before = b->asked->len;
	ask(b, 2, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, before);
	fill(b, 2, 100);
	g_assert_cmpuint(b->payers[2].dns_cached_bytes, >, 30000);
	b->payers[0].port = NULL; /* unplugged: what it has makes room */
	fill(b, 2, 5000);
	g_assert_cmpuint(b->payers[0].dns_cached_bytes, ==, 0);
}

static void equal_queries_are_asked_once(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "wWw.example.com", DNS_TYPE_A);
	b->from = 1;
	ask(b, 2, "WwW.example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 1);
	g_assert_cmpuint(b->payers[1].n_dns_queries, ==, 1);
	ANSWER(b, 0, 0, A_RECORD(300));
	check_rcode(b, 0, 1, 0);
	check_rcode(b, 1, 2, 0);
	g_assert_cmpmem(told_at(b, 0)->bytes->data + DNS_HEADER_LEN, 4, "\3wWw", 4);
	g_assert_cmpmem(told_at(b, 1)->bytes->data + DNS_HEADER_LEN, 4, "\3WwW", 4);
	g_assert_cmpuint(counters(b).shared, ==, 1);
}

static void shared_query_goes_on_when_one_of_its_clients_is_given_up(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	b->from = 1;
	ask(b, 2, "example.com", DNS_TYPE_A);
	b->from = 0;
	for (uint16_t i = 0; b->drops.count[DROP_DNS_LIMIT] == 0; i++)
		ask(b, i, fresh_name(b), DNS_TYPE_A);
	g_assert_false(asked_at(b, 0)->cancelled);
	ANSWER(b, 0, 0, A_RECORD(300));
	g_assert_cmpuint(b->told->len, ==, 1);
	check_rcode(b, 0, 2, 0);
}

/* --- RFC 8767 --- */

/* An answer that has expired. */
static struct dns_bench *bench_with_stale_answer(void)
{
	struct dns_bench *b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	ANSWER(b, 0, 0, A_RECORD(60));
	turn_clock(b, 61 * USEC_PER_SEC);
	return b;
}

static void expired_answer_is_sent_when_no_server_answers_in_time(void)
{
	g_autoptr(dns_bench) b = bench_with_stale_answer();
	ask(b, 2, "example.com", DNS_TYPE_A);
	turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	g_assert_cmpuint(b->told->len, ==, 1);
	g_assert_cmpuint(next_deadline(b), ==, b->now + DNS_STALE_AFTER - DNS_ATTEMPT_TIMEOUT);
	turn_clock(b, DNS_STALE_AFTER - DNS_ATTEMPT_TIMEOUT);
	check_rcode(b, 1, 2, 0);
	g_assert_cmpuint(told_ttl(b, 1), ==, DNS_CACHE_STALE_TTL);
	g_assert_cmpuint(counters(b).stale, ==, 1);
	ask(b, 3, "example.com", DNS_TYPE_A); /* the servers have just failed */
	check_rcode(b, 2, 3, 0);
	ANSWER(b, 1, 0, A_RECORD(500)); /* late, but new */
	g_assert_cmpuint(b->told->len, ==, 3);
	ask(b, 4, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(told_ttl(b, 3), ==, 500);
	g_assert_true(asked_at(b, 2)->cancelled);
}

static void new_answer_in_time_is_preferred_to_an_expired_one(void)
{
	g_autoptr(dns_bench) b = bench_with_stale_answer();
	ask(b, 2, "example.com", DNS_TYPE_A);
	turn_clock(b, DNS_STALE_AFTER - 1);
	ANSWER(b, 1, 0, A_RECORD(500));
	g_assert_cmpuint(told_ttl(b, 1), ==, 500);
	g_assert_cmpuint(counters(b).stale, ==, 0);
}

static void expired_answer_is_sent_instead_of_a_failure(void)
{
	g_autoptr(dns_bench) b = bench_with_stale_answer();
	ask(b, 2, "example.com", DNS_TYPE_A);
	answer(b, 1, DNS_RCODE_SERVFAIL, 0);
	check_rcode(b, 1, 2, 0);
	g_assert_cmpuint(told_ttl(b, 1), ==, DNS_CACHE_STALE_TTL);
	turn_clock(b, DNS_CACHE_RETRY - 1);
	ask(b, 3, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 2);
	turn_clock(b, 1);
	fail(b, 1, -ECONNREFUSED);
	ask(b, 4, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 3);
	b->send_errors[0] = -ENETUNREACH; /* offline */
	turn_clock(b, 5 * USEC_PER_SEC);
	ask(b, 5, "example.com", DNS_TYPE_A);
	check_rcode(b, b->told->len - 1, 5, 0);
}

static void server_that_says_that_the_name_is_gone_is_believed(void)
{
	g_autoptr(dns_bench) b = bench_with_stale_answer();
	ask(b, 2, "example.com", DNS_TYPE_A);
	ANSWER(b, 1, DNS_RCODE_NXDOMAIN, SOA_RECORD(900, "\0\0\0\74"));
	check_rcode(b, 1, 2, DNS_RCODE_NXDOMAIN);
	ask(b, 3, "example.com", DNS_TYPE_A);
	check_rcode(b, 2, 3, DNS_RCODE_NXDOMAIN);
}

static void expired_answer_is_of_no_use_after_a_day(void)
{
	g_autoptr(dns_bench) b = bench_with_stale_answer();
	turn_clock(b, DNS_CACHE_STALE_MAX);
	ask(b, 2, "example.com", DNS_TYPE_A);
	answer(b, 1, DNS_RCODE_SERVFAIL, 0);
	check_rcode(b, 1, 2, DNS_RCODE_SERVFAIL);
}

static void expired_negative_answer_is_of_no_use(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	ANSWER(b, 0, DNS_RCODE_NXDOMAIN, SOA_RECORD(900, "\0\0\0\74"));
	turn_clock(b, 2 * MINUTE);
	ask(b, 2, "example.com", DNS_TYPE_A);
	answer(b, 1, DNS_RCODE_SERVFAIL, 0);
	check_rcode(b, 1, 2, DNS_RCODE_SERVFAIL);
}

/* --- rebinding --- */

static const struct {
	uint16_t type;
	const char *data;
	size_t len;
	bool is_near;
} addresses[] = {
	{ DNS_TYPE_A, "\177\0\0\1", 4, true },
	{ DNS_TYPE_A, "\177\1\2\3", 4, true },
	{ DNS_TYPE_A, "\0\0\0\0", 4, true },
	{ DNS_TYPE_A, "\251\376\251\376", 4, true },
	{ DNS_TYPE_A, "\300\250\172\7", 4, true },
	{ DNS_TYPE_A, "\300\250\173\7", 4, false },
	{ DNS_TYPE_A, "\12\0\0\1", 4, false },
	{ DNS_TYPE_A, "\200\0\0\1", 4, false },
	{ DNS_TYPE_AAAA, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16, true },
	{ DNS_TYPE_AAAA, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, true },
	{ DNS_TYPE_AAAA, "\376\200\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16, true },
	{ DNS_TYPE_AAAA, "\0\0\0\0\0\0\0\0\0\0\377\377\177\0\0\1", 16, true },
	{ DNS_TYPE_AAAA, "\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16, false },
	{ DNS_TYPE_HTTPS, "\0\1\0\0\4\0\10\12\0\0\1\177\0\0\1", 15, true },
	{ DNS_TYPE_HTTPS, "\0\1\0\0\4\0\4\12\0\0\1", 11, false },
	{ DNS_TYPE_HTTPS, "\0\1\0\0\1\0\4\177\0\0\1", 11, false },
	{ DNS_TYPE_SVCB, "\0\1\0\0\6\0\20\376\200\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 23, true },
	{ DNS_TYPE_TXT, "\177\0\0\1", 4, false },
	{ DNS_TYPE_A, "\177\0\0", 3, false },
};

static void answers_with_addresses_of_the_guests_network_are_emptied(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		g_autoptr(dns_bench) b = dns_bench_new_usual(1);
		struct record records[] = { { DNS_TYPE_CNAME, 300, "\1a", 3, false },
					    { addresses[i].type, 300, addresses[i].data, addresses[i].len, false } };
		ask(b, 1, "evil.example", addresses[i].type);
		answer_with(b, 0, 0, records, 2);
		g_test_message("%zu", i);
		check_rcode(b, 0, 1, 0);
		g_assert_cmpuint(told_answers(b, 0), ==, addresses[i].is_near ? 0 : 2);
		g_assert_cmpuint(b->drops.count[DROP_DNS_REBIND], ==, addresses[i].is_near);
	}
}

static void domains_that_are_trusted_may_have_any_address(void)
{
	struct dns_domain_list trusted = { 0 };
	g_assert_cmpint(dns_domain_list_add(&trusted, "Trusted.example"), ==, 0);
	g_assert_cmpint(dns_domain_list_add(&trusted, "a..b"), ==, -EINVAL);
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	dns_set_rebind_ok(b->dns, &trusted);
	ask(b, 1, "www.trusted.example", DNS_TYPE_A);
	ANSWER(b, 0, 0, { DNS_TYPE_A, 300, "\177\0\0\1", 4, false });
	g_assert_cmpuint(told_answers(b, 0), ==, 1);
	ask(b, 2, "untrusted.example", DNS_TYPE_A);
	ANSWER(b, 1, 0, { DNS_TYPE_A, 300, "\177\0\0\1", 4, false });
	g_assert_cmpuint(told_answers(b, 1), ==, 0);
	g_assert_cmpint(dns_domain_list_add(&trusted, "."), ==, 0);
	dns_set_rebind_ok(b->dns, &trusted);
	ask(b, 3, "untrusted.example", DNS_TYPE_A);
	ANSWER(b, 2, 0, { DNS_TYPE_A, 300, "\177\0\0\1", 4, false });
	g_assert_cmpuint(told_answers(b, 2), ==, 1);
}

/* --- servers of domains --- */

static void add_route(struct dns_outside *o, const char *domain, uint8_t server)
{
	struct dns_server s = { .endpoint = { ip_from_ip4(IP4(10, 0, 0, server)), DNS_PORT } };
	g_assert_cmpint(dns_route_list_add(&o->routes, domain, server ? &s : NULL), ==, 0);
}

static void names_of_a_domain_are_asked_of_its_servers(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	struct dns_outside outside = { .servers.count = 1 };
	outside.servers.server[0].endpoint = (struct ip_endpoint){ ip_from_ip4(IP4(10, 0, 0, 1)), DNS_PORT };
	add_route(&outside, "Example.Corp.", 2);
	add_route(&outside, "lab.example.corp", 3);
	add_route(&outside, "open.example.corp", 0);
	add_route(&outside, "10.in-addr.arpa", 2);
	dns_set_outside(b->dns, &outside);
	static const struct {
		const char *name;
		uint8_t server;
	} cases[] = { { "www.example.com", 1 },    { "example.corp", 2 },      { "www.EXAMPLE.corp", 2 },     { "xexample.corp", 1 },
		      { "a.lab.example.corp", 3 }, { "open.example.corp", 1 }, { "1.0.0.10.in-addr.arpa", 2 } };
	for (guint i = 0; i < ARRAY_SIZE(cases); i++) {
		ask(b, (uint16_t)i, cases[i].name, DNS_TYPE_TXT);
		g_assert_cmpuint(asked_at(b, i)->server.endpoint.addr.b[15], ==, cases[i].server);
	}
	fail(b, 1, -ECONNREFUSED); /* the servers of the domain only: names in it are nobody else's business */
	check_rcode(b, 0, 1, DNS_RCODE_SERVFAIL);
	g_assert_cmpuint(b->asked->len, ==, ARRAY_SIZE(cases));
}

static void servers_may_be_asked_in_rotation(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(3);
	struct dns_outside outside = { .rotate = true };
	for (unsigned i = 0; i < 3; i++)
		dns_server_list_add(&outside.servers, &(struct dns_server){ .endpoint = { ip_from_ip4(IP4(10, 0, 0, i)), DNS_PORT } });
	dns_set_outside(b->dns, &outside);
	for (guint i = 0; i < 6; i++) {
		ask(b, (uint16_t)i, fresh_name(b), DNS_TYPE_A);
		g_assert_cmpuint(asked_at(b, i)->server.endpoint.addr.b[15], ==, i % 3);
	}
}

static void options_of_the_host_are_used(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	struct dns_outside outside = { .servers.count = 1, .over_tcp = true, .no_aaaa = true };
	dns_set_outside(b->dns, &outside);
	ask(b, 1, "example.com", DNS_TYPE_A);
	g_assert_true(asked_at(b, 0)->tcp);
	ask(b, 2, "example.com", DNS_TYPE_AAAA);
	check_rcode(b, 0, 2, DNS_RCODE_NOERROR);
	g_assert_cmpuint(told_answers(b, 0), ==, 0);
}

/* RFC 6762 §22.1: resolvers wait for a name that has no server. */
static void names_of_mdns_are_given_up_soon(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 1, "printer.local", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 2);
	turn_clock(b, 2 * USEC_PER_SEC);
	check_rcode(b, 0, 1, DNS_RCODE_SERVFAIL);
	ask(b, 2, "printer.local", DNS_TYPE_A);
	answer(b, 3, 0, 0);
	check_rcode(b, 1, 2, 0);
	ask(b, 3, "example.com", DNS_TYPE_A); /* nobody is blamed for it */
	g_assert_cmpuint(asked_at(b, 4)->server.endpoint.addr.b[15], ==, 0);
}

/* --- aliases --- */

static void alias_leads_outside(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	struct dns_records given = { 0 };
	struct dns_name owner;
	g_assert_cmpint(dns_name_from_text("api.lanlet.internal", &owner), ==, 0);
	g_assert_cmpint(dns_records_add(&given, &owner, DNS_TYPE_CNAME, "\3www\7example\3com", 17), ==, 0);
	dns_set_given(b->dns, &given);
	ask_shape(b, &(struct query_shape){ .id = 1, .name = "API.lanlet.internal", .type = DNS_TYPE_A, .edns_size = 1232 });
	struct dns_query q;
	g_assert_cmpint(dns_query_parse(asked_at(b, 0)->bytes->data, asked_at(b, 0)->bytes->len, &q), ==, 0);
	g_assert_cmpmem(q.question.name.bytes, q.question.name.len, "\3www\7example\3com", 17);
	ANSWER(b, 0, 0, A_RECORD(300));
	for (uint16_t id = 1; id <= 2; id++) {
		const GByteArray *got = told_at(b, id - 1u)->bytes;
		struct dns_header h;
		struct dns_question question;
		struct dns_message_reader m;
		struct dns_record_view v;
		check_rcode(b, id - 1u, id, 0);
		g_assert_cmpint(dns_message_begin(got->data, got->len, &h, &question, &m), ==, 0);
		g_assert_cmpmem(question.name.bytes, 4, "\3API", 4);
		g_assert_cmpint(dns_message_next(&m, &v), ==, 1);
		g_assert_cmpuint(v.type, ==, DNS_TYPE_CNAME);
		g_assert_cmpint(dns_message_next(&m, &v), ==, 1);
		g_assert_cmpmem(v.owner.bytes, v.owner.len, "\3www\7example\3com", 17);
		g_assert_cmpmem(got->data + v.data_at, v.len, "\12\1\1\1", 4);
		g_assert_cmpint(dns_message_next(&m, &v), ==, 1);
		g_assert_cmpuint(v.type, ==, DNS_TYPE_OPT);
		g_assert_cmpint(dns_message_next(&m, &v), ==, 0);
		if (id == 1) /* the second time from the cache */
			ask_shape(b,
				  &(struct query_shape){ .id = 2, .name = "API.lanlet.internal", .type = DNS_TYPE_A, .edns_size = 1232 });
	}
	g_assert_cmpuint(b->asked->len, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/dns/" #f, f)
	ADD(answer_is_kept_until_its_ttl_is_over);
	ADD(negative_answer_is_kept_as_long_as_its_soa_says);
	ADD(alias_without_data_is_a_negative_answer);
	ADD(answers_that_may_not_be_kept_are_not);
	ADD(truncated_answer_is_not_kept);
	ADD(queries_that_differ_have_answers_of_their_own);
	ADD(queries_with_options_are_neither_kept_nor_shared);
	ADD(query_without_recursion_is_asked_by_itself);
	ADD(long_answer_from_the_cache_is_truncated_for_a_short_query);
	ADD(cache_is_forgotten_when_servers_change);
	ADD(guest_that_asks_for_many_names_displaces_its_own_answers);
	ADD(equal_queries_are_asked_once);
	ADD(shared_query_goes_on_when_one_of_its_clients_is_given_up);
	ADD(expired_answer_is_sent_when_no_server_answers_in_time);
	ADD(new_answer_in_time_is_preferred_to_an_expired_one);
	ADD(expired_answer_is_sent_instead_of_a_failure);
	ADD(server_that_says_that_the_name_is_gone_is_believed);
	ADD(expired_answer_is_of_no_use_after_a_day);
	ADD(expired_negative_answer_is_of_no_use);
	ADD(answers_with_addresses_of_the_guests_network_are_emptied);
	ADD(domains_that_are_trusted_may_have_any_address);
	ADD(names_of_a_domain_are_asked_of_its_servers);
	ADD(servers_may_be_asked_in_rotation);
	ADD(options_of_the_host_are_used);
	ADD(names_of_mdns_are_given_up_soon);
	ADD(alias_leads_outside);
	return g_test_run();
}
