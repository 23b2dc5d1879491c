/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DNS service over UDP: errors, forwarding, timeouts, limits.  See dns-local-test.c for names,
 * dns-servers-test.c for the choice of servers, dns-stream-test.c for TCP.
 */
#include "support/dns_bench.h"

#include "service/dns/forward.h"

static void local_answer_keeps_the_case_of_the_query(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 0xabcd, "wEb.Lanlet.internal", DNS_TYPE_A);
	static const uint8_t want[] =
		"\xab\xcd\x85\x80\0\1\0\1\0\0\0\0\3wEb\6Lanlet\10internal\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\0\4\xc0\xa8\x7a\x3f";
	g_assert_cmpmem(told_at(b, 0)->bytes->data, told_at(b, 0)->bytes->len, want, sizeof(want) - 1);
	g_assert_cmphex(told_at(b, 0)->ip, ==, WEB);
	g_assert_cmpuint(told_at(b, 0)->port, ==, 4000);
	g_assert_true(mac_equal(told_at(b, 0)->mac, guest_mac));
	g_assert_cmpuint(b->asked->len, ==, 0);
	g_assert_cmpuint(next_deadline(b), ==, USEC_INFINITY);
}

/* RFC 6891 §7: EDNS is answered with EDNS; RFC 3225 §3: DO is copied. */
static void local_answer_has_edns_when_the_query_had_it(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask_shape(b, &(struct query_shape){ .name = "web", .type = DNS_TYPE_A, .edns_size = 4096, .dnssec_ok = true });
	static const uint8_t opt[] = "\0\0\x29\x04\xd0\0\0\x80\0\0\0";
	const GByteArray *got = told_at(b, 0)->bytes;
	g_assert_cmpuint(header_of(got).n_additionals, ==, 1);
	g_assert_cmpmem(got->data + got->len - 11, 11, opt, 11);
}

static void messages_to_other_hosts_are_not_taken(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .name = "web", .type = DNS_TYPE_A });
	g_assert_cmpint(input_datagram(b, WEB, 4000, IP4(8, 8, 8, 8), DNS_PORT, q->data, q->len), ==, SERVICE_NOT_MINE);
	g_assert_cmpint(input_datagram(b, WEB, 4000, GATEWAY, 5353, q->data, q->len), ==, SERVICE_NOT_MINE);
	g_assert_cmpint(input_datagram(b, WEB, 4000, IP4(192, 168, 122, 255), DNS_PORT, q->data, q->len), ==, SERVICE_NOT_MINE);
	g_assert_cmpuint(b->told->len + b->asked->len, ==, 0);
}

/* A resolver takes an answer only from the address that it has asked. */
static void query_over_ipv6_is_answered_from_the_address_asked(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .name = "web", .type = DNS_TYPE_A });
	const struct ip_addr asked[] = { GATEWAY6, { { 0xfe, 0x80, [15] = 1 } } };
	for (guint i = 0; i < ARRAY_SIZE(asked); i++) {
		g_assert_cmpint(input_datagram6(b, &asked[i], DNS_PORT, q->data, q->len), ==, SERVICE_TAKEN);
		check_rcode(b, i, 0, DNS_RCODE_NOERROR);
		g_assert_true(ip_equal(&told_at(b, i)->ip6, &GUEST6) && ip_equal(&told_at(b, i)->from6, &asked[i]));
		g_assert_true(mac_equal(told_at(b, i)->mac, guest_mac));
	}
	g_assert_cmpint(input_datagram6(b, &GUEST6, DNS_PORT, q->data, q->len), ==, SERVICE_NOT_MINE);
	g_assert_cmpint(input_datagram6(b, &asked[0], 5353, q->data, q->len), ==, SERVICE_NOT_MINE);
}

