/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS over TCP; the test acts as the engine. */
#include "support/dns_bench.h"

#include "gateway/stream_service.h"
#include "service/dns/forward.h"
#include "service/dns/stream.h"

/* Queries that one port gets when no other asks. */
#define ALONE (DNS_PENDING_MAX / 2)

struct client {
	struct local_stream stream;
	struct dns_bench *b;
	GByteArray *got;
	GByteArray *kept; /* input that the service did not use */
	size_t room;      /* bytes that send() takes */
	int send_error;
	bool shut, closed, resumed;
};

static ssize_t client_send(struct local_stream *s, const void *data, size_t len)
{
	struct client *c = container_of(s, struct client, stream);
	g_assert_false(c->closed);
	if (c->send_error < 0)
		return c->send_error;
	size_t n = MIN(len, c->room);
	c->room -= n;
	g_byte_array_append(c->got, data, (guint)n);
	return (ssize_t)n;
}

static void client_resume(struct local_stream *s)
{
	container_of(s, struct client, stream)->resumed = true;
}

static void client_shutdown(struct local_stream *s)
{
	struct client *c = container_of(s, struct client, stream);
	g_assert_false(c->shut);
	c->shut = true;
}

static void client_close(struct local_stream *s)
{
	struct client *c = container_of(s, struct client, stream);
	g_assert_false(c->closed);
	c->closed = true;
}

static const struct local_stream_ops client_ops = { client_send, client_resume, client_shutdown, client_close };

static const struct stream_service_ops *ops(struct dns_bench *b)
{
	return dns_stream_service(b->dns)->ops;
}

static struct client *try_open(struct dns_bench *b, ip4_t guest)
{
	struct client *c = g_new0(struct client, 1);
	*c = (struct client){
		.stream = { .ops = &client_ops, .payer = &b->payers[b->from], .guest = { ip_from_ip4(guest), 4000 } },
		.b = b,
		.got = g_byte_array_new(),
		.kept = g_byte_array_new(),
		.room = SIZE_MAX,
	};
	c->closed = !ops(b)->accept(dns_stream_service(b->dns), b->now, &c->stream);
	return c;
}

static struct client *open_stream(struct dns_bench *b)
{
	struct client *c = try_open(b, WEB);
	g_assert_false(c->closed);
	return c;
}

/* Ends the guest's side, unless the service has closed the stream. */
static void client_free(struct client *c)
{
	if (!c->closed)
		ops(c->b)->closed(dns_stream_service(c->b->dns), c->b->now, &c->stream);
	g_byte_array_unref(c->got);
	g_byte_array_unref(c->kept);
	g_free(c);
}

typedef struct client client;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(client, client_free)

/* Gives the service the bytes that it has not used, as an engine does. */
static void offer(struct client *c)
{
	c->resumed = false;
	size_t used = ops(c->b)->input(dns_stream_service(c->b->dns), c->b->now, &c->stream, c->kept->data, c->kept->len);
	g_assert_cmpuint(used, <=, c->kept->len);
	g_byte_array_remove_range(c->kept, 0, (guint)used);
}

static void append_message(GByteArray *to, const GByteArray *message)
{
	g_byte_array_append(to, (const uint8_t[]){ (uint8_t)(message->len >> 8), (uint8_t)message->len }, 2);
	g_byte_array_append(to, message->data, message->len);
}

static void append_query(GByteArray *to, uint16_t id, const char *name)
{
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .id = id, .name = name, .type = DNS_TYPE_A });
	append_message(to, q);
}

static void stream_ask(struct client *c, uint16_t id, const char *name)
{
	append_query(c->kept, id, name);
	offer(c);
}

/* The next message to the guest. */
static GByteArray *next_message(struct client *c)
{
	g_assert_cmpuint(c->got->len, >=, 2);
	guint len = (guint)c->got->data[0] << 8 | c->got->data[1];
	g_assert_cmpuint(c->got->len, >=, 2 + len);
	GByteArray *message = bytes_of(c->got->data + 2, len);
	g_byte_array_remove_range(c->got, 0, 2 + len);
	return message;
}

static void check_next(struct client *c, uint16_t id, uint8_t rcode)
{
	g_autoptr(GByteArray) message = next_message(c);
	g_assert_cmphex(header_of(message).id, ==, id);
	g_assert_cmpuint(header_of(message).rcode, ==, rcode);
}

