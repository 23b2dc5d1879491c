/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors in the native engine, from outside and from guests. */
#include "native.h"

#include "wire/checksum.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* RFC 4787 REQ-12. */
static void an_error_does_not_end_a_mapping(struct fixture *f, gconstpointer row)
{
	struct sockaddr_in before, after;
	server_bind_udp(&f->s, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "a", 1, 63);
	server_expect_datagram(&f->s, &f->b, "a", 1, &before);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, free_port(), "anyone?", 7, 63);
	assert_icmp_error(&f->b, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PORT, SERVER, IP_PROTOCOL_UDP);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "b", 1, 63);
	server_expect_datagram(&f->s, &f->b, "b", 1, &after);
	g_assert_cmpuint(before.sin_port, ==, after.sin_port);
	server_answer(&f->s, &after, "B", 1);
	assert_datagram(&f->b, SERVER, f->s.port, GUEST, 5000, "B", 1);
}

/* Timestamp requests (RFC 792), and errors about packets that were never sent. */
static void icmp_messages_without_a_destination_outside_are_counted(struct fixture *f, gconstpointer row)
{
	static const struct icmp4_header messages[] = { { .type = 13 }, { .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACHABLE_PORT } };
	for (unsigned i = 0; i < G_N_ELEMENTS(messages); i++) {
		uint8_t message[ICMP4_HEADER_LEN + 12];
		struct bytes_writer w = bytes_writer(message, sizeof(message));
		icmp4_emit(&w, &messages[i], "nothing here", 12);
		bench_input(&f->b, GUEST, SERVER, IP_PROTOCOL_ICMP, 63, message, w.len);
		g_assert_cmpuint(f->b.r.drops.count[DROP_ICMP_TYPE], ==, i + 1);
	}
}

static void connection_attempt_is_told_which_router_prohibits_it(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 40000, PROHIBITED, 80);
	guest_tcp_syn(&t);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_ADMIN, PROHIBITED, IP_PROTOCOL_TCP), ==, ROUTER);
	g_assert_false(t.reset_seen);
	guest_tcp_done(&t);
}

static void connection_attempt_is_told_where_its_ttl_ran_out(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 40000, BEYOND, 80);
	t.ttl = 1;
	guest_tcp_syn(&t);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_TIME_EXCEEDED, 0, BEYOND, IP_PROTOCOL_TCP), ==, ROUTER);
	guest_tcp_done(&t);
}

/* The header of the guest's packet in the ICMP error that came. */
static struct ipv4_header quoted_header(struct fixture *f)
{
	struct ipv4_header quoted;
	struct recorded_packet *m = bench_message(&f->b);
	g_assert_nonnull(m);
	struct bytes_reader r = bytes_reader(m->l4 + ICMP4_HEADER_LEN, m->l4_len - ICMP4_HEADER_LEN);
	g_assert_cmpint(ipv4_parse(&r, &quoted), ==, 0);
	recorded_packet_free(m);
	return quoted;
}

static void set_fields(struct fixture *f, uint16_t id, uint8_t tos, bool dont_fragment)
{
	f->b.id = id;
	f->b.tos = tos;
	f->b.dont_fragment = dont_fragment;
}

static void assert_quoted(struct fixture *f, uint16_t id, uint8_t tos, bool dont_fragment)
{
	struct ipv4_header quoted = quoted_header(f);
	g_assert_cmphex(quoted.id, ==, id);
	g_assert_cmphex(quoted.tos, ==, tos);
	g_assert_cmpint(quoted.dont_fragment, ==, dont_fragment);
}

/* Like traceroute, which has several probes under way (RFC 5508 REQ-4). */
static void errors_quote_identification_tos_and_df_of_datagrams(struct fixture *f, gconstpointer row)
{
	for (unsigned i = 0; i < 8; i++) {
		set_fields(f, (uint16_t)(0x1200 + i), (uint8_t)(4 * i), i % 2);
		guest_udp_send(&f->b, GUEST, 5000, BEYOND, (uint16_t)(33434 + i), "probe", 5, 1);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_quoted(f, (uint16_t)(0x1200 + i), (uint8_t)(4 * i), i % 2);
}

static void errors_quote_identification_tos_and_df_of_pings(struct fixture *f, gconstpointer row)
{
	for (unsigned i = 0; i < 16; i++) {
		set_fields(f, (uint16_t)(0x1200 + i), (uint8_t)(4 * i), i % 2);
		guest_ping(&f->b, GUEST, BEYOND, 842, (uint16_t)i, "abcdefgh", 8, 1);
	}
	for (unsigned i = 0; i < 16; i++)
		assert_quoted(f, (uint16_t)(0x1200 + i), (uint8_t)(4 * i), i % 2);
}

static void errors_quote_identification_tos_and_df_of_a_syn(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 40000, PROHIBITED, 80);
	set_fields(f, 0x1234, 0x48, true);
	guest_tcp_syn(&t);
	assert_quoted(f, 0x1234, 0x48, true);
	guest_tcp_done(&t);
}

static bool nft(const char *what)
{
	g_autofree char *command = g_strdup_printf("PATH=$PATH:/usr/sbin:/sbin nft '%s'", what);
	return system(command) == 0;
}

