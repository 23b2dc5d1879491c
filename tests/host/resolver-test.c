/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DNS service with the resolver and sockets.  Name servers on loopback run in the same process and event loop.  The clock of
 * the service does not advance, so nothing depends on a timeout.
 */
#include "gateway/stream_service.h"
#include "host/loop.h"
#include "host/resolver.h"
#include "service/dns/forward.h"
#include "support/dns_bench.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 5000

enum manner {
	ANSWERS,
	SILENT,
	GUESSES_FIRST,  /* a wrong id, then the right one */
	HANGS_UP,       /* TCP: closes instead of answering */
	HANGS_UP_EARLY, /* TCP: in the middle of the answer */
	DRIBBLES,       /* TCP: one byte at a time */
	LENGTH_OF_RUNT, /* TCP: a length below a header's */
};

/* A name server.  Answers are the query with QR set and `extra` bytes behind it. */
struct server {
	struct bench *bench;
	enum manner manner;
	size_t extra;
	struct watch udp, listener;
	struct dns_server address;
	GArray *ports; /* source ports of queries over UDP */
};

struct bench {
	struct loop loop;
	struct resolver *resolver;
	struct dns_bench *dns;
	int fds_before;
	GPtrArray *servers, *connections;
};

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	g_assert_nonnull(dir);
	int n = 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static GByteArray *answer_of(const struct server *s, const uint8_t *query, size_t len)
{
	GByteArray *a = bytes_of(query, len);
	g_assert_cmpuint(len, >=, DNS_HEADER_LEN);
	a->data[2] |= 0x80;
	guint old = a->len;
	g_byte_array_set_size(a, (guint)(len + s->extra));
	memset(a->data + old, 'x', s->extra);
	return a;
}

static void serve_udp(struct watch *w, usec_t now, unsigned events)
{
	struct server *s = container_of(w, struct server, udp);
	uint8_t query[DNS_QUERY_MAX];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(w->fd, query, sizeof(query), 0, (struct sockaddr *)&from, &from_len);
	if (n < 0)
		return;
	uint16_t port = ntohs(((struct sockaddr_in *)&from)->sin_port);
	g_array_append_val(s->ports, port);
	if (s->manner == SILENT)
		return;
	g_autoptr(GByteArray) a = answer_of(s, query, (size_t)n);
	if (s->manner == GUESSES_FIRST) {
		a->data[0] ^= 1;
		g_assert_cmpint(sendto(w->fd, a->data, a->len, 0, (struct sockaddr *)&from, from_len), >, 0);
		a->data[0] ^= 1;
	}
	g_assert_cmpint(sendto(w->fd, a->data, a->len, 0, (struct sockaddr *)&from, from_len), >, 0);
}

struct connection {
	struct server *server;
	struct watch watch;
	GByteArray *in, *out;
	guint at;
};

static void close_connection(struct connection *c)
{
	poller_unwatch(&c->server->bench->loop.poller, &c->watch);
	if (c->watch.fd >= 0)
		close(c->watch.fd);
	c->watch.fd = -1;
}

static void free_connection(void *opaque)
{
	struct connection *c = opaque;
	close_connection(c);
	g_byte_array_unref(c->in);
	g_byte_array_unref(c->out);
	g_free(c);
}

static void make_tcp_answer(struct connection *c)
{
	if (c->in->len < 2 || c->in->len < 2u + ((guint)c->in->data[0] << 8 | c->in->data[1]))
		return;
	g_autoptr(GByteArray) a = answer_of(c->server, c->in->data + 2, c->in->len - 2);
	guint len = c->server->manner == LENGTH_OF_RUNT ? 5 : a->len;
	g_byte_array_append(c->out, (const uint8_t[]){ (uint8_t)(len >> 8), (uint8_t)len }, 2);
	g_byte_array_append(c->out, a->data, a->len);
	poller_rewatch(&c->server->bench->loop.poller, &c->watch, POLL_EVENT_OUT);
}