static dns_bench *usual(unsigned servers)
{
	return dns_bench_new("lanlet.internal", "192.168.122.0/24", servers);
}

static void local_names_are_answered(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	stream_ask(c, 7, "web.lanlet.internal");
	g_autoptr(GByteArray) m = next_message(c);
	g_assert_cmphex(header_of(m).id, ==, 7);
	g_assert_cmpuint(header_of(m).n_answers, ==, 1);
	g_assert_cmpuint(c->got->len, ==, 0);
}

static void other_names_are_forwarded_over_tcp(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	stream_ask(c, 7, "example.com");
	g_assert_true(asked_at(b, 0)->tcp);
	g_assert_cmpuint(c->got->len, ==, 0);
	answer(b, 0, 0, 60000);
	g_autoptr(GByteArray) m = next_message(c);
	g_assert_cmphex(header_of(m).id, ==, 7);
	g_assert_cmpuint(m->len, ==, asked_at(b, 0)->bytes->len + 60000);
}

static void bytes_may_come_in_parts(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(GByteArray) all = g_byte_array_new();
	for (uint16_t id = 0; id < 5; id++)
		append_query(all, id, "web");
	for (guint piece = 1; piece <= all->len; piece++) {
		g_autoptr(client) c = open_stream(b);
		for (guint at = 0; at < all->len; at += piece) {
			g_byte_array_append(c->kept, all->data + at, MIN(piece, all->len - at));
			offer(c);
			g_assert_cmpuint(c->kept->len, ==, 0);
		}
		for (uint16_t id = 0; id < 5; id++)
			check_next(c, id, 0);
	}
}

/* RFC 7766 §6.2.1.1, §7 */
static void pipelined_queries_are_answered_as_answers_come(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	append_query(c->kept, 1, "a.example.com");
	append_query(c->kept, 2, "web");
	append_query(c->kept, 3, "b.example.com");
	offer(c);
	check_next(c, 2, 0);
	answer(b, 1, 0, 0);
	check_next(c, 3, 0);
	answer(b, 0, DNS_RCODE_NXDOMAIN, 0);
	check_next(c, 1, DNS_RCODE_NXDOMAIN);
}

static void impossible_lengths_close_the_stream(void)
{
	static const uint8_t lengths[][2] = { { 0, 0 }, { 0, DNS_HEADER_LEN - 1 }, { 0xff, 0xff } };
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		g_autoptr(dns_bench) b = usual(1);
		g_autoptr(client) c = open_stream(b);
		g_byte_array_append(c->kept, lengths[i], 2);
		offer(c);
		g_assert_true(c->closed);
		g_assert_cmpuint(b->drops.count[DROP_DNS_MALFORMED], ==, 1);
	}
}

static void answers_from_the_guest_close_the_stream(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	append_query(c->kept, 1, "web");
	c->kept->data[4] |= 0x80;
	append_query(c->kept, 2, "web");
	offer(c);
	g_assert_true(c->closed);
	g_assert_cmpuint(c->got->len, ==, 0);
	g_assert_cmpuint(b->drops.count[DROP_DNS_MALFORMED], ==, 1);
}

static void malformed_queries_are_formerr(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	append_query(c->kept, 1, "web");
	c->kept->data[2 + 5] = 9;
	offer(c);
	check_next(c, 1, DNS_RCODE_FORMERR);
	stream_ask(c, 2, "web");
	check_next(c, 2, 0);
}

static void pipeline_is_bounded_and_continues_after_answers(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	for (uint16_t id = 0; id < DNS_STREAM_PIPELINE + 3; id++) {
		g_autofree char *name = g_strdup_printf("n%u.example.com", id);
		append_query(c->kept, id, name);
	}
	offer(c);
	g_assert_cmpuint(b->asked->len, ==, DNS_STREAM_PIPELINE);
	g_assert_cmpuint(c->kept->len, >, 0);
	g_assert_false(c->resumed);
	offer(c); /* more bytes: still no room */
	g_assert_cmpuint(b->asked->len, ==, DNS_STREAM_PIPELINE);
	answer(b, 0, 0, 0);
	g_assert_cmpuint(b->asked->len, ==, DNS_STREAM_PIPELINE + 1);
	g_assert_true(c->resumed);
	offer(c);
	g_assert_cmpuint(b->asked->len, ==, DNS_STREAM_PIPELINE + 1);
	for (guint i = 1; i < DNS_STREAM_PIPELINE + 3; i++) {
		answer(b, i, 0, 0);
		if (c->resumed)
			offer(c);
	}
	g_assert_cmpuint(b->asked->len, ==, DNS_STREAM_PIPELINE + 3);
	for (uint16_t id = 0; id < DNS_STREAM_PIPELINE + 3; id++)
		check_next(c, id, 0);
	g_assert_cmpuint(b->drops.count[DROP_DNS_LIMIT], ==, 0);
}