/* The socket says no, and the firewall's ICMP error is in its queue. */
static void packet_that_the_hosts_firewall_rejects_gives_one_error(struct fixture *f, gconstpointer row)
{
	if (!nft("add table ip t; add chain ip t out { type filter hook output priority 0; }; "
		 "add rule ip t out udp dport 9 reject with icmp host-prohibited; "
		 "add rule ip t out icmp type echo-request reject with icmp host-prohibited; add rule ip t out udp dport 7 drop")) {
		g_test_skip("nft cannot be run");
		return;
	}
	guest_udp_send(&f->b, GUEST, 5000, SERVER, 9, "x", 1, 63);
	assert_icmp_error(&f->b, ICMP4_UNREACHABLE, 10, SERVER, IP_PROTOCOL_UDP);
	guest_ping(&f->b, GUEST, SERVER, 842, 1, "abcdefgh", 8, 63);
	assert_icmp_error(&f->b, ICMP4_UNREACHABLE, 10, SERVER, IP_PROTOCOL_ICMP);
	/* Without a reason of the firewall's. */
	guest_udp_send(&f->b, GUEST, 5000, SERVER, 7, "x", 1, 63);
	assert_icmp_error(&f->b, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_ADMIN, SERVER, IP_PROTOCOL_UDP);
	bench_run_for(&f->b, 50);
	g_assert_true(g_queue_is_empty(&f->b.messages));
	g_assert_null(recorder_error(&f->b.r));
	g_assert_true(nft("delete table ip t"));
}

struct segment_start {
	uint16_t src_port, dst_port;
	uint32_t seq;
};

/* Sends the host an ICMP error about a TCP segment that it sent from @src to @dst. */
static void tell_host(ip4_t src, ip4_t dst, uint8_t code, const struct segment_start *segment)
{
	uint8_t body[IPV4_HEADER_LEN + 8], message[ICMP4_HEADER_LEN + sizeof(body)];
	struct bytes_writer b = bytes_writer(body, sizeof(body)), w = bytes_writer(message, sizeof(message));
	ipv4_emit(&b, &(struct ipv4_header){ .total_len = 60, .ttl = 60, .protocol = IP_PROTOCOL_TCP, .src = src, .dst = dst });
	bytes_put_be16(&b, segment->src_port);
	bytes_put_be16(&b, segment->dst_port);
	bytes_put_be32(&b, segment->seq);
	icmp4_emit(&w, &(struct icmp4_header){ .type = ICMP4_UNREACHABLE, .code = code }, body, b.len);
	int raw = raw_socket(IPPROTO_ICMP);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(src) };
	g_assert_cmpint(sendto(raw, message, w.len, 0, (struct sockaddr *)&to, sizeof(to)), ==, (ssize_t)w.len);
	close(raw);
}

static struct segment_start next_segment(int raw)
{
	uint8_t packet[200];
	ssize_t n = recv(raw, packet, sizeof(packet), 0);
	g_assert_cmpint(n, >=, IPV4_HEADER_LEN + TCP_HEADER_LEN);
	struct bytes_reader r = bytes_reader(packet + IPV4_HEADER_LEN, 8);
	struct segment_start s = { .src_port = bytes_get_be16(&r) };
	s.dst_port = bytes_get_be16(&r);
	s.seq = bytes_get_be32(&r);
	return s;
}

/* RFC 5382 REQ-10, RFC 1122 §4.2.3.9. */
static void an_error_about_an_open_connection_is_a_hint(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	struct segment_start sent;
	connect_to(f, &t, SERVER, SERVER);
	int raw = raw_socket(IPPROTO_TCP);
	server_expect(&f->s, 4);
	g_assert_true(guest_tcp_send(&t, "ping", 4));
	g_assert_true(server_received_all(&f->s, &f->b));
	do
		sent = next_segment(raw);
	while (sent.dst_port != f->s.port);
	close(raw);
	sent.seq += 4; /* the next byte: these bytes are acknowledged */
	static const uint8_t codes[] = { ICMP4_UNREACHABLE_HOST, ICMP4_UNREACHABLE_PORT, ICMP4_UNREACHABLE_ADMIN };
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		tell_host(SERVER, SERVER, codes[i], &sent);
		bench_run_for(&f->b, 20);
	}
	server_send(&f->s, "pong", 4);
	g_assert_true(wait_for(&t, 4));
	server_expect(&f->s, 5);
	g_assert_true(guest_tcp_send(&t, "again", 5));
	g_assert_true(server_received_all(&f->s, &f->b));
	g_assert_false(t.reset_seen);
	guest_tcp_done(&t);
}

