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
#include "service/dns/alias.h"
#include "service/dns/cache.h"
#include "service/dns/dns64.h"
#include "service/dns/forward.h"
#include "service/dns/local.h"
#include "service/dns/rebind.h"
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
	struct dns_cache cache;
	struct dns_domain_list rebind_ok;
	struct log_limit rebind_limit;
	struct log *log;
	struct dns_streams streams;
	struct dns_counters counters;
	uint8_t reply_bytes[DNS_REPLY_SIZE];         /* of the reply that is being sent */
	uint8_t cached_bytes[DNS_CACHE_MESSAGE_MAX]; /* of the cache's answer that is being sent */
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

static uint8_t rcode_of(const uint8_t *answer, size_t len)
{
	struct bytes_reader r = bytes_reader(answer, len);
	struct dns_header h;
	return dns_header_parse(&r, &h) == 0 ? h.rcode : DNS_RCODE_SERVFAIL;
}

/* Sends an answer from outside, or from the cache. */
static void pass_on(struct dns *d, usec_t now, const struct dns_client *client, const struct dns_query *q, const uint8_t *answer,
		    size_t len)
{
	/* Resolvers would take a guest's name for absent with all its types (RFC 8020). */
	if (rcode_of(answer, len) == DNS_RCODE_NXDOMAIN && dns_local_exists(&d->local, now, &q->question.name))
		send_error(d, now, client, q, DNS_RCODE_NOERROR);
	else if (len > size_limit(client, q))
		send_reply(d, now, client, q, &(struct dns_reply){ .truncated = true });
	else
		send_message(d, now, client, answer, len);
}

/* Sends the answer to the last link of the alias in @q behind what @reply has of it. */
static void pass_on_behind_alias(struct dns *d, usec_t now, const struct dns_client *client, const struct dns_query *q,
				 const struct dns_reply *reply, const uint8_t *answer, size_t len)
{
	struct bytes_writer w = bytes_writer(d->reply_bytes, MIN(sizeof(d->reply_bytes), size_limit(client, q)));
	dns_alias_emit(&w, q, reply, answer, len);
	if (w.failed)
		send_reply(d, now, client, q, &(struct dns_reply){ .truncated = true });
	else
		send_message(d, now, client, w.data, w.len);
}

/* The question that @target, the name that an alias in @q leads to, is asked with. */
static struct dns_query query_for(const struct dns_query *q, const struct dns_name *target)
{
	struct dns_query asked = *q;
	asked.question.name = *target;
	return asked;
}

/* Sends the AAAA records that are made from the A records in @answer. */
static void pass_on_made_addresses(struct dns *d, usec_t now, const struct dns_client *client, const struct dns_query *q,
				   const uint8_t *answer, size_t len)
{
	struct bytes_writer w = bytes_writer(d->reply_bytes, MIN(sizeof(d->reply_bytes), size_limit(client, q)));
	dns64_emit(&w, q, answer, len);
	if (w.failed)
		send_reply(d, now, client, q, &(struct dns_reply){ .truncated = true });
	else
		send_message(d, now, client, w.data, w.len);
}

static int ask_for(struct dns *d, usec_t now, const struct dns_client *from, const struct dns_query *q, struct dns_query *asked);

/* Asks for the A records of the name in @q, of which there are no AAAA records.  False: it cannot be asked. */
static bool ask_for_ip4(struct dns *d, usec_t now, const struct dns_client *client, const struct dns_query *q)
{
	struct dns_query asked = *q;
	asked.question.type = DNS_TYPE_A;
	return ask_for(d, now, client, q, &asked) >= 0;
}

static void deliver(struct dns *d, usec_t now, const struct dns_client *client, const struct dns_query *q, const uint8_t *answer,
		    size_t len)
{
	struct dns_reply reply;
	if (d->local.given.n > 0 && dns_local_answer(&d->local, now, q, &reply) == DNS_LOCAL_ALIAS)
		pass_on_behind_alias(d, now, client, q, &reply, answer, len);
	else if (d->local.ip6.nat64 && dns64_is_source(q, answer, len))
		pass_on_made_addresses(d, now, client, q, answer, len);
	else if (!d->local.ip6.nat64 || !dns64_is_wanted(q, answer, len) || !ask_for_ip4(d, now, client, q))
		pass_on(d, now, client, q, answer, len);
}

static void send_cached(struct dns *d, usec_t now, const struct dns_client *client, const struct dns_query *q, const struct dns_cached *e)
{
	d->counters.cached++;
	dns_cached_emit(e, now, q, d->cached_bytes);
	deliver(d, now, client, q, d->cached_bytes, dns_cached_len(e));
}