static void queries_of_one_id_over_both_families_are_two(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .id = 7, .name = "example.com", .type = DNS_TYPE_A });
	input_datagram6(b, &GATEWAY6, DNS_PORT, q->data, q->len);
	input_datagram6(b, &GATEWAY6, DNS_PORT, q->data, q->len); /* it is repeated */
	ask(b, 7, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 1);
	answer(b, 0, DNS_RCODE_NOERROR, 0);
	g_assert_cmpuint(b->told->len, ==, 2);
	g_assert_true(ip_equal(&told_at(b, 0)->ip6, &GUEST6) && ip_equal(&told_at(b, 0)->from6, &GATEWAY6));
}

static void answers_runts_and_port_zero_are_dropped_and_counted(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .name = "web", .type = DNS_TYPE_A });
	ask_bytes(b, WEB, 0, q->data, q->len);
	ask_bytes(b, WEB, 4000, q->data, DNS_HEADER_LEN - 1);
	ask_bytes(b, WEB, 4000, q->data, 0);
	q->data[2] |= 0x80;
	ask_bytes(b, WEB, 4000, q->data, q->len);
	g_assert_cmpuint(b->drops.count[DROP_DNS_MALFORMED], ==, 4);
	g_assert_cmpuint(b->told->len + b->asked->len, ==, 0);
}

static void malformed_queries_are_formerr(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .id = 7, .name = "web", .type = DNS_TYPE_A });
	ask_bytes(b, WEB, 4000, q->data, q->len - 1);
	q->data[5] = 0;
	ask_bytes(b, WEB, 4000, q->data, q->len);
	q->data[5] = 2;
	ask_bytes(b, WEB, 4000, q->data, q->len);
	for (guint i = 0; i < 3; i++) {
		check_rcode(b, i, 7, DNS_RCODE_FORMERR);
		g_assert_cmpuint(told_at(b, i)->bytes->len, ==, DNS_HEADER_LEN);
		g_assert_cmpuint(header_of(told_at(b, i)->bytes).n_questions, ==, 0);
	}
}

static void other_opcodes_are_not_implemented(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	for (uint8_t opcode = 1; opcode < 16; opcode++) {
		ask_shape(b, &(struct query_shape){ .id = opcode, .name = "example.com", .type = DNS_TYPE_SOA, .opcode = opcode });
		check_rcode(b, opcode - 1u, opcode, DNS_RCODE_NOTIMP);
		g_assert_cmpuint(header_of(told_at(b, opcode - 1u)->bytes).opcode, ==, opcode);
	}
	g_assert_cmpuint(b->asked->len, ==, 0);
}

static void transfers_are_refused(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_AXFR);
	ask(b, 2, "example.com", DNS_TYPE_IXFR);
	ask(b, 3, "lanlet.internal", DNS_TYPE_AXFR);
	ask(b, 4, "web.lanlet.internal", DNS_TYPE_IXFR);
	for (uint16_t i = 0; i < 4; i++)
		check_rcode(b, i, i + 1, DNS_RCODE_REFUSED);
	g_assert_cmpuint(b->asked->len, ==, 0);
}

/* RFC 8020: NXDOMAIN for one type says that the name has none. */
static void guests_name_exists_when_the_server_outside_does_not_know_it(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask_shape(b, &(struct query_shape){ .id = 1, .name = "web", .type = DNS_TYPE_TXT, .edns_size = 1232 });
	ask(b, 2, "db", DNS_TYPE_TXT);
	ask(b, 3, "web", 43);
	answer(b, 0, DNS_RCODE_NXDOMAIN, 0);
	answer(b, 1, DNS_RCODE_NXDOMAIN, 0);
	answer(b, 2, DNS_RCODE_NOERROR, 9);
	check_rcode(b, 0, 1, DNS_RCODE_NOERROR);
	g_assert_cmpuint(header_of(told_at(b, 0)->bytes).n_additionals, ==, 1);
	check_rcode(b, 1, 2, DNS_RCODE_NXDOMAIN);
	check_rcode(b, 2, 3, DNS_RCODE_NOERROR);
	g_assert_cmpuint(told_at(b, 2)->bytes->len, ==, asked_at(b, 2)->bytes->len + 9);
}

