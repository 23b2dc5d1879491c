/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a message, over UDP or TCP: not a query (dropped), a malformed query (answered with an error), a query for
 * a local name (local.c), or one for the name servers outside (forward.c).  The reply uses the query's transport.
 */
#include "service/dns/dns.h"

#include "base/macros.h"
#include "gateway/service.h"
#include "gateway/sink.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "service/dns/forward.h"
#include "service/dns/local.h"
#include "service/dns/stream.h"

#include <errno.h>
#include <stdlib.h>

struct dns {
	struct service service;
	ip4_t gateway;
	bool isolated;
	struct sink *sink;
	struct dns_upstream *upstream;
	struct dns_local local;
	struct dns_forward forward;
	struct dns_streams streams;
	struct dns_counters counters;
	uint8_t reply_bytes[DNS_REPLY_SIZE]; /* of the reply that is being sent */
};

static void send_message(struct dns *d, usec_t now, const struct dns_client *to, const uint8_t *bytes, size_t len)
{
	if (to->stream) {
		dns_streams_reply(&d->streams, now, to->stream, bytes, len);
		return;
	}
	struct sink_udp datagram = {
		.src = to->asked,
		.dst = to->ip,
		.src_port = DNS_PORT,
		.dst_port = to->port,
		.dst_mac = &to->mac,
		.payload = bytes,
		.len = len,
	};
	sink_udp(d->sink, now, &datagram);
}

/* The longest message that @to accepts (RFC 6891 §6.2.3). */
static size_t size_limit(const struct dns_client *to, const struct dns_query *q)
{
	if (to->stream)
		return DNS_MESSAGE_MAX;
	return q->edns.present ? q->edns.udp_size : DNS_UDP_MIN;
}

static void send_reply(struct dns *d, usec_t now, const struct dns_client *to, const struct dns_query *q, const struct dns_reply *reply)
{
	uint8_t *bytes = d->reply_bytes;
	struct bytes_writer w = bytes_writer(bytes, MIN(sizeof(d->reply_bytes), size_limit(to, q)));
	dns_reply_emit(&w, q, reply);
	if (w.failed) {
		/* The question only, with TC: the client asks again over TCP (RFC 2181 §9). */
		w = bytes_writer(bytes, sizeof(d->reply_bytes));
		dns_reply_emit(&w, q,
			       &(struct dns_reply){ .rcode = reply->rcode, .authoritative = reply->authoritative, .truncated = true });
	}
	send_message(d, now, to, bytes, w.len);
}

static void send_error(struct dns *d, usec_t now, const struct dns_client *to, const struct dns_query *q, enum dns_rcode rcode)
{
	send_reply(d, now, to, q, &(struct dns_reply){ .rcode = (uint16_t)rcode });
}