/* Sends fragmentation needed from @from about the segment at @seq that @t received; @damage corrupts the quoted IP header. */
static void guest_needs_fragments_for(struct guest_tcp *t, ip4_t from, uint32_t seq, uint16_t mtu, uint16_t quoted_len, uint8_t damage)
{
	uint8_t body[IPV4_HEADER_LEN + 8], message[ICMP4_HEADER_LEN + sizeof(body)];
	struct bytes_writer b = bytes_writer(body, sizeof(body)), w = bytes_writer(message, sizeof(message));
	ipv4_emit(&b, &(struct ipv4_header){ .total_len = quoted_len,
					     .dont_fragment = true,
					     .ttl = 64,
					     .protocol = IP_PROTOCOL_TCP,
					     .src = t->peer,
					     .dst = t->ip });
	body[0] ^= damage;
	bytes_put_be16(&b, t->peer_port);
	bytes_put_be16(&b, t->port);
	bytes_put_be32(&b, seq);
	icmp4_emit(&w, &(struct icmp4_header){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACHABLE_FRAG_NEEDED, .rest = mtu }, body,
		   b.len);
	bench_input(t->b, from, t->peer, IP_PROTOCOL_ICMP, 63, message, w.len);
}

static void guest_needs_fragments(struct guest_tcp *t, ip4_t from, uint32_t seq, uint16_t mtu, uint16_t quoted_len)
{
	guest_needs_fragments_for(t, from, seq, mtu, quoted_len, 0);
}

/* Sends @len bytes to @t; all segments of the first attempt are lost. */
static uint8_t *lose_download(struct fixture *f, struct guest_tcp *t, size_t len)
{
	uint8_t *bytes = pattern(len);
	g_ptr_array_remove_fast(f->b.tcp, t);
	server_send(&f->s, bytes, len);
	bench_run_for(&f->b, 20);
	g_assert_false(g_queue_is_empty(&f->b.strays));
	return bytes;
}

static void assert_download(struct fixture *f, struct guest_tcp *t, uint8_t *bytes, size_t len)
{
	g_ptr_array_add(f->b.tcp, t);
	t->largest = 0;
	g_assert_true(wait_for(t, len));
	g_assert_cmpmem(t->received->data, t->received->len, bytes, len);
	g_free(bytes);
}

static void a_guests_fragmentation_needed_makes_segments_smaller(struct fixture *f, gconstpointer row)
{
	static const size_t len = 30000;
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	uint8_t *bytes = lose_download(f, &t, len);
	/* First false errors: from another guest, about bytes that are not in flight, about no flow of the guest. */
	guest_needs_fragments(&t, GUEST + 1, t.expected, 300, 1500);
	guest_needs_fragments(&t, GUEST, t.expected - 5000, 300, 1500);
	guest_needs_fragments(&t, GUEST, t.expected + 1000000, 300, 1500);
	t.port++;
	guest_needs_fragments(&t, GUEST, t.expected, 300, 1500);
	t.port--;
	/* RFC 5508 REQ-3(a). */
	guest_needs_fragments_for(&t, GUEST, t.expected, 300, 1500, 0x10);
	guest_needs_fragments(&t, GUEST, t.expected, 1000, 1500);
	assert_download(f, &t, bytes, len);
	g_assert_cmpuint(t.largest, <=, 960);
	g_assert_cmpuint(t.largest, >, 900);
	guest_tcp_done(&t);
}

static void mtu_of_a_router_that_reports_none_is_guessed(struct fixture *f, gconstpointer row)
{
	static const size_t len = 30000;
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	uint8_t *bytes = lose_download(f, &t, len);
	guest_needs_fragments(&t, GUEST, t.expected, 0, 1492);
	assert_download(f, &t, bytes, len);
	g_assert_cmpuint(t.largest, <=, 1006 - 40);
	g_assert_cmpuint(t.largest, >, 900);
	guest_tcp_done(&t);
}

const struct contract_test native_errors[] = {
	{ "an_error_does_not_end_a_mapping", an_error_does_not_end_a_mapping, native_setup_plain },
	{ "icmp_messages_without_a_destination_outside_are_counted", icmp_messages_without_a_destination_outside_are_counted,
	  native_setup_plain },
	{ "connection_attempt_is_told_which_router_prohibits_it", connection_attempt_is_told_which_router_prohibits_it,
	  native_setup_plain },
	{ "connection_attempt_is_told_where_its_ttl_ran_out", connection_attempt_is_told_where_its_ttl_ran_out, native_setup_plain },
	{ "errors_quote_identification_tos_and_df_of_datagrams", errors_quote_identification_tos_and_df_of_datagrams, native_setup_plain },
	{ "errors_quote_identification_tos_and_df_of_pings", errors_quote_identification_tos_and_df_of_pings, native_setup_plain },
	{ "errors_quote_identification_tos_and_df_of_a_syn", errors_quote_identification_tos_and_df_of_a_syn, native_setup_plain },
	{ "packet_that_the_hosts_firewall_rejects_gives_one_error", packet_that_the_hosts_firewall_rejects_gives_one_error,
	  native_setup_plain },
	{ "an_error_about_an_open_connection_is_a_hint", an_error_about_an_open_connection_is_a_hint, native_setup_plain },
	{ "a_guests_fragmentation_needed_makes_segments_smaller", a_guests_fragmentation_needed_makes_segments_smaller,
	  native_setup_plain },
	{ "mtu_of_a_router_that_reports_none_is_guessed", mtu_of_a_router_that_reports_none_is_guessed, native_setup_plain },
	{ 0 },
};
