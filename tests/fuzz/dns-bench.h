/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What surrounds the DNS service in its fuzz targets: one guest "web", two servers that take every query, a guest whose TCP
 * window may shut.  Checks what always holds: only clients that asked get an answer, no transaction outlives its query.
 */
#pragma once

#include "gateway/payer.h"
#include "gateway/service.h"
#include "gateway/sink.h"
#include "gateway/stream_service.h"
#include "lan/port.h"
#include "service/dns/dns.h"
#include "service/dns/names.h"
#include "service/dns/server.h"
#include "service/dns/upstream.h"
#include "wire/dns.h"

#include <errno.h>
#include <stdlib.h>

#define WORLD_TRANSACTIONS 64u

struct bench {
	usec_t now;
	struct dns *dns;
	struct sink sink;
	struct dns_names names;
	struct dns_upstream upstream;
	struct port port;   /* of the guest */
	struct payer payer; /* of the port */
	struct local_stream stream;
	bool stream_open;
	size_t window;                       /* bytes the guest's side of the stream takes */
	dns_token alive[WORLD_TRANSACTIONS]; /* 0: free */
	uint8_t last_query[512];             /* the start of what was asked outside last */
	size_t last_query_len;
};

static inline void check(bool condition)
{
	if (!condition)
		abort();
}

static inline void world_udp(struct sink *s, usec_t now, const struct sink_udp *datagram)
{
	struct bytes_reader r = bytes_reader(datagram->payload, datagram->len);
	struct dns_header h;
	check(dns_header_parse(&r, &h) == 0 && h.response && datagram->src_port == DNS_PORT && datagram->dst_port != 0);
}

static inline void world_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
	check(why == DROP_DNS_MALFORMED || why == DROP_DNS_LIMIT || why == DROP_DNS_REBIND);
}

static inline int world_find_name(struct dns_names *n, usec_t now, const char *name, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX])
{
	check(strlen(name) > 0 && strlen(name) <= DNS_LABEL_MAX);
	if (strcmp(name, "web") != 0)
		return -ENOENT;
	for (unsigned i = 0; i < DNS_NAMES_ADDRESSES_MAX; i++)
		ret[i] = ip_from_ip4(IP4(192, 168, 122, 63 + i));
	ret[1] = (struct ip_addr){ { 0xfd, [15] = 1 } };
	return DNS_NAMES_ADDRESSES_MAX;
}

static inline int world_find_address(struct dns_names *n, usec_t now, const struct ip_addr *addr, char ret[static DNS_LABEL_MAX + 1])
{
	ip4_t ip = ip_to_ip4(addr);
	if (!ip_is_v4(addr) || ip >> 8 != IP4(192, 168, 122, 0) >> 8)
		return -ENOENT;
	if (ip != IP4(192, 168, 122, 63))
		return -ENOENT;
	memcpy(ret, "web", 4);
	return 0;
}

static inline struct bench *bench_of(struct dns_upstream *u)
{
	return container_of(u, struct bench, upstream);
}

static inline int world_send(struct dns_upstream *u, usec_t now, const struct dns_upstream_query *q)
{
	struct bench *w = bench_of(u);
	check(q->token != 0 && q->len >= DNS_HEADER_LEN);
	w->last_query_len = q->len < sizeof(w->last_query) ? q->len : sizeof(w->last_query);
	memcpy(w->last_query, q->bytes, w->last_query_len);
	for (unsigned i = 0; i < WORLD_TRANSACTIONS; i++) {
		if (w->alive[i] == 0) {
			w->alive[i] = q->token;
			return 0;
		}
	}
	return -EMFILE;
}

static inline void bench_over(struct bench *w, dns_token token)
{
	for (unsigned i = 0; i < WORLD_TRANSACTIONS; i++)
		if (w->alive[i] == token)
			w->alive[i] = 0;
}

static inline void world_cancel(struct dns_upstream *u, dns_token token)
{
	bench_over(bench_of(u), token);
}

static inline ssize_t world_stream_send(struct local_stream *s, const void *data, size_t len)
{
	struct bench *w = container_of(s, struct bench, stream);
	check(w->stream_open);
	size_t n = len < w->window ? len : w->window;
	w->window -= n;
	return (ssize_t)n;
}

static inline void world_stream_nothing(struct local_stream *s)
{
	check(container_of(s, struct bench, stream)->stream_open);
}

static inline void world_stream_close(struct local_stream *s)
{
	struct bench *w = container_of(s, struct bench, stream);
	check(w->stream_open);
	w->stream_open = false;
}

static const struct sink_ops world_sink_ops = { .udp = world_udp, .drop = world_drop };
static const struct dns_names_ops world_names_ops = { world_find_name, world_find_address };
static const struct dns_upstream_ops world_upstream_ops = { world_send, world_cancel };
static const struct local_stream_ops world_stream_ops = { world_stream_send, world_stream_nothing, world_stream_nothing,
							  world_stream_close };

static inline void bench_init(struct bench *w)
{
	*w = (struct bench){
		.now = USEC_PER_SEC,
		.sink = { &world_sink_ops },
		.names = { &world_names_ops },
		.upstream = { &world_upstream_ops, NULL },
		.stream = { .ops = &world_stream_ops, .payer = &w->payer, .guest = { ip_from_ip4(IP4(192, 168, 122, 63)), 4000 } },
		.port = { .payer = &w->payer },
		.payer = { .port = &w->port, .refs = 1 },
		.window = 4096,
	};
	list_init(&w->payer.dns_queries);
	list_init(&w->payer.dns_cached);
	struct dns_config config = {
		.gateway = IP4(192, 168, 122, 1),
		.subnet = { IP4(192, 168, 122, 0), 24 },
		.domain = "lanlet.internal",
		.names = &w->names,
		.upstream = &w->upstream,
		.sink = &w->sink,
	};
	struct dns_server_list servers = { .count = 2 };
	servers.server[0].endpoint = (struct ip_endpoint){ ip_from_ip4(IP4(10, 0, 0, 1)), DNS_PORT };
	servers.server[1].endpoint = (struct ip_endpoint){ ip_from_ip4(IP4(10, 0, 0, 2)), DNS_PORT };
	check(dns_new(&config, &w->dns) == 0);
	dns_set_outside(w->dns, &(struct dns_outside){ .servers = servers });
}

static inline void bench_turn_clock(struct bench *w, usec_t by)
{
	struct service *s = dns_service(w->dns);
	w->now += by;
	s->ops->expire(s, w->now, &w->sink);
	check(s->ops->deadline(s) > w->now);
}

/* Everything is over when every answer has been waited for and every idle stream closed. */
static inline void bench_done(struct bench *w)
{
	for (unsigned i = 0; i < 30; i++)
		bench_turn_clock(w, 2 * USEC_PER_SEC);
	check(!w->stream_open);
	for (unsigned i = 0; i < WORLD_TRANSACTIONS; i++)
		check(w->alive[i] == 0);
	check(dns_service(w->dns)->ops->deadline(dns_service(w->dns)) == USEC_INFINITY);
	check(w->payer.n_dns_queries == 0 && w->payer.n_dns_streams == 0);
	dns_free(w->dns);
	check(w->payer.refs == 1 && w->payer.dns_cached_bytes == 0); /* answers of the cache have references */
}
