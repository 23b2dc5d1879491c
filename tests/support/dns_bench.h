/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DNS service under test: records messages to guests and queries to servers; the test sets the clock. */
#pragma once

#include "base/arena.h"
#include "gateway/ip6.h"
#include "gateway/payer.h"
#include "gateway/service.h"
#include "gateway/sink.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "service/dns/dns.h"
#include "service/dns/names.h"
#include "service/dns/server.h"
#include "service/dns/upstream.h"
#include "wire/checksum.h"
#include "wire/dns.h"
#include "wire/udp.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

#define GATEWAY IP4(192, 168, 122, 1)
#define GATEWAY6 ((struct ip_addr){ { 0xfd, 0x12, [15] = 1 } }) /* of fd12::/64 */
#define GUEST6 ((struct ip_addr){ { 0xfd, 0x12, [15] = 9 } })
#define WEB IP4(192, 168, 122, 63)

/* A message to a guest. */
struct told {
	ip4_t ip; /* 0: see the next ones */
	struct ip_addr ip6, from6;
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

#define BENCH_PORTS 64u

struct dns_bench {
	usec_t now;
	struct port ports[BENCH_PORTS];
	struct payer payers[BENCH_PORTS];
	unsigned from; /* the port of guests that ask; 0 until a test changes it */
	struct dns *dns;
	struct sink sink;
	struct dns_names names;
	struct dns_upstream upstream;
	struct arena arena;
	GPtrArray *told, *asked;
	struct drop_counters drops;
	unsigned n_names;
	char fresh_name[32];
	int send_errors[DNS_SERVERS_MAX]; /* what send() returns for the server with this last octet */
};

struct query_shape {
	uint16_t id;
	const char *name;
	uint16_t type;
	uint16_t class; /* 0: IN */
	uint8_t opcode;
	uint16_t edns_size; /* 0: no EDNS */
	uint8_t edns_version;
	bool dnssec_ok;
};

extern const struct mac guest_mac;

/* A name that was not asked for yet: equal queries share one.  Valid until the next call. */
const char *fresh_name(struct dns_bench *b);
GByteArray *bytes_of(const void *data, size_t len);
/* @servers: their number; they are 10.0.0.0, 10.0.0.1, … */
void set_servers(struct dns_bench *b, unsigned servers);
struct dns_bench *dns_bench_new(const char *domain, const char *subnet, unsigned servers);
/* As dns_bench_new_usual(1), of a network that has no outside. */
struct dns_bench *dns_bench_new_isolated(void);
/* With domain "lanlet.internal" and the default subnet. */
struct dns_bench *dns_bench_new_usual(unsigned servers);
/* With domain "lanlet.internal", the default subnet and no servers; borrows @upstream. */
struct dns_bench *dns_bench_new_with(struct dns_upstream *upstream);
void dns_bench_free(struct dns_bench *b);
GByteArray *make_query(const struct query_shape *shape);
/* Gives @payload to the service as a datagram of a guest. */
enum service_verdict input_datagram(struct dns_bench *b, ip4_t src, uint16_t src_port, ip4_t dst, uint16_t dst_port, const void *payload,
				    size_t len);
/* The same over IPv6, from GUEST6. */
enum service_verdict input_datagram6(struct dns_bench *b, const struct ip_addr *dst, uint16_t dst_port, const void *payload, size_t len);
/* The same to the gateway's port 53. */
void ask_bytes(struct dns_bench *b, ip4_t from, uint16_t port, const void *payload, size_t len);
/* A query of the guest WEB from port 4000. */
void ask_shape(struct dns_bench *b, const struct query_shape *shape);
void ask(struct dns_bench *b, uint16_t id, const char *name, uint16_t type);
struct told *told_at(struct dns_bench *b, guint index);
/* Checks that message @index to a guest is an answer with this id and code. */
void check_rcode(struct dns_bench *b, guint index, uint16_t id, uint8_t rcode);
struct asked *asked_at(struct dns_bench *b, guint index);
struct dns_header header_of(const GByteArray *bytes);
/* A server's answer to @a: the query with QR and @rcode, and @extra bytes behind it. */
GByteArray *make_answer(const struct asked *a, uint8_t rcode, size_t extra);
/* Reports that answer to transaction @index; returns the result of dns_upstream_answered(). */
bool answer(struct dns_bench *b, guint index, uint8_t rcode, size_t extra);
void fail(struct dns_bench *b, guint index, int error);
usec_t next_deadline(struct dns_bench *b);
void turn_clock(struct dns_bench *b, usec_t by);
/* The number of transactions not cancelled. */
guint alive(struct dns_bench *b);

typedef struct dns_bench dns_bench;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(dns_bench, dns_bench_free)