static void isolated_network_refuses_names_outside(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_isolated();
	ask(b, 1, "example.com", DNS_TYPE_A);
	ask(b, 2, "db", DNS_TYPE_A);
	ask(b, 3, "web", DNS_TYPE_A);
	ask(b, 4, "web", DNS_TYPE_TXT);
	ask(b, 5, "nobody.lanlet.internal", DNS_TYPE_A);
	static const uint8_t rcodes[] = { DNS_RCODE_REFUSED, DNS_RCODE_REFUSED, DNS_RCODE_NOERROR, DNS_RCODE_NOERROR, DNS_RCODE_NXDOMAIN };
	for (uint16_t i = 0; i < ARRAY_SIZE(rcodes); i++)
		check_rcode(b, i, i + 1, rcodes[i]);
	g_assert_cmpuint(b->asked->len, ==, 0);
}

/* Class CH is about the server that is asked: the host's servers show nothing of theirs to guests. */
static void class_chaos_is_refused(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask_shape(b, &(struct query_shape){ .id = 1, .name = "version.bind", .type = DNS_TYPE_TXT, .class = DNS_CLASS_CH });
	check_rcode(b, 0, 1, DNS_RCODE_REFUSED);
	g_assert_cmpuint(b->asked->len, ==, 0);
}

static void other_queries_are_forwarded_with_a_new_id(void)
{
	static const uint16_t types[] = { DNS_TYPE_A, DNS_TYPE_AAAA, 15, 33, 43, 48, DNS_TYPE_HTTPS, DNS_TYPE_ANY, 65280 };
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	for (guint i = 0; i < ARRAY_SIZE(types); i++) {
		struct query_shape shape = { .id = 99, .name = "Www.eXample.com", .type = types[i], .edns_size = 1400, .dnssec_ok = true };
		g_autoptr(GByteArray) q = make_query(&shape);
		/* an unknown option, and bytes behind the message */
		q->data[q->len - 1] = 4;
		g_byte_array_append(q, (const uint8_t *)"\xff\xf0\0\0tail", 8);
		ask_bytes(b, WEB, 4000, q->data, q->len);
		const struct asked *a = asked_at(b, i);
		g_assert_cmpmem(a->bytes->data + 2, a->bytes->len - 2, q->data + 2, q->len - 2);
		g_assert_false(a->tcp);
	}
}

static void answer_is_returned_with_the_id_of_the_query(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask_shape(b, &(struct query_shape){ .id = 0x1234, .name = "example.com", .type = DNS_TYPE_A, .edns_size = 1232 });
	g_autoptr(GByteArray) bytes = make_answer(asked_at(b, 0), DNS_RCODE_NXDOMAIN, 700);
	bytes->data[3] |= 0x20; /* AD */
	g_assert_true(dns_upstream_answered(&b->upstream, b->now, asked_at(b, 0)->token, bytes->data, bytes->len));
	const struct told *t = told_at(b, 0);
	g_assert_cmphex(header_of(t->bytes).id, ==, 0x1234);
	g_assert_cmpmem(t->bytes->data + 2, t->bytes->len - 2, bytes->data + 2, bytes->len - 2);
	g_assert_cmphex(t->ip, ==, WEB);
	g_assert_cmpuint(t->port, ==, 4000);
	g_assert_cmpuint(next_deadline(b), ==, USEC_INFINITY);
}

static void ids_do_not_depend_on_the_ids_of_guests(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	guint same = 0, steps = 0;
	for (uint16_t i = 0; i < 100; i++) {
		g_autofree char *name = g_strdup_printf("n%u.example.com", i);
		ask(b, i, name, DNS_TYPE_A);
		uint16_t id = header_of(asked_at(b, i)->bytes).id;
		same += id == i;
		steps += i > 0 && (uint16_t)(id - header_of(asked_at(b, i - 1u)->bytes).id) < 16;
	}
	g_assert_cmpuint(same, <, 3);
	g_assert_cmpuint(steps, <, 5);
}