/* Whether an expired answer to @q is kept. */
static struct dns_cached *find_stale(struct dns *d, usec_t now, const struct dns_query *q)
{
	struct dns_reply reply;
	struct dns_query asked = *q;
	struct dns_key key;
	struct dns_cached *e;
	if (d->local.given.n > 0 && dns_local_answer(&d->local, now, q, &reply) == DNS_LOCAL_ALIAS)
		asked = query_for(q, &reply.links[reply.n_links - 1]);
	return dns_key_of(&asked, &key) && dns_cache_find(&d->cache, now, &key, &e) != DNS_CACHE_NONE ? e : NULL;
}

static bool send_stale(struct dns *d, usec_t now, const struct dns_client *client, const struct dns_query *q)
{
	struct dns_cached *e = find_stale(d, now, q);
	if (!e)
		return false;
	d->counters.stale++;
	dns_cached_failed(e, now);
	send_cached(d, now, client, q, e);
	return true;
}

/* An answer from outside, or none. */
static void forward_done(void *opaque, usec_t now, const struct dns_client *client, const struct dns_query *q, uint8_t *answer, size_t len)
{
	struct dns *d = opaque;
	uint8_t rcode = answer ? rcode_of(answer, len) : DNS_RCODE_SERVFAIL;
	bool has_failed = rcode == DNS_RCODE_SERVFAIL || rcode == DNS_RCODE_REFUSED;
	if (!has_failed || !send_stale(d, now, client, q)) {
		if (answer)
			deliver(d, now, client, q, answer, len);
		else
			send_error(d, now, client, q, DNS_RCODE_SERVFAIL);
	}
	dns_streams_resume(&d->streams, now);
}

static void forward_late(void *opaque, usec_t now, const struct dns_client *client, const struct dns_query *q)
{
	struct dns *d = opaque;
	if (!send_stale(d, now, client, q))
		send_error(d, now, client, q, DNS_RCODE_SERVFAIL);
}

/* Takes the records out of an answer with an address that does not belong outside; returns its length. */
static size_t without_rebinding(struct dns *d, usec_t now, uint8_t *answer, size_t len)
{
	struct dns_header h;
	struct dns_question q;
	struct dns_message_reader m;
	struct ip_addr addr;
	char text[IP_TEXT_SIZE], name[DNS_NAME_TEXT_SIZE];
	const struct dns_near ours = { d->local.subnet, d->local.ip6.prefix };
	if (!dns_rebind_is_in(answer, len, &ours, &addr) || dns_message_begin(answer, len, &h, &q, &m) < 0 ||
	    dns_domain_list_covers(&d->rebind_ok, &q.name))
		return len;
	sink_drop(d->sink, DROP_DNS_REBIND, NULL);
	log_limited(d->log, &d->rebind_limit, now, LOG_LEVEL_WARNING,
		    "dns: an answer from outside for %s has the address %s and was emptied (see --rebind-domain-ok)",
		    dns_name_text(&q.name, name), ip_format(&addr, text));
	h.n_answers = h.n_authorities = h.n_additionals = 0;
	struct bytes_writer w = bytes_writer(answer, len);
	dns_header_emit(&w, &h);
	dns_question_emit(&w, &q);
	return w.failed ? len : w.len;
}

static size_t forward_arrived(void *opaque, usec_t now, const struct dns_key *key, struct payer *payer, uint8_t *answer, size_t len)
{
	struct dns *d = opaque;
	len = without_rebinding(d, now, answer, len);
	if (key)
		dns_cache_put(&d->cache, now, key, payer, answer, len);
	return len;
}

/* 0 when the query was answered; else as dns_forward_ask(). */
static int ask_servers(struct dns *d, usec_t now, const struct dns_forward_query *what)
{
	int r = dns_forward_ask(&d->forward, now, what);
	if (r == -EINPROGRESS) {
		forward_late(d, now, what->client, what->q);
		return 0;
	}
	if (r != -ENETUNREACH)
		return r;
	if (!send_stale(d, now, what->client, what->q))
		send_error(d, now, what->client, what->q, DNS_RCODE_SERVFAIL);
	return 0;
}