static void serve_tcp(struct watch *w, usec_t now, unsigned events)
{
	struct connection *c = container_of(w, struct connection, watch);
	enum manner manner = c->server->manner;
	if (!(w->events & POLL_EVENT_OUT)) {
		uint8_t bytes[4096];
		ssize_t n = recv(w->fd, bytes, sizeof(bytes), 0);
		if (n <= 0 || manner == HANGS_UP) {
			close_connection(c);
			return;
		}
		g_byte_array_append(c->in, bytes, (guint)n);
		if (manner != SILENT)
			make_tcp_answer(c);
		return;
	}
	size_t left = c->out->len - c->at;
	ssize_t n = send(w->fd, c->out->data + c->at, manner == DRIBBLES ? 1 : manner == HANGS_UP_EARLY ? 20 : left, MSG_NOSIGNAL);
	if (n > 0)
		c->at += (guint)n;
	if (n < 0 || manner == HANGS_UP_EARLY)
		close_connection(c);
	else if (c->at == c->out->len)
		poller_rewatch(&c->server->bench->loop.poller, w, POLL_EVENT_IN);
}

static void serve_listener(struct watch *w, usec_t now, unsigned events)
{
	struct server *s = container_of(w, struct server, listener);
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct connection *c = g_new0(struct connection, 1);
	*c = (struct connection){ .server = s, .watch.ready = serve_tcp, .in = g_byte_array_new(), .out = g_byte_array_new() };
	g_assert_cmpint(poller_watch(&s->bench->loop.poller, &c->watch, fd, POLL_EVENT_IN), ==, 0);
	g_ptr_array_add(s->bench->connections, c);
}

static int bind_socket(int type, bool v6, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, v6 ? (struct sockaddr *)&sin6 : (struct sockaddr *)&sin, v6 ? sizeof(sin6) : sizeof(sin)) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address; /* sin6_port is at the offset of sin_port */
	socklen_t len = sizeof(address);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &len), ==, 0);
	return ntohs(address.sin6_port);
}

/* Binds one port for UDP and TCP. */
static uint16_t bind_both(bool v6, int *ret_udp, int *ret_tcp)
{
	for (int tries = 0; tries < 20; tries++) {
		*ret_udp = bind_socket(SOCK_DGRAM, v6, 0);
		g_assert_cmpint(*ret_udp, >=, 0);
		uint16_t port = port_of(*ret_udp);
		*ret_tcp = bind_socket(SOCK_STREAM, v6, port);
		if (*ret_tcp >= 0)
			return port;
		close(*ret_udp);
	}
	g_error("no port is free for both UDP and TCP");
}

static struct server *add_server_on(struct bench *b, enum manner manner, bool v6)
{
	struct server *s = g_new0(struct server, 1);
	int udp, tcp;
	uint16_t port = bind_both(v6, &udp, &tcp);
	g_assert_cmpint(listen(tcp, 100), ==, 0);
	*s = (struct server){ .bench = b, .manner = manner, .udp.ready = serve_udp, .listener.ready = serve_listener };
	s->address.endpoint = (struct ip_endpoint){ v6 ? (struct ip_addr){ { [15] = 1 } } : ip_from_ip4(IP4(127, 0, 0, 1)), port };
	s->ports = g_array_new(FALSE, FALSE, sizeof(uint16_t));
	g_assert_cmpint(poller_watch(&b->loop.poller, &s->udp, udp, POLL_EVENT_IN), ==, 0);
	g_assert_cmpint(poller_watch(&b->loop.poller, &s->listener, tcp, POLL_EVENT_IN), ==, 0);
	g_ptr_array_add(b->servers, s);
	return s;
}

static struct server *add_server(struct bench *b, enum manner manner)
{
	return add_server_on(b, manner, false);
}

static void free_server(void *opaque)
{
	struct server *s = opaque;
	poller_unwatch(&s->bench->loop.poller, &s->udp);
	poller_unwatch(&s->bench->loop.poller, &s->listener);
	close(s->udp.fd);
	close(s->listener.fd);
	g_array_unref(s->ports);
	g_free(s);
}

/* An address without a server. */
static struct dns_server closed_address(void)
{
	int udp, tcp;
	uint16_t port = bind_both(false, &udp, &tcp);
	close(udp);
	close(tcp);
	return (struct dns_server){ .endpoint = { ip_from_ip4(IP4(127, 0, 0, 1)), port } };
}

static void use(struct bench *b, const struct dns_server *first, const struct dns_server *second)
{
	struct dns_server_list list = { 0 };
	dns_server_list_add(&list, first);
	if (second)
		dns_server_list_add(&list, second);
	dns_set_outside(b->dns->dns, &(struct dns_outside){ .servers = list });
}

