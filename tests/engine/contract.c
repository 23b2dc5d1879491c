/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "contract.h"

#include "echo_service.h"
#include "wire/checksum.h"

static void setup_with(struct fixture *f, gconstpointer data, const struct bench_options *options)
{
	f->row = data;
	f->fds = count_fds();
	f->s = (struct server){ .listener = -1, .fd = -1 };
	struct bench_options all = *options;
	all.no_peek_off = f->row->no_peek_off;
	all.family = f->row->family;
	server_set_family(f->row->family);
	bench_init(&f->b, f->row->ops, &all);
}

void setup(struct fixture *f, gconstpointer data)
{
	setup_with(f, data, &(struct bench_options){ 0 });
}

void setup_host_loopback(struct fixture *f, gconstpointer data)
{
	setup_with(f, data, &(struct bench_options){ .host_loopback = true });
}

void setup_64_sockets(struct fixture *f, gconstpointer data)
{
	setup_with(f, data, &(struct bench_options){ .max_sockets = 64 });
}

void setup_1024_sockets(struct fixture *f, gconstpointer data)
{
	setup_with(f, data, &(struct bench_options){ .max_sockets = 1024 });
}

void setup_large_mtu(struct fixture *f, gconstpointer data)
{
	setup_with(f, data, &(struct bench_options){ .guest_mtu = 65520 });
}

void teardown(struct fixture *f, gconstpointer data)
{
	bench_done(&f->b);
	server_close(&f->s);
	echo_service_free(f->echo);
	g_assert_cmpuint(count_fds(), ==, f->fds);
}

uint8_t *pattern(size_t len)
{
	uint8_t *p = g_malloc(len);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + i / 251);
	return p;
}

bool has_reset(void *t)
{
	return ((struct guest_tcp *)t)->reset_seen;
}

bool has_fin(void *t)
{
	return ((struct guest_tcp *)t)->fin_seen;
}

struct wanted {
	const struct guest_tcp *t;
	size_t len;
};

static bool has_received(void *opaque)
{
	const struct wanted *w = opaque;
	return w->t->received->len >= w->len || w->t->reset_seen;
}

bool wait_for(struct guest_tcp *t, size_t len)
{
	struct wanted w = { t, len };
	return bench_until(t->b, has_received, &w) && t->received->len >= len;
}

void connect_to(struct fixture *f, struct guest_tcp *t, ip4_t dial, ip4_t at)
{
	server_listen(&f->s, at, 0);
	guest_tcp_init(t, &f->b, GUEST, 40000, dial, f->s.port);
	g_assert_true(guest_tcp_connect(t));
	g_assert_true(server_accept(&f->s, &f->b));
}

uint32_t path_mtu(const struct fixture *f)
{
	return f->row->family == FAMILY_NAT64 ? 1520 : 1500; /* RFC 7915 §4.2 */
}

void assert_datagram(struct bench *b, ip4_t src, uint16_t src_port, ip4_t dst, uint16_t dst_port, const void *payload, size_t len)
{
	struct recorded_packet *p = bench_datagram(b);
	g_assert_nonnull(p);
	struct bytes_reader r = bytes_reader(p->l4, p->l4_len);
	struct udp_header h;
	g_assert_cmpint(udp_parse(&r, &h), ==, 0);
	g_assert_cmphex(p->ip.src, ==, src);
	g_assert_cmphex(p->ip.dst, ==, dst);
	g_assert_cmpuint(h.src_port, ==, src_port);
	g_assert_cmpuint(h.dst_port, ==, dst_port);
	g_assert_cmpmem(r.at, r.left, payload, len);
	recorded_packet_free(p);
}

static bool has_error(void *opaque)
{
	struct bench *b = opaque;
	return !g_queue_is_empty(&b->messages) || !g_queue_is_empty(&b->r.errors);
}

bool await_icmp_error(struct bench *b)
{
	return bench_until(b, has_error, b);
}

ip4_t assert_icmp_error(struct bench *b, uint8_t type, uint8_t code, ip4_t dst, uint8_t protocol)
{
	g_assert_true(await_icmp_error(b));
	struct recorded_error *e = recorder_error(&b->r);
	if (e) {
		ip4_t from = e->from != 0 ? e->from : GATEWAY;
		g_assert_cmpuint(e->type, ==, type);
		g_assert_cmpuint(e->code, ==, code);
		g_assert_cmphex(e->guest, ==, GUEST);
		g_assert_cmphex(e->dst, ==, dst);
		g_assert_cmpuint(e->protocol, ==, protocol);
		g_free(e);
		return from;
	}
	struct recorded_packet *m = bench_message(b);
	g_assert_nonnull(m);
	g_assert_cmphex(m->ip.dst, ==, GUEST);
	g_assert_cmpuint(m->l4[0], ==, type);
	g_assert_cmpuint(m->l4[1], ==, code);
	struct bytes_reader r = bytes_reader(m->l4 + ICMP4_HEADER_LEN, m->l4_len - ICMP4_HEADER_LEN);
	struct ipv4_header quoted;
	g_assert_cmpint(ipv4_parse(&r, &quoted), ==, 0);
	g_assert_cmphex(quoted.src, ==, GUEST);
	g_assert_cmphex(quoted.dst, ==, dst);
	g_assert_cmpuint(quoted.protocol, ==, protocol);
	g_assert_cmpuint(r.left, >=, 8);
	bool has_checksum = r.at[6] != 0 || r.at[7] != 0;
	if (protocol == IP_PROTOCOL_UDP && has_checksum && r.left + ipv4_header_len(&quoted) == quoted.total_len) {
		struct checksum c = { 0 };
		checksum_add_pseudo4(&c, quoted.src, quoted.dst, protocol, (uint16_t)r.left);
		checksum_add(&c, r.at, r.left);
		g_assert_true(checksum_is_right(&c));
	}
	ip4_t src = m->ip.src;
	recorded_packet_free(m);
	return src;
}