/* Fills @guest's share of pending queries over UDP. */
static void fill_share(struct dns_bench *b)
{
	for (uint16_t i = 0; i < ALONE; i++)
		ask(b, i, fresh_name(b), DNS_TYPE_A);
	g_assert_cmpuint(b->asked->len, ==, ALONE);
}

static void stream_waits_for_the_guests_share(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	fill_share(b);
	stream_ask(c, 1, fresh_name(b));
	g_assert_cmpuint(b->asked->len, ==, ALONE);
	answer(b, 5, 0, 0);
	g_assert_cmpuint(b->asked->len, ==, ALONE + 1);
	answer(b, ALONE, 0, 0);
	check_next(c, 1, 0);
}

static void queries_of_streams_are_not_given_up_for_others(void)
{
	g_autoptr(dns_bench) b = usual(1);
	client *streams[ALONE / DNS_STREAM_PIPELINE];
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		streams[i] = open_stream(b);
		for (uint16_t id = 0; id < DNS_STREAM_PIPELINE; id++)
			stream_ask(streams[i], id, fresh_name(b));
	}
	ask(b, 1, fresh_name(b), DNS_TYPE_A);
	g_assert_cmpuint(alive(b), ==, ALONE);
	g_assert_cmpuint(b->asked->len, ==, ALONE);
	g_assert_cmpuint(b->drops.count[DROP_DNS_LIMIT], ==, 1);
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
		client_free(streams[i]);
}

static void stream_gets_the_share_of_a_closed_stream(void)
{
	g_autoptr(dns_bench) b = usual(1);
	client *others[ALONE / DNS_STREAM_PIPELINE];
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = open_stream(b);
		for (uint16_t id = 0; id < DNS_STREAM_PIPELINE; id++)
			stream_ask(others[i], id, fresh_name(b));
	}
	g_autoptr(client) c = open_stream(b);
	stream_ask(c, 1, fresh_name(b));
	g_assert_cmpuint(b->asked->len, ==, ALONE);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		client_free(others[i]);
	g_assert_cmpuint(alive(b), ==, 0);
	g_assert_cmpuint(next_deadline(b), <=, b->now);
	turn_clock(b, 0);
	g_assert_cmpuint(alive(b), ==, 1);
	g_assert_cmpuint(next_deadline(b), >, b->now);
}

static void answers_wait_until_the_guest_reads(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	c->room = 5;
	append_query(c->kept, 1, "web");
	append_query(c->kept, 2, "web");
	append_query(c->kept, 3, "web");
	offer(c);
	g_assert_cmpuint(c->got->len, ==, 5);
	g_assert_cmpuint(c->kept->len, >, 0); /* does not read on */
	c->room = 10;
	ops(b)->writable(dns_stream_service(b->dns), b->now, &c->stream);
	g_assert_cmpuint(c->got->len, ==, 15);
	g_assert_false(c->resumed);
	c->room = SIZE_MAX;
	ops(b)->writable(dns_stream_service(b->dns), b->now, &c->stream);
	g_assert_true(c->resumed);
	offer(c);
	for (uint16_t id = 1; id <= 3; id++)
		check_next(c, id, 0);
}

static void stream_of_a_guest_that_never_reads_is_closed(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	c->room = 0;
	for (uint16_t id = 0; id < 8; id++)
		stream_ask(c, id, fresh_name(b));
	for (guint i = 0; i < 8 && !c->closed; i++)
		answer(b, i, 0, 60000);
	g_assert_true(c->closed);
	g_assert_cmpuint(b->drops.count[DROP_DNS_LIMIT], ==, 1);
	guint open = 0;
	for (guint i = 5; i < 8; i++)
		open += !asked_at(b, i)->cancelled;
	g_assert_cmpuint(open, ==, 0);
	g_assert_cmpuint(next_deadline(b), ==, USEC_INFINITY);
}