static struct bench *bench_new(void)
{
	struct bench *b = g_new0(struct bench, 1);
	b->fds_before = open_descriptors();
	g_assert_cmpint(loop_init(&b->loop), ==, 0);
	g_assert_cmpint(resolver_new(&b->loop.poller, &b->resolver), ==, 0);
	b->dns = dns_bench_new_with(resolver_upstream(b->resolver));
	b->servers = g_ptr_array_new_with_free_func(free_server);
	b->connections = g_ptr_array_new_with_free_func(free_connection);
	return b;
}

static void bench_free(struct bench *b)
{
	dns_bench_free(b->dns);
	resolver_free(b->resolver);
	g_ptr_array_unref(b->connections);
	g_ptr_array_unref(b->servers);
	loop_done(&b->loop, 0);
	g_assert_cmpint(open_descriptors(), ==, b->fds_before);
	g_free(b);
}

typedef struct bench bench;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(bench, bench_free)

/* Waits for an event and dispatches it; false after PATIENCE_MS without one. */
static bool turn(struct bench *b)
{
	struct pollfd p = { .fd = b->loop.epoll_fd, .events = POLLIN };
	int n = poll(&p, 1, PATIENCE_MS);
	g_assert_cmpint(loop_dispatch(&b->loop, b->dns->now), >=, 0);
	return n > 0;
}

static void wait_told(struct bench *b, guint messages)
{
	while (b->dns->told->len < messages)
		g_assert_true(turn(b));
}

static void check_told(struct bench *b, guint index, uint16_t id, uint8_t rcode)
{
	wait_told(b, index + 1);
	struct dns_header h = header_of(told_at(b->dns, index)->bytes);
	g_assert_cmphex(h.id, ==, id);
	g_assert_cmpuint(h.rcode, ==, rcode);
}

static void query_over_udp_is_answered(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, ANSWERS);
	use(b, &s->address, NULL);
	ask(b->dns, 7, "example.com", DNS_TYPE_A);
	check_told(b, 0, 7, 0);
}

static void server_on_ipv6_is_asked(void)
{
	int probe = bind_socket(SOCK_DGRAM, true, 0);
	if (probe < 0) {
		g_test_skip("no IPv6 on loopback");
		return;
	}
	close(probe);
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server_on(b, ANSWERS, true);
	use(b, &s->address, NULL);
	ask(b->dns, 7, "example.com", DNS_TYPE_A);
	check_told(b, 0, 7, 0);
}

static void closed_port_sends_the_query_to_the_next_server(void)
{
	g_autoptr(bench) b = bench_new();
	struct dns_server closed = closed_address();
	struct server *s = add_server(b, ANSWERS);
	use(b, &closed, &s->address);
	ask(b->dns, 7, "example.com", DNS_TYPE_A);
	check_told(b, 0, 7, 0);
	g_assert_cmpuint(s->ports->len, ==, 1);
}

static void closed_ports_of_all_servers_give_servfail(void)
{
	g_autoptr(bench) b = bench_new();
	struct dns_server closed = closed_address();
	use(b, &closed, NULL);
	ask(b->dns, 7, "example.com", DNS_TYPE_A);
	check_told(b, 0, 7, DNS_RCODE_SERVFAIL);
}

static void right_answer_after_a_wrong_one_is_accepted(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, GUESSES_FIRST);
	use(b, &s->address, NULL);
	ask(b->dns, 7, "example.com", DNS_TYPE_A);
	check_told(b, 0, 7, 0);
	struct dns_counters c;
	dns_get_counters(b->dns->dns, &c);
	g_assert_cmpuint(c.forged, ==, 1);
}

/* RFC 5452 §9.2: each query has its own port, without a pattern. */
static void ports_are_unpredictable(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, SILENT);
	use(b, &s->address, NULL);
	for (uint16_t i = 0; i < 50; i++)
		ask(b->dns, i, fresh_name(b->dns), DNS_TYPE_A);
	while (s->ports->len < 50)
		g_assert_true(turn(b));
	unsigned close_to_last = 0;
	for (guint i = 1; i < 50; i++) {
		int step = g_array_index(s->ports, uint16_t, i) - g_array_index(s->ports, uint16_t, i - 1);
		close_to_last += ABS(step) < 100;
		for (guint j = 0; j < i; j++)
			g_assert_cmpuint(g_array_index(s->ports, uint16_t, i), !=, g_array_index(s->ports, uint16_t, j));
	}
	g_assert_cmpuint(close_to_last, <, 10);
}