static void answer_that_does_not_fit_is_truncated(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	ask_shape(b, &(struct query_shape){ .id = 2, .name = "example.com", .type = DNS_TYPE_A, .edns_size = 600 });
	answer(b, 0, 0, DNS_UDP_MIN - asked_at(b, 0)->bytes->len);
	answer(b, 1, 0, 601 - asked_at(b, 1)->bytes->len);
	g_assert_false(header_of(told_at(b, 0)->bytes).truncated);
	g_assert_cmpuint(told_at(b, 0)->bytes->len, ==, DNS_UDP_MIN);
	struct dns_header h = header_of(told_at(b, 1)->bytes);
	g_assert_true(h.truncated);
	g_assert_cmphex(h.id, ==, 2);
	g_assert_cmpuint(h.n_questions, ==, 1);
	g_assert_cmpuint(h.n_answers, ==, 0);
	g_assert_cmpuint(h.n_additionals, ==, 1);
}

/* A message from the server that @edit has made invalid is not accepted. */
static void check_forgery(void (*edit)(GByteArray *answer))
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	g_autoptr(GByteArray) bytes = make_answer(asked_at(b, 0), 0, 0);
	edit(bytes);
	g_assert_false(dns_upstream_answered(&b->upstream, b->now, asked_at(b, 0)->token, bytes->data, bytes->len));
	g_assert_cmpuint(b->told->len, ==, 0);
	answer(b, 0, 0, 0);
	check_rcode(b, 0, 1, 0);
	struct dns_counters c;
	dns_get_counters(b->dns, &c);
	g_assert_cmpuint(c.forged, ==, 1);
	g_assert_cmpuint(c.answered, ==, 1);
}

/* The answer to the query @index, in which a record is missing. */
static GByteArray *make_cut_answer(struct dns_bench *b, guint index)
{
	GByteArray *bytes = make_answer(asked_at(b, index), 0, 0);
	bytes->data[7] = 1; /* ANCOUNT */
	return bytes;
}

static void answer_with_a_missing_record_has_the_next_server_asked(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 1, "example.com", DNS_TYPE_A);
	g_autoptr(GByteArray) cut = make_cut_answer(b, 0);
	g_assert_true(dns_upstream_answered(&b->upstream, b->now, asked_at(b, 0)->token, cut->data, cut->len));
	g_assert_cmpuint(b->told->len, ==, 0);
	g_assert_cmpuint(b->asked->len, ==, 2);
	answer(b, 1, 0, 0);
	check_rcode(b, 0, 1, DNS_RCODE_NOERROR);
	ask(b, 2, "example.com", DNS_TYPE_MX);
	for (guint i = 2; i < 4; i++) {
		g_autoptr(GByteArray) again = make_cut_answer(b, i);
		g_assert_true(dns_upstream_answered(&b->upstream, b->now, asked_at(b, i)->token, again->data, again->len));
	}
	check_rcode(b, 1, 2, DNS_RCODE_SERVFAIL);
	struct dns_counters c;
	dns_get_counters(b->dns, &c);
	g_assert_cmpuint(c.forged, ==, 3);
}

/* RFC 2181 §9: what is left of it is not used. */
static void truncated_answer_may_end_in_a_record(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 1, "example.com", DNS_TYPE_A);
	g_autoptr(GByteArray) cut = make_cut_answer(b, 0);
	cut->data[2] |= 2; /* TC */
	g_assert_true(dns_upstream_answered(&b->upstream, b->now, asked_at(b, 0)->token, cut->data, cut->len));
	g_assert_true(header_of(told_at(b, 0)->bytes).truncated);
}

static void edit_id(GByteArray *a)
{
	a->data[1] ^= 1;
}

static void edit_name(GByteArray *a)
{
	a->data[13] = 'b';
}

static void edit_type(GByteArray *a)
{
	a->data[a->len - 3] = 28;
}

static void edit_response_bit(GByteArray *a)
{
	a->data[2] &= 0x7f;
}

static void edit_length(GByteArray *a)
{
	g_byte_array_set_size(a, a->len - 1);
}

static void edit_question_count(GByteArray *a)
{
	a->data[5] = 0;
	g_byte_array_set_size(a, DNS_HEADER_LEN);
}