static void guest_that_stopped_reading_is_closed(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	c->send_error = -EPIPE;
	append_query(c->kept, 1, "web");
	append_query(c->kept, 2, "web");
	offer(c);
	g_assert_true(c->closed);
	g_assert_cmpuint(c->kept->len, ==, 0);
}

static void half_closed_stream_gets_its_answers_then_fin(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	stream_ask(c, 1, "example.com");
	ops(b)->eof(dns_stream_service(b->dns), b->now, &c->stream);
	g_assert_false(c->shut);
	c->room = 3;
	answer(b, 0, 0, 0);
	g_assert_false(c->shut);
	c->room = SIZE_MAX;
	ops(b)->writable(dns_stream_service(b->dns), b->now, &c->stream);
	g_assert_true(c->shut);
	check_next(c, 1, 0);
}

static void fin_within_a_message_is_answered_with_fin(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	append_query(c->kept, 1, "web");
	g_byte_array_set_size(c->kept, 9);
	offer(c);
	ops(b)->eof(dns_stream_service(b->dns), b->now, &c->stream);
	g_assert_true(c->shut);
}

static void held_message_is_answered_before_fin(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	fill_share(b);
	stream_ask(c, 1, "web");
	ops(b)->eof(dns_stream_service(b->dns), b->now, &c->stream);
	g_assert_false(c->shut);
	answer(b, 0, 0, 0);
	check_next(c, 1, 0);
	g_assert_true(c->shut);
}

static void idle_streams_are_closed(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) quiet = open_stream(b), busy = open_stream(b);
	g_assert_cmpuint(next_deadline(b), ==, b->now + DNS_STREAM_IDLE);
	b->now += DNS_STREAM_IDLE / 2;
	stream_ask(busy, 1, "web");
	append_query(quiet->kept, 1, "web");
	g_byte_array_set_size(quiet->kept, 9); /* part of a message does not count as activity */
	offer(quiet);
	turn_clock(b, DNS_STREAM_IDLE / 2);
	g_assert_true(quiet->closed);
	g_assert_false(busy->closed);
	turn_clock(b, DNS_STREAM_IDLE / 2);
	g_assert_true(busy->closed);
	g_assert_cmpuint(next_deadline(b), ==, USEC_INFINITY);
}

static void stream_that_waits_for_an_answer_is_not_idle(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	b->now += DNS_STREAM_IDLE - 1;
	stream_ask(c, 1, "example.com");
	turn_clock(b, 1);
	g_assert_false(c->closed);
	answer(b, 0, 0, 0);
	check_next(c, 1, 0);
}

static void end_of_a_stream_cancels_its_queries_only(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	g_autoptr(client) other = open_stream(b);
	stream_ask(c, 1, "a.example.com");
	stream_ask(other, 2, "b.example.com");
	ask(b, 3, "c.example.com", DNS_TYPE_A);
	client_free(g_steal_pointer(&c));
	g_assert_true(asked_at(b, 0)->cancelled);
	g_assert_false(asked_at(b, 1)->cancelled);
	g_assert_false(asked_at(b, 2)->cancelled);
	answer(b, 1, 0, 0);
	check_next(other, 2, 0);
}

/* Port @port opens as many streams as it may. */
static void open_all(struct dns_bench *b, unsigned port, GPtrArray *clients)
{
	b->from = port;
	for (unsigned i = 0;; i++) {
		client *c = try_open(b, WEB + i % 64);
		if (c->closed) {
			client_free(c);
			return;
		}
		g_ptr_array_add(clients, c);
	}
}

static void streams_are_shared_among_ports(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(GPtrArray) clients = g_ptr_array_new_with_free_func((GDestroyNotify)client_free);
	open_all(b, 0, clients);
	g_assert_cmpuint(clients->len, ==, DNS_STREAMS_MAX / 2);
	g_assert_cmpuint(b->drops.count[DROP_DNS_LIMIT], ==, 1);
	open_all(b, 1, clients);
	g_assert_cmpuint(b->payers[1].n_dns_streams, >=, 16);
	g_ptr_array_set_size(clients, 1);
	b->from = 0;
	g_autoptr(client) again = try_open(b, WEB);
	g_assert_false(again->closed);
}