static void datagram_from_another_address_is_ignored(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, SILENT);
	use(b, &s->address, NULL);
	ask(b->dns, 7, "example.com", DNS_TYPE_A);
	while (s->ports->len == 0)
		g_assert_true(turn(b));
	int forger = bind_socket(SOCK_DGRAM, false, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(g_array_index(s->ports, uint16_t, 0)) };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sendto(forger, "forged answer", 13, 0, (struct sockaddr *)&to, sizeof(to));
	close(forger);
	/* Sent after the forged datagram: when this query is answered, the forged one was received. */
	s->manner = ANSWERS;
	ask(b->dns, 8, "example.com", DNS_TYPE_AAAA);
	check_told(b, 0, 8, 0);
	struct dns_counters c;
	dns_get_counters(b->dns->dns, &c);
	g_assert_cmpuint(c.forged, ==, 0);
}

static void many_queries_at_once_are_all_answered(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, ANSWERS);
	use(b, &s->address, NULL);
	for (uint16_t i = 0; i < 400; i++) {
		g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .id = i, .name = fresh_name(b->dns), .type = DNS_TYPE_A });
		ask_bytes(b->dns, IP4(192, 168, 122, 2) + i / 100, 4000, q->data, q->len);
		if (i % 100 == 99) /* the server's receive queue holds some 200 */
			wait_told(b, i + 1u);
	}
	g_assert_cmpuint(b->dns->drops.count[DROP_DNS_LIMIT], ==, 0);
}

static void no_free_descriptor_gives_servfail(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, ANSWERS);
	use(b, &s->address, NULL);
	struct rlimit before, none;
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	ask(b->dns, 7, "example.com", DNS_TYPE_A);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	check_told(b, 0, 7, DNS_RCODE_SERVFAIL);
	ask(b->dns, 8, "example.com", DNS_TYPE_A);
	check_told(b, 1, 8, 0);
}

static void unknown_scope_gives_servfail(void)
{
	g_autoptr(bench) b = bench_new();
	struct dns_server server;
	g_assert_cmpint(dns_server_parse("fe80::1%nosuch0", &server), ==, 0);
	use(b, &server, NULL);
	ask(b->dns, 7, "example.com", DNS_TYPE_A);
	check_told(b, 0, 7, DNS_RCODE_SERVFAIL);
}

static void freeing_with_pending_queries_leaks_nothing(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, SILENT);
	use(b, &s->address, NULL);
	for (uint16_t i = 0; i < 10; i++)
		ask(b->dns, i, fresh_name(b->dns), DNS_TYPE_A);
	turn(b);
}

/* A guest's TCP connection to the gateway. */
struct guest_stream {
	struct local_stream local;
	GByteArray *got;
};

static ssize_t stream_send(struct local_stream *s, const void *data, size_t len)
{
	g_byte_array_append(container_of(s, struct guest_stream, local)->got, data, (guint)len);
	return (ssize_t)len;
}

static void stream_ignore(struct local_stream *s)
{
}

static const struct local_stream_ops stream_ops = { stream_send, stream_ignore, stream_ignore, stream_ignore };

/* Opens a stream of @guest and sends a query. */
static void begin_over_tcp(struct bench *b, struct guest_stream *g, ip4_t guest, size_t query_padding)
{
	*g = (struct guest_stream){
		{ .ops = &stream_ops, .payer = &b->dns->payers[b->dns->from], .guest = { ip_from_ip4(guest), 4000 } },
		g_byte_array_new(),
	};
	struct stream_service *s = dns_stream_service(b->dns->dns);
	g_assert_true(s->ops->accept(s, b->dns->now, &g->local));
	g_autoptr(GByteArray) q = make_query(&(struct query_shape){ .id = 7, .name = fresh_name(b->dns), .type = DNS_TYPE_TXT });
	g_byte_array_set_size(q, (guint)(q->len + query_padding));
	g_autoptr(GByteArray) framed = bytes_of((const uint8_t[]){ (uint8_t)(q->len >> 8), (uint8_t)q->len }, 2);
	g_byte_array_append(framed, q->data, q->len);
	g_assert_cmpuint(s->ops->input(s, b->dns->now, &g->local, framed->data, framed->len), ==, framed->len);
}

