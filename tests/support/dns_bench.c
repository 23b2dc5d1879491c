/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/dns_bench.h"

const struct mac guest_mac = { { 0x52, 0x54, 0, 1, 2, 3 } };

static void free_told(void *opaque)
{
	struct told *t = opaque;
	g_byte_array_unref(t->bytes);
	g_free(t);
}

static void free_asked(void *opaque)
{
	struct asked *a = opaque;
	g_byte_array_unref(a->bytes);
	g_free(a);
}

GByteArray *bytes_of(const void *data, size_t len)
{
	return g_byte_array_append(g_byte_array_new(), data, (guint)len);
}

static void record_udp(struct sink *s, usec_t now, const struct sink_udp *datagram)
{
	struct dns_bench *b = container_of(s, struct dns_bench, sink);
	struct told *t = g_new0(struct told, 1);
	if (ip_is_v4(&datagram->dst))
		g_assert_cmphex(ip_to_ip4(&datagram->src), ==, GATEWAY);
	g_assert_cmpuint(datagram->src_port, ==, DNS_PORT);
	t->ip = ip_is_v4(&datagram->dst) ? ip_to_ip4(&datagram->dst) : 0;
	t->ip6 = datagram->dst;
	t->from6 = datagram->src;
	t->port = datagram->dst_port;
	t->mac = *datagram->dst_mac;
	t->bytes = bytes_of(datagram->payload, datagram->len);
	g_ptr_array_add(b->told, t);
}

static void record_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
	drop_count(&container_of(s, struct dns_bench, sink)->drops, why);
}

static int record_send(struct dns_upstream *u, usec_t now, const struct dns_upstream_query *q)
{
	struct dns_bench *b = container_of(u, struct dns_bench, upstream);
	int error = b->send_errors[q->server->endpoint.addr.b[15] % DNS_SERVERS_MAX];
	if (error < 0)
		return error;
	struct asked *a = g_new0(struct asked, 1);
	*a = (struct asked){ .token = q->token, .server = *q->server, .tcp = q->tcp, .bytes = bytes_of(q->bytes, q->len) };
	for (guint i = 0; i < b->asked->len; i++)
		g_assert_cmpuint(((struct asked *)b->asked->pdata[i])->token, !=, q->token);
	g_ptr_array_add(b->asked, a);
	return 0;
}

static void record_cancel(struct dns_upstream *u, dns_token token)
{
	struct dns_bench *b = container_of(u, struct dns_bench, upstream);
	for (guint i = 0; i < b->asked->len; i++) {
		struct asked *a = b->asked->pdata[i];
		if (a->token == token)
			a->cancelled = true;
	}
}

/* One guest, "web". */
static int find_web(struct dns_names *n, usec_t now, const char *name, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX])
{
	if (strcmp(name, "web") != 0)
		return -ENOENT;
	ret[0] = ip_from_ip4(WEB);
	return 1;
}

static int find_webs_name(struct dns_names *n, usec_t now, const struct ip_addr *addr, char ret[static DNS_LABEL_MAX + 1])
{
	if (ip_to_ip4(addr) != WEB)
		return -ENOENT;
	g_strlcpy(ret, "web", DNS_LABEL_MAX + 1);
	return 0;
}

static const struct sink_ops record_sink_ops = { .udp = record_udp, .drop = record_drop };
static const struct dns_names_ops web_names_ops = { .find_name = find_web, .find_address = find_webs_name };
static const struct dns_upstream_ops record_upstream_ops = { .send = record_send, .cancel = record_cancel };

void set_servers(struct dns_bench *b, unsigned servers)
{
	struct dns_server_list list = { 0 };
	for (unsigned i = 0; i < servers; i++)
		dns_server_list_add(&list, &(struct dns_server){ .endpoint = { ip_from_ip4(IP4(10, 0, 0, i)), DNS_PORT } });
	dns_set_outside(b->dns, &(struct dns_outside){ .servers = list });
}