/* RFC 5452 §9.1 */
static void messages_that_do_not_match_the_query_are_ignored(void)
{
	check_forgery(edit_id);
	check_forgery(edit_name);
	check_forgery(edit_type);
	check_forgery(edit_response_bit);
	check_forgery(edit_length);
	check_forgery(edit_question_count);
}

static void answer_with_other_case_is_accepted(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "EXAMPLE.com", DNS_TYPE_A);
	g_autoptr(GByteArray) bytes = make_answer(asked_at(b, 0), 0, 0);
	bytes->data[13] = 'e';
	g_assert_true(dns_upstream_answered(&b->upstream, b->now, asked_at(b, 0)->token, bytes->data, bytes->len));
	g_assert_cmpuint(b->told->len, ==, 1);
}

/* Old servers answer EDNS with a bare FORMERR. */
static void error_without_question_is_accepted(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "example.com", DNS_TYPE_A);
	g_autoptr(GByteArray) bytes = make_answer(asked_at(b, 0), DNS_RCODE_FORMERR, 0);
	edit_question_count(bytes);
	g_assert_true(dns_upstream_answered(&b->upstream, b->now, asked_at(b, 0)->token, bytes->data, bytes->len));
	check_rcode(b, 0, 1, DNS_RCODE_FORMERR);
}

static void ask_from(struct dns_bench *b, ip4_t guest, uint16_t id)
{
	/* Equal queries are asked once. */
	g_autofree char *name = g_strdup_printf("n%u-%u.example.com", id, b->from);
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .id = id, .name = name, .type = DNS_TYPE_A });
	ask_bytes(b, guest, 4000, q->data, q->len);
}

/* Each open attempt has a descriptor, and can be guessed at (RFC 5452 §5). */
static void two_attempts_are_open_for_each_query_of_a_guest_with_many(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(3);
	for (uint16_t i = 0; i < 100; i++)
		ask_from(b, WEB, i);
	b->from = 1;
	ask_from(b, WEB, 1000);
	for (unsigned i = 0; i < 3; i++) {
		turn_clock(b, DNS_ATTEMPT_TIMEOUT);
		g_assert_cmpuint(alive(b), ==, 100 * 2 + i + 2);
	}
}

static void attempt_with_many_forged_answers_is_given_up(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(2);
	ask(b, 1, "example.com", DNS_TYPE_A);
	guint shots = 0;
	for (bool over = false; !over; shots++) {
		g_autoptr(GByteArray) bytes = make_answer(asked_at(b, 0), 0, 0);
		edit_id(bytes);
		over = dns_upstream_answered(&b->upstream, b->now, asked_at(b, 0)->token, bytes->data, bytes->len);
		g_assert_cmpuint(shots, <, 20);
	}
	g_assert_cmpuint(shots, ==, 16); /* each guess halves what is left of 2^16 ids and as many ports */
	g_assert_cmpuint(b->asked->len, ==, 2);
	g_assert_cmpuint(asked_at(b, 1)->server.endpoint.addr.b[15], ==, 1);
	answer(b, 0, 0, 0); /* too late: its id may have been guessed */
	g_assert_cmpuint(b->told->len, ==, 0);
	answer(b, 1, 0, 0);
	check_rcode(b, 0, 1, 0);
}

static void repeated_query_is_answered_once(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 5, "example.com", DNS_TYPE_A);
	ask(b, 5, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 1);
	ask(b, 5, "example.com", DNS_TYPE_AAAA);
	ask(b, 6, "example.com", DNS_TYPE_A);
	g_autoptr(GByteArray) same = make_query(&(struct query_shape){ .id = 5, .name = "example.com", .type = DNS_TYPE_A });
	ask_bytes(b, WEB, 4001, same->data, same->len);
	ask_bytes(b, WEB + 1, 4000, same->data, same->len);
	g_assert_cmpuint(b->asked->len, ==, 2);
	answer(b, 0, 0, 0);
	g_assert_cmpuint(b->told->len, ==, 4); /* the other three are not repetitions, but share the query */
	ask(b, 5, "example.com", DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, 3);
	g_assert_cmpuint(b->drops.count[DROP_DNS_LIMIT], ==, 0);
}