/* As dns_forward_ask(), but 0 also when the message was answered here. */
static int ask_outside(struct dns *d, usec_t now, const struct dns_client *from, const struct dns_query *q, const struct dns_query *asked,
		       const uint8_t *bytes, size_t len)
{
	struct dns_key key;
	struct dns_cached *e;
	enum dns_freshness kept = dns_key_of(asked, &key) ? dns_cache_find(&d->cache, now, &key, &e) : DNS_CACHE_NONE;
	if (d->isolated || len > DNS_QUERY_MAX) {
		bool exists = dns_local_exists(&d->local, now, &q->question.name);
		send_error(d, now, from, q, exists ? DNS_RCODE_NOERROR : DNS_RCODE_REFUSED);
		return 0;
	}
	if (asked->question.type == DNS_TYPE_AAAA && d->forward.routes.outside.no_aaaa && !d->local.ip6.nat64) {
		send_error(d, now, from, q, DNS_RCODE_NOERROR);
		return 0;
	}
	if (kept == DNS_CACHE_FRESH || kept == DNS_CACHE_FAILED) {
		d->counters.stale += kept == DNS_CACHE_FAILED;
		send_cached(d, now, from, q, e);
		return 0;
	}
	return ask_servers(
		d, now,
		&(struct dns_forward_query){
			.client = from, .q = q, .asked = asked, .bytes = bytes, .len = len, .has_stale = kept == DNS_CACHE_STALE });
}

/* Asks outside for @asked, another question than that of @q. */
static int ask_for(struct dns *d, usec_t now, const struct dns_client *from, const struct dns_query *q, struct dns_query *asked)
{
	uint8_t bytes[DNS_HEADER_LEN + DNS_NAME_MAX + 32];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct dns_header h = {
		.recursion_desired = true,
		.checking_disabled = q->header.checking_disabled,
		.authentic = q->header.authentic,
		.n_questions = 1,
		.n_additionals = q->edns.present ? 1 : 0,
	};
	dns_header_emit(&w, &h);
	dns_question_emit(&w, &asked->question);
	if (q->edns.present)
		dns_record_emit_opt(&w, &q->edns, 0);
	asked->is_plain = true;
	return ask_outside(d, now, from, q, asked, bytes, w.len);
}

/* Asks outside for the name that the alias in @q leads to. */
static int ask_for_target(struct dns *d, usec_t now, const struct dns_client *from, const struct dns_query *q,
			  const struct dns_name *target)
{
	struct dns_query asked = query_for(q, target);
	return ask_for(d, now, from, q, &asked);
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
	enum dns_local_verdict verdict = DNS_LOCAL_ANSWERED;
	if (q->header.opcode != DNS_OPCODE_QUERY)
		reply = (struct dns_reply){ .rcode = DNS_RCODE_NOTIMP };
	else if (is_transfer(&q->question) || q->question.class == DNS_CLASS_CH)
		reply = (struct dns_reply){ .rcode = DNS_RCODE_REFUSED };
	else if (!d->local.ip6.nat64 || !dns64_answer_ipv4only(q, &reply))
		verdict = dns_local_answer(&d->local, now, q, &reply);
	if (verdict == DNS_LOCAL_OUTSIDE)
		return ask_outside(d, now, from, q, q, bytes, len);
	if (verdict == DNS_LOCAL_ALIAS)
		return ask_for_target(d, now, from, q, &reply.links[reply.n_links - 1]);
	d->counters.local++;
	send_reply(d, now, from, q, &reply);
	return 0;
}

/* -EBADMSG: must not be answered; otherwise as ask_outside(). */
static int handle_message(struct dns *d, usec_t now, const struct dns_client *from, const uint8_t *bytes, size_t len)
{
	struct bytes_reader r = bytes_reader(bytes, len);
	struct dns_header h;
	struct dns_query q;
	bool is_whole = dns_query_parse(bytes, len, &q) == 0;
	/* Two servers that answer answers would do so for ever. */
	if (is_whole ? q.header.response : dns_header_parse(&r, &h) < 0 || h.response)
		return -EBADMSG;
	if (is_whole)
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
	dns_cache_init(&d->cache, &config->hash_key);
	dns_forward_init(&d->forward, &(struct dns_forward_config){
					      .hash_key = config->hash_key,
					      .upstream = config->upstream,
					      .counters = &d->counters,
					      .log = config->log,
					      .arrived = forward_arrived,
					      .done = forward_done,
					      .late = forward_late,
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
		.log = config->log,
		.rebind_limit.kind = "dns-rebind",
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
	dns_cache_flush(&d->cache);
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

void dns_set_outside(struct dns *d, const struct dns_outside *outside)
{
	if (dns_forward_set_outside(&d->forward, outside))
		dns_cache_flush(&d->cache);
}

void dns_set_rebind_ok(struct dns *d, const struct dns_domain_list *domains)
{
	d->rebind_ok = *domains;
	dns_cache_flush(&d->cache);
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