const char *fresh_name(struct dns_bench *b)
{
	g_snprintf(b->fresh_name, sizeof(b->fresh_name), "n%u.example.com", b->n_names++);
	return b->fresh_name;
}

static struct dns_bench *new_bench(const char *domain, const char *subnet, bool isolated, struct dns_upstream *upstream)
{
	struct dns_bench *b = g_new0(struct dns_bench, 1);
	b->now = 1000 * USEC_PER_SEC;
	for (unsigned i = 0; i < BENCH_PORTS; i++) {
		b->ports[i].payer = &b->payers[i];
		b->payers[i] = (struct payer){ .port = &b->ports[i], .refs = 1 };
		list_init(&b->payers[i].dns_queries);
		list_init(&b->payers[i].dns_cached);
	}
	b->sink.ops = &record_sink_ops;
	b->names.ops = &web_names_ops;
	b->upstream.ops = &record_upstream_ops;
	b->told = g_ptr_array_new_with_free_func(free_told);
	b->asked = g_ptr_array_new_with_free_func(free_asked);
	arena_init(&b->arena, 1 << 20);
	struct prefix6 prefix = { { { 0xfd, 0x12 } }, 64 };
	struct gateway_ip6 ip6 = gateway_ip6_of(&prefix);
	struct dns_config config = {
		.gateway = GATEWAY,
		.ip6 = &ip6,
		.domain = domain,
		.isolated = isolated,
		.hash_key = { { 1, 2 } },
		.names = &b->names,
		.upstream = upstream ? upstream : &b->upstream,
		.sink = &b->sink,
	};
	g_assert_cmpint(prefix4_parse(subnet, &config.subnet), ==, 0);
	g_assert_cmpint(dns_new(&config, &b->dns), ==, 0);
	return b;
}

struct dns_bench *dns_bench_new(const char *domain, const char *subnet, unsigned servers)
{
	struct dns_bench *b = new_bench(domain, subnet, false, NULL);
	set_servers(b, servers);
	return b;
}

struct dns_bench *dns_bench_new_isolated(void)
{
	struct dns_bench *b = new_bench("lanlet.internal", "192.168.122.0/24", true, NULL);
	set_servers(b, 1);
	return b;
}

struct dns_bench *dns_bench_new_usual(unsigned servers)
{
	return dns_bench_new("lanlet.internal", "192.168.122.0/24", servers);
}

struct dns_bench *dns_bench_new_with(struct dns_upstream *upstream)
{
	return new_bench("lanlet.internal", "192.168.122.0/24", false, upstream);
}

void dns_bench_free(struct dns_bench *b)
{
	dns_free(b->dns);
	for (unsigned i = 0; i < BENCH_PORTS; i++)
		g_assert_true(b->payers[i].refs == 1 && b->payers[i].n_dns_queries == 0 && b->payers[i].n_dns_streams == 0);
	arena_done(&b->arena);
	g_ptr_array_unref(b->told);
	g_ptr_array_unref(b->asked);
	g_free(b);
}

GByteArray *make_query(const struct query_shape *shape)
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

static enum service_verdict input_frame(struct dns_bench *b, const void *bytes, size_t size)
{
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, size);
	struct packet p;
	enum drop_reason why;
	g_assert_cmpint(packet_parse(&frame, &b->ports[b->from], &b->arena, &p, &why), ==, 0);
	enum service_verdict verdict = dns_service(b->dns)->ops->input(dns_service(b->dns), b->now, &p, &b->sink);
	arena_reset(&b->arena);
	return verdict;
}