/* What one port gets when no other asks. */
#define ALONE (DNS_PENDING_MAX / 2)

static void oldest_query_of_a_port_is_given_up_at_its_share(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	b->from = 1;
	ask_from(b, WEB + 1, 1);
	b->from = 0;
	for (uint16_t i = 0; i < ALONE; i++)
		ask_from(b, WEB, i);
	g_assert_cmpuint(alive(b), ==, ALONE + 1);
	g_assert_cmpuint(b->drops.count[DROP_DNS_LIMIT], ==, 0);
	ask_from(b, WEB, 1000);
	g_assert_cmpuint(alive(b), ==, ALONE + 1);
	g_assert_cmpuint(b->drops.count[DROP_DNS_LIMIT], ==, 1);
	g_assert_false(asked_at(b, 0)->cancelled);
	g_assert_true(asked_at(b, 1)->cancelled);
	g_assert_false(asked_at(b, 2)->cancelled);
	answer(b, 2, 0, 0);
	ask_from(b, WEB, 1001);
	g_assert_cmpuint(b->drops.count[DROP_DNS_LIMIT], ==, 1);
	g_assert_cmpuint(b->told->len, ==, 1);
}

static void source_addresses_do_not_enlarge_a_share(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	for (unsigned i = 0; i < 3000; i++) {
		if (i % 100 == 50) {
			b->from = 1;
			ask_from(b, WEB, (uint16_t)i);
			b->from = 0;
		}
		ask_from(b, IP4(192, 168, 122, 2) + i % 200, (uint16_t)i);
	}
	g_assert_cmpuint(b->payers[1].n_dns_queries, ==, 30);
	for (guint i = 0; i < b->asked->len; i++)
		if (!asked_at(b, i)->cancelled)
			answer(b, i, 0, 0);
	unsigned answered = 0;
	for (guint i = 0; i < b->told->len; i++)
		answered += told_at(b, i)->ip == WEB && header_of(told_at(b, i)->bytes).id % 100 == 50;
	g_assert_cmpuint(answered, >=, 30);
}

/* Port @port asks for as much as it gets. */
static void ask_all(struct dns_bench *b, unsigned port)
{
	uint64_t before = b->drops.count[DROP_DNS_LIMIT];
	b->from = port;
	for (uint16_t id = 0; b->drops.count[DROP_DNS_LIMIT] == before; id++)
		ask_from(b, WEB, id);
}

static void port_without_a_query_takes_the_oldest_of_the_port_with_most(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	for (unsigned i = 0; alive(b) < DNS_PENDING_MAX; i++)
		ask_all(b, i);
	unsigned most = b->payers[0].n_dns_queries;
	g_assert_cmpuint(most, >, 100);
	b->from = BENCH_PORTS - 1;
	ask_from(b, WEB, 1);
	g_assert_cmpuint(alive(b), ==, DNS_PENDING_MAX);
	g_assert_cmpuint(b->payers[0].n_dns_queries, ==, most - 1);
	g_assert_cmpuint(b->payers[BENCH_PORTS - 1].n_dns_queries, ==, 1);
	for (unsigned i = 0; i < DNS_ATTEMPT_ROUNDS; i++)
		turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	g_assert_cmpuint(b->told->len, ==, DNS_PENDING_MAX);
	g_assert_cmpuint(alive(b), ==, 0);
	ask_from(b, WEB, 1);
	g_assert_cmpuint(alive(b), ==, 1);
}

static void query_outlives_its_port(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask_from(b, WEB, 1);
	b->payers[0].port = NULL;
	g_assert_cmpuint(b->payers[0].refs, >, 1);
	answer(b, 0, 0, 0);
	g_assert_cmpuint(b->payers[0].refs, ==, 1);
}

