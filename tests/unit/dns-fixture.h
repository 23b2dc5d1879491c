/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DNS service between a recorder of what guests get and a recorder of what servers are asked, with a clock turned by hand. */
#pragma once

#include "base/arena.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/service.h"
#include "lan/sink.h"
#include "service/dns.h"
#include "service/dns_names.h"
#include "service/dns_server.h"
#include "service/dns_upstream.h"
#include "wire/checksum.h"
#include "wire/dns.h"
#include "wire/udp.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h" /* behind glib: its MIN and MAX evaluate twice */

#define GATEWAY IP4(192, 168, 122, 1)
#define WEB IP4(192, 168, 122, 63)

/* A message to a guest. */
struct told {
	ip4_t ip;
	uint16_t port;
	struct mac mac;
	GByteArray *bytes;
};

/* A transaction. */
struct asked {
	dns_token token;
	struct dns_server server;
	bool tcp, cancelled;
	GByteArray *bytes;
};

struct fixture {
	usec_t now;
	struct dns *dns;
	struct sink sink;
	struct dns_names names;
	struct dns_upstream upstream;
	struct arena arena;
	GPtrArray *told, *asked;
	struct drop_counters drops;
	int send_errors[DNS_SERVERS_MAX]; /* what send() returns for the server with this last octet */
};

static inline void free_told(void *opaque)
{
	struct told *t = opaque;
	g_byte_array_unref(t->bytes);
	g_free(t);
}

static inline void free_asked(void *opaque)
{
	struct asked *a = opaque;
	g_byte_array_unref(a->bytes);
	g_free(a);
}

static inline GByteArray *bytes_of(const void *data, size_t len)
{
	return g_byte_array_append(g_byte_array_new(), data, (guint)len);
}

static inline void record_udp(struct sink *s, usec_t now, const struct sink_udp *datagram)
{
	struct fixture *f = container_of(s, struct fixture, sink);
	struct told *t = g_new0(struct told, 1);
	g_assert_cmphex(datagram->src, ==, GATEWAY);
	g_assert_cmpuint(datagram->src_port, ==, DNS_PORT);
	t->ip = datagram->dst;
	t->port = datagram->dst_port;
	t->mac = *datagram->dst_mac;
	t->bytes = bytes_of(datagram->payload, datagram->len);
	g_ptr_array_add(f->told, t);
}

static inline void record_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
	drop_count(&container_of(s, struct fixture, sink)->drops, why);
}

static inline int record_send(struct dns_upstream *u, usec_t now, const struct dns_upstream_query *q)
{
	struct fixture *f = container_of(u, struct fixture, upstream);
	int error = f->send_errors[q->server->endpoint.addr.b[15] % DNS_SERVERS_MAX];
	if (error < 0)
		return error;
	struct asked *a = g_new0(struct asked, 1);
	*a = (struct asked){ .token = q->token, .server = *q->server, .tcp = q->tcp, .bytes = bytes_of(q->bytes, q->len) };
	for (guint i = 0; i < f->asked->len; i++)
		g_assert_cmpuint(((struct asked *)f->asked->pdata[i])->token, !=, q->token);
	g_ptr_array_add(f->asked, a);
	return 0;
}

static inline void record_cancel(struct dns_upstream *u, dns_token token)
{
	struct fixture *f = container_of(u, struct fixture, upstream);
	for (guint i = 0; i < f->asked->len; i++) {
		struct asked *a = f->asked->pdata[i];
		if (a->token == token)
			a->cancelled = true;
	}
}

/* One guest, "web". */
static inline int find_web(struct dns_names *n, usec_t now, const char *name, ip4_t *ret)
{
	if (strcmp(name, "web") != 0)
		return -ENOENT;
	*ret = WEB;
	return 0;
}

static inline int find_webs_name(struct dns_names *n, usec_t now, ip4_t ip, char ret[static DNS_LABEL_MAX + 1])
{
	if (ip != WEB)
		return -ENOENT;
	g_strlcpy(ret, "web", DNS_LABEL_MAX + 1);
	return 0;
}

static const struct sink_ops record_sink_ops = { .udp = record_udp, .drop = record_drop };
static const struct dns_names_ops web_names_ops = { .find_name = find_web, .find_address = find_webs_name };
static const struct dns_upstream_ops record_upstream_ops = { .send = record_send, .cancel = record_cancel };

/* @servers: how many, 10.0.0.0, 10.0.0.1, … */
static inline void set_servers(struct fixture *f, unsigned servers)
{
	struct dns_server_list list = { 0 };
	for (unsigned i = 0; i < servers; i++)
		dns_server_list_add(&list, &(struct dns_server){ .endpoint = { ip_from_ip4(IP4(10, 0, 0, i)), DNS_PORT } });
	dns_set_servers(f->dns, &list);
}

static inline struct fixture *fixture_new(const char *domain, const char *subnet, unsigned servers)
{
	struct fixture *f = g_new0(struct fixture, 1);
	f->now = 1000 * USEC_PER_SEC;
	f->sink.ops = &record_sink_ops;
	f->names.ops = &web_names_ops;
	f->upstream.ops = &record_upstream_ops;
	f->told = g_ptr_array_new_with_free_func(free_told);
	f->asked = g_ptr_array_new_with_free_func(free_asked);
	arena_init(&f->arena, 1 << 20);
	struct dns_config config = {
		.gateway = GATEWAY,
		.domain = domain,
		.hash_key = { { 1, 2 } },
		.names = &f->names,
		.upstream = &f->upstream,
		.sink = &f->sink,
	};
	g_assert_cmpint(prefix4_parse(subnet, &config.subnet), ==, 0);
	g_assert_cmpint(dns_new(&config, &f->dns), ==, 0);
	set_servers(f, servers);
	return f;
}