/* The answer on the stream. */
static GByteArray *end_over_tcp(struct bench *b, struct guest_stream *g)
{
	struct stream_service *s = dns_stream_service(b->dns->dns);
	while (g->got->len < 2 || g->got->len < 2u + ((guint)g->got->data[0] << 8 | g->got->data[1]))
		g_assert_true(turn(b));
	s->ops->closed(s, b->dns->now, &g->local);
	g_byte_array_remove_range(g->got, 0, 2);
	g_assert_cmphex(header_of(g->got).id, ==, 7);
	return g->got;
}

static GByteArray *ask_over_tcp(struct bench *b, size_t query_padding)
{
	struct guest_stream g;
	begin_over_tcp(b, &g, WEB, query_padding);
	return end_over_tcp(b, &g);
}

static void query_over_tcp_is_answered_over_tcp(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, ANSWERS);
	s->extra = 60000;
	use(b, &s->address, NULL);
	g_autoptr(GByteArray) got = ask_over_tcp(b, 0);
	g_assert_cmpuint(got->len, >, 60000);
	for (guint i = got->len - 60000; i < got->len; i++)
		g_assert_cmpuint(got->data[i], ==, 'x');
	g_assert_cmpuint(s->ports->len, ==, 0);
}

static void answer_over_tcp_may_come_byte_by_byte(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, DRIBBLES);
	s->extra = 300;
	use(b, &s->address, NULL);
	g_autoptr(GByteArray) got = ask_over_tcp(b, 0);
	g_assert_cmpuint(header_of(got).rcode, ==, 0);
	g_assert_cmpuint(got->len, >, 300);
}

static void largest_query_passes_over_tcp(void)
{
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, ANSWERS);
	use(b, &s->address, NULL);
	g_autoptr(GByteArray) got = ask_over_tcp(b, 16000);
	g_assert_cmpuint(got->len, >, 16000);
}

static void broken_tcp_server_is_skipped_or_gives_servfail(void)
{
	static const enum manner broken[] = { HANGS_UP, HANGS_UP_EARLY, LENGTH_OF_RUNT };
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		g_autoptr(bench) b = bench_new();
		struct server *bad = add_server(b, broken[i]), *good = add_server(b, ANSWERS);
		use(b, &bad->address, NULL);
		g_autoptr(GByteArray) servfail = ask_over_tcp(b, 0);
		g_assert_cmpuint(header_of(servfail).rcode, ==, DNS_RCODE_SERVFAIL);
		use(b, &bad->address, &good->address);
		g_autoptr(GByteArray) passed_over = ask_over_tcp(b, 0);
		g_assert_cmpuint(header_of(passed_over).rcode, ==, 0);
	}
}

static void closed_tcp_port_is_skipped(void)
{
	g_autoptr(bench) b = bench_new();
	struct dns_server closed = closed_address();
	struct server *good = add_server(b, ANSWERS);
	use(b, &closed, &good->address);
	g_autoptr(GByteArray) got = ask_over_tcp(b, 0);
	g_assert_cmpuint(header_of(got).rcode, ==, 0);
}

/* unbound serves ten connections of all its clients at once, dnsmasq twenty; further ones would wait there until they time out. */
static void connections_to_a_server_are_bounded(void)
{
	enum { QUERIES = 40 };
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, ANSWERS);
	struct guest_stream g[QUERIES];
	use(b, &s->address, NULL);
	int before = open_descriptors();
	for (unsigned i = 0; i < QUERIES; i++)
		begin_over_tcp(b, &g[i], IP4(192, 168, 122, 2) + i / 10, 0);
	g_assert_cmpint(open_descriptors() - before, ==, 8);
	for (unsigned i = 0; i < QUERIES; i++) {
		g_autoptr(GByteArray) got = end_over_tcp(b, &g[i]);
		g_assert_cmpuint(header_of(got).rcode, ==, 0);
	}
}

static unsigned queries_received(const struct bench *b)
{
	unsigned n = 0;
	for (guint i = 0; i < b->connections->len; i++)
		n += ((struct connection *)b->connections->pdata[i])->in->len > 0;
	return n;
}