static void stale_events_are_ignored(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 5, "example.com", DNS_TYPE_A);
	answer(b, 0, 0, 0);
	ask(b, 6, "example.com", DNS_TYPE_A); /* uses the same index */
	answer(b, 0, 0, 0);
	fail(b, 0, -ECONNREFUSED);
	dns_upstream_failed(&b->upstream, b->now, UINT64_MAX, -ECONNREFUSED);
	g_assert_cmpuint(b->told->len, ==, 1);
	answer(b, 1, 0, 0);
	check_rcode(b, 1, 6, 0);
}

static void freeing_cancels_everything(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 5, "example.com", DNS_TYPE_A);
	dns_free(b->dns);
	b->dns = NULL;
	g_assert_cmpuint(alive(b), ==, 0);
	g_assert_null(b->upstream.dns);
}

static void oversized_query_is_refused(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .id = 5, .name = "example.com", .type = DNS_TYPE_A });
	g_byte_array_set_size(q, DNS_QUERY_MAX + 1);
	ask_bytes(b, WEB, 4000, q->data, q->len);
	check_rcode(b, 0, 5, DNS_RCODE_REFUSED);
	g_assert_cmpuint(b->asked->len, ==, 0);
	g_byte_array_set_size(q, DNS_QUERY_MAX);
	ask_bytes(b, WEB, 4001, q->data, q->len);
	g_assert_cmpuint(b->asked->len, ==, 1);
}

static void counters_match_the_events(void)
{
	g_autoptr(dns_bench) b = dns_bench_new_usual(1);
	ask(b, 1, "web", DNS_TYPE_A);
	ask(b, 2, "example.com", DNS_TYPE_A);
	answer(b, 0, 0, 0);
	ask(b, 3, "example.com", DNS_TYPE_A);
	for (unsigned i = 0; i < DNS_ATTEMPT_ROUNDS; i++)
		turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	struct dns_counters c;
	dns_get_counters(b->dns, &c);
	g_assert_cmpuint(c.queries, ==, 3);
	g_assert_cmpuint(c.local, ==, 1);
	g_assert_cmpuint(c.forwarded, ==, 2);
	g_assert_cmpuint(c.answered, ==, 1);
	g_assert_cmpuint(c.unanswered, ==, 1);
	g_assert_cmpuint(c.retries, ==, DNS_ATTEMPT_ROUNDS - 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/dns/" #f, f)
	ADD(local_answer_keeps_the_case_of_the_query);
	ADD(local_answer_has_edns_when_the_query_had_it);
	ADD(query_over_ipv6_is_answered_from_the_address_asked);
	ADD(queries_of_one_id_over_both_families_are_two);
	ADD(messages_to_other_hosts_are_not_taken);
	ADD(answers_runts_and_port_zero_are_dropped_and_counted);
	ADD(malformed_queries_are_formerr);
	ADD(other_opcodes_are_not_implemented);
	ADD(transfers_are_refused);
	ADD(guests_name_exists_when_the_server_outside_does_not_know_it);
	ADD(isolated_network_refuses_names_outside);
	ADD(class_chaos_is_refused);
	ADD(other_queries_are_forwarded_with_a_new_id);
	ADD(answer_is_returned_with_the_id_of_the_query);
	ADD(ids_do_not_depend_on_the_ids_of_guests);
	ADD(answer_that_does_not_fit_is_truncated);
	ADD(messages_that_do_not_match_the_query_are_ignored);
	ADD(answer_with_other_case_is_accepted);
	ADD(error_without_question_is_accepted);
	ADD(two_attempts_are_open_for_each_query_of_a_guest_with_many);
	ADD(attempt_with_many_forged_answers_is_given_up);
	ADD(answer_with_a_missing_record_has_the_next_server_asked);
	ADD(truncated_answer_may_end_in_a_record);
	ADD(repeated_query_is_answered_once);
	ADD(oldest_query_of_a_port_is_given_up_at_its_share);
	ADD(source_addresses_do_not_enlarge_a_share);
	ADD(port_without_a_query_takes_the_oldest_of_the_port_with_most);
	ADD(query_outlives_its_port);
	ADD(stale_events_are_ignored);
	ADD(freeing_cancels_everything);
	ADD(oversized_query_is_refused);
	ADD(counters_match_the_events);
	return g_test_run();
}