static inline void fixture_free(struct fixture *f)
{
	dns_free(f->dns);
	arena_done(&f->arena);
	g_ptr_array_unref(f->told);
	g_ptr_array_unref(f->asked);
	g_free(f);
}

typedef struct fixture fixture;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(fixture, fixture_free)

struct query_shape {
	uint16_t id;
	const char *name;
	uint16_t type;
	uint16_t class; /* 0: IN */
	uint8_t opcode;
	uint16_t edns_size; /* 0: none */
	uint8_t edns_version;
	bool dnssec_ok;
};

static inline GByteArray *make_query(const struct query_shape *shape)
{
	struct dns_header h = {
		.id = shape->id, .opcode = shape->opcode, .recursion_desired = true, .n_questions = 1, .n_additionals = !!shape->edns_size
	};
	struct dns_question q = { .type = shape->type, .class = shape->class ? shape->class : DNS_CLASS_IN };
	g_assert_cmpint(dns_name_from_text(shape->name, &q.name), ==, 0);
	uint8_t bytes[512];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	dns_header_emit(&w, &h);
	dns_question_emit(&w, &q);
	if (shape->edns_size)
		dns_record_emit_opt(&w, &(struct dns_edns){ true, shape->edns_size, shape->edns_version, shape->dnssec_ok }, 0);
	return bytes_of(bytes, w.len);
}

static const struct mac guest_mac = { { 0x52, 0x54, 0, 1, 2, 3 } };

/* @payload as a datagram of a guest through the service. */
static inline enum service_verdict input_datagram(struct fixture *f, ip4_t src, uint16_t src_port, ip4_t dst, uint16_t dst_port,
						  const void *payload, size_t len)
{
	size_t size = ETH_HEADER_LEN + IPV4_HEADER_LEN + UDP_HEADER_LEN + len;
	g_autofree uint8_t *bytes = g_malloc(size);
	struct bytes_writer w = bytes_writer(bytes, size);
	eth_emit(&w, &(struct eth_header){ .src = guest_mac, .ethertype = ETH_TYPE_IPV4 });
	struct ipv4_header ip = {
		.total_len = (uint16_t)(size - ETH_HEADER_LEN), .ttl = 64, .protocol = IP_PROTOCOL_UDP, .src = src, .dst = dst
	};
	ipv4_emit(&w, &ip);
	udp_emit_ipv4(&w, src, dst, src_port, dst_port, payload, len);
	g_assert_false(w.failed);
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, size);
	struct packet p;
	enum drop_reason why;
	g_assert_cmpint(packet_parse(&frame, NULL, &f->arena, &p, &why), ==, 0);
	enum service_verdict verdict = dns_service(f->dns)->ops->input(dns_service(f->dns), f->now, &p, &f->sink);
	arena_reset(&f->arena);
	return verdict;
}

static inline void ask_bytes(struct fixture *f, ip4_t from, uint16_t port, const void *payload, size_t len)
{
	g_assert_cmpint(input_datagram(f, from, port, GATEWAY, DNS_PORT, payload, len), ==, SERVICE_TAKEN);
}

/* The guest WEB asks from port 4000. */
static inline void ask_shape(struct fixture *f, const struct query_shape *shape)
{
	g_autoptr(GByteArray) q = make_query(shape);
	ask_bytes(f, WEB, 4000, q->data, q->len);
}

static inline void ask(struct fixture *f, uint16_t id, const char *name, uint16_t type)
{
	ask_shape(f, &(struct query_shape){ .id = id, .name = name, .type = type });
}

static inline struct told *told_at(struct fixture *f, guint index)
{
	g_assert_cmpuint(f->told->len, >, index);
	return f->told->pdata[index];
}

static inline struct asked *asked_at(struct fixture *f, guint index)
{
	g_assert_cmpuint(f->asked->len, >, index);
	return f->asked->pdata[index];
}

static inline struct dns_header header_of(const GByteArray *bytes)
{
	struct bytes_reader r = bytes_reader(bytes->data, bytes->len);
	struct dns_header h;
	g_assert_cmpint(dns_header_parse(&r, &h), ==, 0);
	return h;
}

/* What a server would answer to @a: its message with QR and @rcode, and @extra bytes behind it. */
static inline GByteArray *make_answer(const struct asked *a, uint8_t rcode, size_t extra)
{
	GByteArray *answer = bytes_of(a->bytes->data, a->bytes->len);
	answer->data[2] |= 0x80;
	answer->data[3] = (uint8_t)(0x80 | rcode);
	for (size_t i = 0; i < extra; i++)
		g_byte_array_append(answer, (const uint8_t *)"x", 1);
	return answer;
}

static inline bool answer(struct fixture *f, guint index, uint8_t rcode, size_t extra)
{
	g_autoptr(GByteArray) bytes = make_answer(asked_at(f, index), rcode, extra);
	return dns_upstream_answered(&f->upstream, f->now, asked_at(f, index)->token, bytes->data, bytes->len);
}

static inline void fail(struct fixture *f, guint index, int error)
{
	dns_upstream_failed(&f->upstream, f->now, asked_at(f, index)->token, error);
}

static inline usec_t next_deadline(struct fixture *f)
{
	return dns_service(f->dns)->ops->deadline(dns_service(f->dns));
}

static inline void turn_clock(struct fixture *f, usec_t by)
{
	f->now += by;
	dns_service(f->dns)->ops->expire(dns_service(f->dns), f->now, &f->sink);
}

static inline guint alive(struct fixture *f)
{
	guint n = 0;
	for (guint i = 0; i < f->asked->len; i++)
		n += !asked_at(f, i)->cancelled;
	return n;
}