enum service_verdict input_datagram6(struct dns_bench *b, const struct ip_addr *dst, uint16_t dst_port, const void *payload, size_t len)
{
	size_t size = ETH_HEADER_LEN + IPV6_HEADER_LEN + UDP_HEADER_LEN + len;
	struct ip_addr src = GUEST6;
	g_autofree uint8_t *bytes = g_malloc(size);
	struct bytes_writer w = bytes_writer(bytes, size);
	eth_emit(&w, &(struct eth_header){ .src = guest_mac, .ethertype = ETH_TYPE_IPV6 });
	ipv6_emit(&w, &(struct ipv6_header){ .payload_len = (uint16_t)(UDP_HEADER_LEN + len),
					     .hop_limit = 64,
					     .next_header = IP_PROTOCOL_UDP,
					     .src = src,
					     .dst = *dst });
	udp_emit_datagram(&w, &src, dst, 4000, dst_port, payload, len);
	g_assert_false(w.failed);
	return input_frame(b, bytes, size);
}

enum service_verdict input_datagram(struct dns_bench *b, ip4_t src, uint16_t src_port, ip4_t dst, uint16_t dst_port, const void *payload,
				    size_t len)
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
	return input_frame(b, bytes, size);
}

void ask_bytes(struct dns_bench *b, ip4_t from, uint16_t port, const void *payload, size_t len)
{
	g_assert_cmpint(input_datagram(b, from, port, GATEWAY, DNS_PORT, payload, len), ==, SERVICE_TAKEN);
}

void ask_shape(struct dns_bench *b, const struct query_shape *shape)
{
	g_autoptr(GByteArray) q = make_query(shape);
	ask_bytes(b, WEB, 4000, q->data, q->len);
}

void ask(struct dns_bench *b, uint16_t id, const char *name, uint16_t type)
{
	ask_shape(b, &(struct query_shape){ .id = id, .name = name, .type = type });
}

struct told *told_at(struct dns_bench *b, guint index)
{
	g_assert_cmpuint(b->told->len, >, index);
	return b->told->pdata[index];
}

struct asked *asked_at(struct dns_bench *b, guint index)
{
	g_assert_cmpuint(b->asked->len, >, index);
	return b->asked->pdata[index];
}

struct dns_header header_of(const GByteArray *bytes)
{
	struct bytes_reader r = bytes_reader(bytes->data, bytes->len);
	struct dns_header h;
	g_assert_cmpint(dns_header_parse(&r, &h), ==, 0);
	return h;
}

void check_rcode(struct dns_bench *b, guint index, uint16_t id, uint8_t rcode)
{
	struct dns_header h = header_of(told_at(b, index)->bytes);
	g_assert_true(h.response);
	g_assert_cmphex(h.id, ==, id);
	g_assert_cmpuint(h.rcode, ==, rcode);
	g_assert_true(h.recursion_available);
}

GByteArray *make_answer(const struct asked *a, uint8_t rcode, size_t extra)
{
	GByteArray *answer = bytes_of(a->bytes->data, a->bytes->len);
	answer->data[2] |= 0x80;
	answer->data[3] = (uint8_t)(0x80 | rcode);
	for (size_t i = 0; i < extra; i++)
		g_byte_array_append(answer, (const uint8_t *)"x", 1);
	return answer;
}

bool answer(struct dns_bench *b, guint index, uint8_t rcode, size_t extra)
{
	g_autoptr(GByteArray) bytes = make_answer(asked_at(b, index), rcode, extra);
	return dns_upstream_answered(&b->upstream, b->now, asked_at(b, index)->token, bytes->data, bytes->len);
}

void fail(struct dns_bench *b, guint index, int error)
{
	dns_upstream_failed(&b->upstream, b->now, asked_at(b, index)->token, error);
}

usec_t next_deadline(struct dns_bench *b)
{
	return dns_service(b->dns)->ops->deadline(dns_service(b->dns));
}

void turn_clock(struct dns_bench *b, usec_t by)
{
	b->now += by;
	dns_service(b->dns)->ops->expire(dns_service(b->dns), b->now, &b->sink);
}

guint alive(struct dns_bench *b)
{
	guint n = 0;
	for (guint i = 0; i < b->asked->len; i++)
		n += !asked_at(b, i)->cancelled;
	return n;
}