static void port_without_a_stream_takes_the_idlest_of_the_port_with_most(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(GPtrArray) clients = g_ptr_array_new_with_free_func((GDestroyNotify)client_free);
	for (unsigned i = 0; clients->len < DNS_STREAMS_MAX; i++) {
		g_assert_cmpuint(i, <, BENCH_PORTS - 1);
		open_all(b, i, clients);
	}
	b->from = BENCH_PORTS - 1;
	g_autoptr(client) late = try_open(b, WEB);
	g_assert_false(late->closed);
	g_assert_cmpuint(next_deadline(b), <=, b->now);
	turn_clock(b, 0);
	g_assert_false(late->closed);
	g_assert_true(((client *)clients->pdata[0])->closed);
	g_assert_false(((client *)clients->pdata[1])->closed);
	g_assert_cmpuint(next_deadline(b), >, b->now);
}

static void silent_servers_give_servfail_and_are_asked_once_each(void)
{
	g_autoptr(dns_bench) b = usual(2);
	g_autoptr(client) c = open_stream(b);
	stream_ask(c, 1, "example.com");
	for (unsigned i = 0; i < DNS_ATTEMPT_ROUNDS; i++)
		turn_clock(b, DNS_ATTEMPT_TIMEOUT);
	check_next(c, 1, DNS_RCODE_SERVFAIL);
	g_assert_cmpuint(b->asked->len, ==, 2);
	g_assert_cmpuint(alive(b), ==, 0);
}

static void wrong_message_over_tcp_ends_the_attempt(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	stream_ask(c, 1, "example.com");
	g_autoptr(GByteArray) bytes = make_answer(asked_at(b, 0), 0, 0);
	bytes->data[0] ^= 1;
	g_assert_true(dns_upstream_answered(&b->upstream, b->now, asked_at(b, 0)->token, bytes->data, bytes->len));
	check_next(c, 1, DNS_RCODE_SERVFAIL);
}

static void no_server_gives_servfail(void)
{
	g_autoptr(dns_bench) b = usual(0);
	g_autoptr(client) c = open_stream(b);
	stream_ask(c, 1, "example.com");
	check_next(c, 1, DNS_RCODE_SERVFAIL);
}

static void freeing_the_service_closes_its_streams(void)
{
	g_autoptr(dns_bench) b = usual(1);
	g_autoptr(client) c = open_stream(b);
	stream_ask(c, 1, "example.com");
	dns_free(b->dns);
	b->dns = NULL;
	g_assert_true(c->closed);
	g_assert_cmpuint(alive(b), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/dns-stream/" #f, f)
	ADD(local_names_are_answered);
	ADD(other_names_are_forwarded_over_tcp);
	ADD(bytes_may_come_in_parts);
	ADD(pipelined_queries_are_answered_as_answers_come);
	ADD(impossible_lengths_close_the_stream);
	ADD(answers_from_the_guest_close_the_stream);
	ADD(malformed_queries_are_formerr);
	ADD(pipeline_is_bounded_and_continues_after_answers);
	ADD(stream_waits_for_the_guests_share);
	ADD(queries_of_streams_are_not_given_up_for_others);
	ADD(stream_gets_the_share_of_a_closed_stream);
	ADD(answers_wait_until_the_guest_reads);
	ADD(stream_of_a_guest_that_never_reads_is_closed);
	ADD(guest_that_stopped_reading_is_closed);
	ADD(half_closed_stream_gets_its_answers_then_fin);
	ADD(fin_within_a_message_is_answered_with_fin);
	ADD(held_message_is_answered_before_fin);
	ADD(idle_streams_are_closed);
	ADD(stream_that_waits_for_an_answer_is_not_idle);
	ADD(end_of_a_stream_cancels_its_queries_only);
	ADD(streams_are_shared_among_ports);
	ADD(port_without_a_stream_takes_the_idlest_of_the_port_with_most);
	ADD(silent_servers_give_servfail_and_are_asked_once_each);
	ADD(wrong_message_over_tcp_ends_the_attempt);
	ADD(no_server_gives_servfail);
	ADD(freeing_the_service_closes_its_streams);
	return g_test_run();
}