/* Of one port, which has all connections. */
static void queries_without_an_answer_do_not_delay_those_of_other_ports(void)
{
	enum { QUERIES = 12 };
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, SILENT);
	struct guest_stream g[QUERIES];
	use(b, &s->address, NULL);
	int before = open_descriptors();
	for (unsigned i = 0; i < QUERIES; i++)
		begin_over_tcp(b, &g[i], WEB, 0);
	g_assert_cmpint(open_descriptors() - before, ==, 8);
	while (queries_received(b) < 8)
		g_assert_true(turn(b));
	s->manner = ANSWERS;
	for (b->dns->from = 1; b->dns->from < 4; b->dns->from++) {
		g_autoptr(GByteArray) got = ask_over_tcp(b, 0);
		g_assert_cmpuint(header_of(got).rcode, ==, 0);
	}
	/* The first query lost its connection, and gets another one. */
	g_autoptr(GByteArray) first = end_over_tcp(b, &g[0]);
	g_assert_cmpuint(header_of(first).rcode, ==, 0);
	for (unsigned i = 1; i < QUERIES; i++) {
		dns_stream_service(b->dns->dns)->ops->closed(dns_stream_service(b->dns->dns), b->dns->now, &g[i].local);
		g_byte_array_unref(g[i].got);
	}
}

/* Queries that wait for a connection are sent to another server after the usual timeout. */
static void queries_waiting_for_a_silent_server_are_sent_to_another(void)
{
	enum { QUERIES = 20 };
	g_autoptr(bench) b = bench_new();
	struct server *silent = add_server(b, SILENT), *good = add_server(b, ANSWERS);
	struct guest_stream g[QUERIES];
	use(b, &silent->address, &good->address);
	for (unsigned i = 0; i < QUERIES; i++)
		begin_over_tcp(b, &g[i], IP4(192, 168, 122, 2) + i / 10, 0);
	turn_clock(b->dns, DNS_ATTEMPT_TIMEOUT);
	for (unsigned i = 0; i < QUERIES; i++) {
		g_autoptr(GByteArray) got = end_over_tcp(b, &g[i]);
		g_assert_cmpuint(header_of(got).rcode, ==, 0);
	}
}

static void failed_connection_lets_a_waiting_query_connect(void)
{
	enum { QUERIES = 40 };
	g_autoptr(bench) b = bench_new();
	struct server *s = add_server(b, HANGS_UP);
	struct guest_stream g[QUERIES];
	use(b, &s->address, NULL);
	for (unsigned i = 0; i < QUERIES; i++)
		begin_over_tcp(b, &g[i], IP4(192, 168, 122, 2) + i / 10, 0);
	for (unsigned i = 0; i < QUERIES; i++) {
		g_autoptr(GByteArray) got = end_over_tcp(b, &g[i]);
		g_assert_cmpuint(header_of(got).rcode, ==, DNS_RCODE_SERVFAIL);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/resolver/" #f, f)
	ADD(query_over_udp_is_answered);
	ADD(server_on_ipv6_is_asked);
	ADD(closed_port_sends_the_query_to_the_next_server);
	ADD(closed_ports_of_all_servers_give_servfail);
	ADD(right_answer_after_a_wrong_one_is_accepted);
	ADD(ports_are_unpredictable);
	ADD(datagram_from_another_address_is_ignored);
	ADD(many_queries_at_once_are_all_answered);
	ADD(no_free_descriptor_gives_servfail);
	ADD(unknown_scope_gives_servfail);
	ADD(freeing_with_pending_queries_leaks_nothing);
	ADD(query_over_tcp_is_answered_over_tcp);
	ADD(answer_over_tcp_may_come_byte_by_byte);
	ADD(largest_query_passes_over_tcp);
	ADD(broken_tcp_server_is_skipped_or_gives_servfail);
	ADD(closed_tcp_port_is_skipped);
	ADD(connections_to_a_server_are_bounded);
	ADD(queries_without_an_answer_do_not_delay_those_of_other_ports);
	ADD(queries_waiting_for_a_silent_server_are_sent_to_another);
	ADD(failed_connection_lets_a_waiting_query_connect);
	return g_test_run();
}