static void send_header_error(struct dns *d, usec_t now, const struct dns_client *to, const struct dns_header *h, enum dns_rcode rcode)
{
	uint8_t bytes[DNS_HEADER_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	dns_reply_emit_error(&w, h, rcode);
	send_message(d, now, to, bytes, w.len);
}

static bool is_nxdomain(const uint8_t *answer, size_t len)
{
	struct bytes_reader r = bytes_reader(answer, len);
	struct dns_header h;
	return dns_header_parse(&r, &h) == 0 && h.rcode == DNS_RCODE_NXDOMAIN;
}

/* An answer from outside, or none. */
static void forward_done(void *opaque, usec_t now, const struct dns_client *client, const struct dns_query *q, uint8_t *answer, size_t len)
{
	struct dns *d = opaque;
	/* Resolvers would take a guest's name for absent with all its types (RFC 8020). */
	if (answer && is_nxdomain(answer, len) && dns_local_exists(&d->local, now, &q->question.name))
		send_error(d, now, client, q, DNS_RCODE_NOERROR);
	else if (!answer)
		send_error(d, now, client, q, DNS_RCODE_SERVFAIL);
	else if (len > size_limit(client, q))
		send_reply(d, now, client, q, &(struct dns_reply){ .truncated = true });
	else
		send_message(d, now, client, answer, len);
	dns_streams_resume(&d->streams, now);
}

/* As dns_forward_ask(), but 0 also when the message was answered with an error. */
static int ask_outside(struct dns *d, usec_t now, const struct dns_client *from, const struct dns_query *q, const uint8_t *bytes,
		       size_t len)
{
	if (d->isolated || len > DNS_QUERY_MAX) {
		bool exists = dns_local_exists(&d->local, now, &q->question.name);
		send_error(d, now, from, q, exists ? DNS_RCODE_NOERROR : DNS_RCODE_REFUSED);
		return 0;
	}
	int r = dns_forward_ask(&d->forward, now, from, q, bytes, len);
	if (r != -ENETUNREACH)
		return r;
	send_error(d, now, from, q, DNS_RCODE_SERVFAIL);
	return 0;
}

/* Zone transfers are not forwarded, and local names must not be listed (RFC 5936 §2.2, §6).  Class CH is about a server, not the host's. */
static bool is_transfer(const struct dns_question *q)
{
	return q->type == DNS_TYPE_AXFR || q->type == DNS_TYPE_IXFR;
}

static int handle_query(struct dns *d, usec_t now, const struct dns_client *from, const struct dns_query *q, const uint8_t *bytes,
			size_t len)
{
	d->counters.queries++;
	struct dns_reply reply;
	if (q->header.opcode != DNS_OPCODE_QUERY)
		reply = (struct dns_reply){ .rcode = DNS_RCODE_NOTIMP };
	else if (is_transfer(&q->question) || q->question.class == DNS_CLASS_CH)
		reply = (struct dns_reply){ .rcode = DNS_RCODE_REFUSED };
	else if (dns_local_answer(&d->local, now, q, &reply) == DNS_LOCAL_OUTSIDE)
		return ask_outside(d, now, from, q, bytes, len);
	d->counters.local++;
	send_reply(d, now, from, q, &reply);
	return 0;
}

/* -EBADMSG: must not be answered; otherwise as ask_outside(). */
static int handle_message(struct dns *d, usec_t now, const struct dns_client *from, const uint8_t *bytes, size_t len)
{
	struct bytes_reader r = bytes_reader(bytes, len);
	struct dns_header h;
	/* Two servers that answer answers would do so for ever. */
	if (dns_header_parse(&r, &h) < 0 || h.response)
		return -EBADMSG;
	struct dns_query q;
	if (dns_query_parse(bytes, len, &q) == 0)
		return handle_query(d, now, from, &q, bytes, len);
	send_header_error(d, now, from, &h, h.opcode == DNS_OPCODE_QUERY ? DNS_RCODE_FORMERR : DNS_RCODE_NOTIMP);
	return 0;
}

static enum drop_reason drop_reason_of(int error)
{
	return error == -EBUSY ? DROP_DNS_LIMIT : error == -ENOMEM ? DROP_NO_MEMORY : DROP_DNS_MALFORMED;
}

static struct dns *dns_of(const struct service *s)
{
	return container_of(s, struct dns, service);
}

static bool is_ours(const struct dns *d, const struct ip_addr *addr)
{
	return (ip_is_v4(addr) && ip_to_ip4(addr) == d->gateway) || gateway_ip6_has(&d->local.ip6, addr);
}

static enum service_verdict dns_input(struct service *s, usec_t now, const struct packet *p, struct sink *out)
{
	struct dns *d = dns_of(s);
	struct udp_view udp;
	if (p->ip_error != 0 || p->dst_port != DNS_PORT || !is_ours(d, &p->dst) || packet_udp(p, &udp) < 0)
		return SERVICE_NOT_MINE;
	struct dns_client from = {
		.ip = p->src, .asked = p->dst, .port = udp.src.port, .mac = p->eth.src, .payer = p->port ? p->port->payer : NULL
	};
	int r = from.port == 0 ? -EBADMSG : !from.payer ? -ENOMEM : handle_message(d, now, &from, udp.payload, udp.len);
	if (r == 1)
		sink_drop(d->sink, DROP_DNS_LIMIT, p);
	if (r < 0 && r != -EALREADY)
		sink_drop(d->sink, drop_reason_of(r), p);
	return SERVICE_TAKEN;
}

static usec_t dns_deadline(const struct service *s)
{
	const struct dns *d = dns_of(s);
	return usec_min(dns_forward_deadline(&d->forward), dns_streams_deadline(&d->streams));
}

static void dns_expire(struct service *s, usec_t now, struct sink *out)
{
	struct dns *d = dns_of(s);
	dns_forward_expire(&d->forward, now);
	dns_streams_expire(&d->streams, now);
}

static const struct service_ops dns_ops = {
	.name = "dns",
	.input = dns_input,
	.deadline = dns_deadline,
	.expire = dns_expire,
};

static bool stream_has_room(void *opaque, const struct payer *payer)
{
	struct dns *d = opaque;
	return dns_forward_has_room(&d->forward, payer);
}

static bool stream_message(void *opaque, usec_t now, struct dns_stream *stream, struct payer *payer, const uint8_t *bytes, size_t len)
{
	struct dns *d = opaque;
	struct dns_client from = { .stream = stream, .payer = payer };
	int r = handle_message(d, now, &from, bytes, len);
	if (r != 0)
		sink_drop(d->sink, r == 1 ? DROP_DNS_LIMIT : drop_reason_of(r), NULL);
	return r >= 0;
}

static void stream_gone(void *opaque, struct dns_stream *stream, struct payer *payer)
{
	struct dns *d = opaque;
	dns_forward_forget(&d->forward, payer, stream);
}

static void init_parts(struct dns *d, const struct dns_config *config)
{
	dns_forward_init(&d->forward, &(struct dns_forward_config){
					      .hash_key = config->hash_key,
					      .upstream = config->upstream,
					      .counters = &d->counters,
					      .log = config->log,
					      .done = forward_done,
					      .opaque = d,
				      });
	dns_streams_init(&d->streams, &(struct dns_streams_config){
					      .sink = config->sink,
					      .has_room = stream_has_room,
					      .message = stream_message,
					      .gone = stream_gone,
					      .opaque = d,
				      });
}

int dns_new(const struct dns_config *config, struct dns **ret)
{
	struct dns *d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct dns){
		.service = { &dns_ops },
		.gateway = config->gateway,
		.isolated = config->isolated,
		.sink = config->sink,
		.upstream = config->upstream,
	};
	struct dns_local_config local = {
		.gateway = config->gateway,
		.subnet = config->subnet,
		.ip6 = config->ip6,
		.domain = config->domain,
		.shares_domain = config->shares_domain,
		.gateway_name = config->gateway_name ? config->gateway_name : "gateway",
		.names = config->names,
	};
	int r = dns_local_init(&d->local, &local);
	if (r < 0) {
		free(d);
		return r;
	}
	init_parts(d, config);
	d->upstream->dns = d;
	*ret = d;
	return 0;
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	dns_streams_done(&d->streams);
	dns_forward_done(&d->forward);
	dns_local_done(&d->local);
	d->upstream->dns = NULL;
	free(d);
}

struct service *dns_service(struct dns *d)
{
	return &d->service;
}

struct stream_service *dns_stream_service(struct dns *d)
{
	return &d->streams.service;
}

void dns_set_servers(struct dns *d, const struct dns_server_list *servers)
{
	dns_forward_set_servers(&d->forward, servers);
}

void dns_set_given(struct dns *d, struct dns_records *records)
{
	dns_local_set_given(&d->local, records);
}

void dns_set_hosts(struct dns *d, struct dns_records *records)
{
	dns_local_set_hosts(&d->local, records);
}

void dns_get_counters(const struct dns *d, struct dns_counters *ret)
{
	*ret = d->counters;
}

bool dns_upstream_answered(struct dns_upstream *u, usec_t now, dns_token token, uint8_t *bytes, size_t len)
{
	return dns_forward_answered(&u->dns->forward, now, token, bytes, len);
}

void dns_upstream_failed(struct dns_upstream *u, usec_t now, dns_token token, int error)
{
	dns_forward_failed(&u->dns->forward, now, token, error);
}
