/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pending query makes attempts: the message with a new id, to one server, in a transaction of its own.
 *
 *   A round lasts DNS_ATTEMPT_TIMEOUT and begins with an attempt.  When it ends without an answer, the next round's attempt
 *   goes to the next server, or over UDP to the same servers again.  All attempts stay open until the query ends, because a server may
 *   need seconds for a name that it does not know yet; the first good answer counts.  After DNS_ATTEMPT_ROUNDS rounds the query has
 *   failed.  Of a payer with more than PATIENT_MAX queries, an attempt is given up when the second one after it begins: each has a
 *   descriptor.
 *   After an attempt that fails (refused, unreachable), or whose answer is an error that another server might not return
 *   (SERVFAIL, NOTIMP, REFUSED, as in libc), the next attempt goes at once to a server that was not asked yet.  When
 *   there is none and no attempt is open, the failure or that error is the answer.
 *
 * At a limit the oldest query of the payer is given up: of many pending queries, the oldest ones are the least likely to be
 * answered, and a guest with many queries for dead names can still resolve others.  A payer without a query takes the place of the oldest
 * one of the payer that has most.
 *
 * All rounds last equally long, so the list of pending queries is in the order of their deadlines.
 *
 * Forged answers (RFC 5452) are recognised by id and question, and by the upstream's random ports and connected
 * sockets.  An attempt that gets many messages with wrong ids is given up.
 *
 * A token consists of serial, index and attempt; the serial identifies stale tokens.
 */
#include "service/dns/forward.h"

#include "base/allowance.h"
#include "base/log.h"
#include "base/macros.h"
#include "gateway/payer.h"

#include <errno.h>
#include <stdlib.h>

#define ATTEMPTS_MAX 8u
/* Queries of one payer whose attempts all stay open.  Of a query beyond, the last two do. */
#define PATIENT_MAX 64u
#define IMPATIENT_ATTEMPTS 2u
#define ATTEMPT_BITS 3u
#define INDEX_BITS 13u
/* Messages with a wrong id or question; more mean that an attacker is guessing. */
#define FORGED_MAX 16u

static_assert(ATTEMPTS_MAX <= 1u << ATTEMPT_BITS, "an attempt fits the token");
static_assert(DNS_PENDING_MAX <= 1u << INDEX_BITS, "an index fits the token");
static_assert(DNS_SERVERS_MAX <= 8 * sizeof(unsigned), "a server is a bit of a mask");

struct attempt {
	bool live;
	uint16_t id;
	unsigned server; /* index in the list of @epoch */
	unsigned epoch;
	usec_t sent;
	unsigned forged;
};

struct dns_pending {
	struct list waiting;
	struct list of_payer;
	usec_t deadline;
	uint64_t serial;
	uint16_t index;
	struct dns_client client; /* with a reference to its payer */
	struct dns_query query;
	unsigned rounds;
	unsigned epoch;         /* of the server list for the masks */
	unsigned tried, failed; /* masks of servers */
	unsigned n_attempts;
	struct attempt attempts[ATTEMPTS_MAX];
	size_t len;
	uint8_t bytes[]; /* the message */
};

void dns_forward_init(struct dns_forward *f, const struct dns_forward_config *config)
{
	*f = (struct dns_forward){ .config = *config, .log_limit.kind = "dns" };
	list_init(&f->waiting);
	for (unsigned i = 0; i < DNS_PENDING_MAX; i++)
		f->free_index[f->n_free++] = (uint16_t)(DNS_PENDING_MAX - 1 - i);
}

static bool is_tcp(const struct dns_pending *p)
{
	return p->client.stream != NULL;
}

static dns_token make_token(const struct dns_pending *p, unsigned attempt)
{
	return p->serial << (INDEX_BITS + ATTEMPT_BITS) | (dns_token)p->index << ATTEMPT_BITS | attempt;
}

/* The attempt of @token; NULL when it has ended. */
static struct attempt *find_attempt(struct dns_forward *f, dns_token token, struct dns_pending **ret)
{
	unsigned index = token >> ATTEMPT_BITS & ((1u << INDEX_BITS) - 1), attempt = token & ((1u << ATTEMPT_BITS) - 1);
	struct dns_pending *p = index < DNS_PENDING_MAX ? f->pending[index] : NULL;
	if (!p || p->serial != token >> (INDEX_BITS + ATTEMPT_BITS) || attempt >= p->n_attempts || !p->attempts[attempt].live)
		return NULL;
	*ret = p;
	return &p->attempts[attempt];
}

/* A keyed hash of a counter: without the key the next id cannot be predicted. */
static uint16_t fresh_id(struct dns_forward *f)
{
	f->ids++;
	return (uint16_t)hash_bytes(&f->config.hash_key, &f->ids, sizeof(f->ids));
}

static void set_id(uint8_t *message, uint16_t id)
{
	struct bytes_writer w = bytes_writer(message, sizeof(id));
	bytes_put_be16(&w, id);
}

static bool has_live_attempt(const struct dns_pending *p)
{
	for (unsigned i = 0; i < p->n_attempts; i++)
		if (p->attempts[i].live)
			return true;
	return false;
}

/* Removes @p from all lists and from the payer's share.  The caller frees it. */
static void detach(struct dns_forward *f, struct dns_pending *p)
{
	for (unsigned i = 0; i < p->n_attempts; i++)
		if (p->attempts[i].live)
			f->config.upstream->ops->cancel(f->config.upstream, make_token(p, i));
	list_remove(&p->waiting);
	list_remove(&p->of_payer);
	p->client.payer->n_dns_queries--;
	f->pending[p->index] = NULL;
	f->free_index[f->n_free++] = p->index;
}

static void pending_free(struct dns_pending *p)
{
	payer_unref(p->client.payer);
	free(p);
}

/* Frees @p without an answer. */
static void give_up(struct dns_forward *f, struct dns_pending *p)
{
	detach(f, p);
	pending_free(p);
}

static void finish(struct dns_forward *f, usec_t now, struct dns_pending *p, uint8_t *answer, size_t len)
{
	detach(f, p);
	if (answer) {
		f->config.counters->answered++;
		set_id(answer, p->query.header.id);
	} else {
		f->config.counters->unanswered++;
	}
	f->config.done(f->config.opaque, now, &p->client, &p->query, answer, len);
	pending_free(p);
}

void dns_forward_done(struct dns_forward *f)
{
	for (unsigned i = 0; i < DNS_PENDING_MAX; i++) {
		struct dns_pending *p = f->pending[i];
		if (p)
			give_up(f, p);
	}
}

static void log_server(struct dns_forward *f, usec_t now, unsigned index, const char *what)
{
	char text[DNS_SERVER_TEXT_SIZE];
	log_limited(f->config.log, &f->log_limit, now, LOG_LEVEL_INFO, "dns: name server %s: %s",
		    dns_server_format(&f->servers.list.server[index], text), what);
}

static void server_failed(struct dns_forward *f, usec_t now, const struct attempt *a, int error)
{
	if (a->epoch != f->servers.epoch)
		return;
	dns_servers_failed(&f->servers, now, a->server);
	log_server(f, now, a->server, strerror(-error));
}

static void make_room_for_attempt(struct dns_forward *f, struct dns_pending *p)
{
	unsigned open = 0;
	if (p->client.payer->n_dns_queries <= PATIENT_MAX)
		return;
	for (unsigned i = p->n_attempts; i-- > 0;) {
		struct attempt *a = &p->attempts[i];
		if (!a->live || ++open < IMPATIENT_ATTEMPTS)
			continue;
		f->config.upstream->ops->cancel(f->config.upstream, make_token(p, i));
		a->live = false;
	}
}

/* Sends to the server @index; false when that failed. */
static bool attempt_server(struct dns_forward *f, usec_t now, struct dns_pending *p, unsigned index)
{
	make_room_for_attempt(f, p);
	struct attempt *a = &p->attempts[p->n_attempts];
	*a = (struct attempt){ .id = fresh_id(f), .server = index, .epoch = f->servers.epoch, .sent = now };
	set_id(p->bytes, a->id);
	struct dns_upstream_query q = {
		.token = make_token(p, p->n_attempts),
		.server = &f->servers.list.server[index],
		.payer = p->client.payer,
		.tcp = is_tcp(p),
		.bytes = p->bytes,
		.len = p->len,
	};
	p->tried |= 1u << index;
	if (p->n_attempts++ > 0)
		f->config.counters->retries++;
	int r = f->config.upstream->ops->send(f->config.upstream, now, &q);
	if (r < 0) {
		p->failed |= 1u << index;
		server_failed(f, now, a, r);
		return false;
	}
	a->live = true;
	return true;
}

/* Starts an attempt with a server not tried yet, or, if @again, with one that was tried.  False: no server is left. */
static bool attempt_next(struct dns_forward *f, usec_t now, struct dns_pending *p, bool again)
{
	if (p->epoch != f->servers.epoch) {
		p->epoch = f->servers.epoch;
		p->tried = p->failed = 0;
	}
	while (p->n_attempts < ATTEMPTS_MAX) {
		int index = dns_servers_pick(&f->servers, now, p->tried);
		if (index < 0 && again) {
			p->tried = p->failed;
			index = dns_servers_pick(&f->servers, now, p->tried);
		}
		if (index < 0)
			return false;
		if (attempt_server(f, now, p, (unsigned)index))
			return true;
	}
	return false;
}

static void begin_round(struct dns_forward *f, usec_t now, struct dns_pending *p)
{
	list_remove(&p->waiting);
	p->deadline = usec_add(now, DNS_ATTEMPT_TIMEOUT);
	list_append(&f->waiting, &p->waiting);
}

/* A payer without a query may have one whenever one is free. */
static bool has_share_left(const struct dns_forward *f, const struct payer *payer)
{
	return (payer->n_dns_queries == 0 && f->n_free > 0) ||
	       share_allows(payer->n_dns_queries, 1, DNS_PENDING_MAX - f->n_free, DNS_PENDING_MAX, 1);
}

/* A requester that repeats a pending query gets the answer to the first one. */
static bool is_repeated(const struct dns_client *client, const struct dns_query *q)
{
	list_for_each(node, &client->payer->dns_queries) {
		const struct dns_pending *p = container_of(node, struct dns_pending, of_payer);
		if (p->query.header.id == q->header.id && p->client.port == client->port && ip_equal(&p->client.ip, &client->ip) &&
		    ip_equal(&p->client.asked, &client->asked) && p->client.stream == client->stream &&
		    dns_question_equal(&p->query.question, &q->question))
			return true;
	}
	return false;
}

static struct dns_pending *oldest_of(const struct payer *payer)
{
	list_for_each(node, &payer->dns_queries) {
		struct dns_pending *p = container_of(node, struct dns_pending, of_payer);
		if (!is_tcp(p))
			return p;
	}
	return NULL;
}

/* Of the payer that has most, and more than one. */
static struct dns_pending *oldest_of_greediest(const struct dns_forward *f)
{
	struct dns_pending *found = NULL;
	unsigned most = 1;
	list_for_each(node, &f->waiting) {
		struct dns_pending *p = container_of(node, struct dns_pending, waiting);
		if (is_tcp(p) || p->client.payer->n_dns_queries <= most)
			continue;
		most = p->client.payer->n_dns_queries;
		found = p;
	}
	return found;
}

/* The query that is given up for one more of @payer.  NULL: none over UDP.  At a limit, streams wait instead of losing queries. */
static struct dns_pending *least_useful(const struct dns_forward *f, const struct payer *payer)
{
	return payer->n_dns_queries > 0 ? oldest_of(payer) : oldest_of_greediest(f);
}

bool dns_forward_has_room(const struct dns_forward *f, const struct payer *payer)
{
	return has_share_left(f, payer) || (payer->n_dns_queries == 0 && oldest_of_greediest(f));
}

/* Room for one more query of @payer: 0 when there is, 1 when a query was given up for it, -EBUSY. */
static int make_room(struct dns_forward *f, const struct payer *payer)
{
	if (has_share_left(f, payer))
		return 0;
	struct dns_pending *p = least_useful(f, payer);
	if (!p)
		return -EBUSY;
	give_up(f, p);
	return 1;
}

static struct dns_pending *new_pending(struct dns_forward *f, const struct dns_client *client, const struct dns_query *q,
				       const uint8_t *bytes, size_t len)
{
	struct dns_pending *p = malloc(sizeof(*p) + len);
	if (!p)
		return NULL;
	*p = (struct dns_pending){
		.serial = ++f->serial,
		.index = f->free_index[--f->n_free],
		.client = *client,
		.query = *q,
		.epoch = f->servers.epoch,
		.len = len,
	};
	memcpy(p->bytes, bytes, len);
	f->pending[p->index] = p;
	list_init(&p->waiting);
	payer_ref(client->payer);
	list_append(&client->payer->dns_queries, &p->of_payer);
	client->payer->n_dns_queries++;
	return p;
}

int dns_forward_ask(struct dns_forward *f, usec_t now, const struct dns_client *client, const struct dns_query *q, const uint8_t *bytes,
		    size_t len)
{
	if (!client->stream && is_repeated(client, q))
		return -EALREADY;
	int room = make_room(f, client->payer);
	if (room < 0)
		return room;
	struct dns_pending *p = new_pending(f, client, q, bytes, len);
	if (!p)
		return -ENOMEM;
	f->config.counters->forwarded++;
	if (!attempt_next(f, now, p, false)) {
		f->config.counters->unanswered++;
		give_up(f, p);
		return -ENETUNREACH;
	}
	begin_round(f, now, p);
	return room;
}

void dns_forward_forget(struct dns_forward *f, struct payer *payer, const struct dns_stream *stream)
{
	payer_ref(payer);
	list_for_each(node, &payer->dns_queries) {
		struct dns_pending *p = container_of(node, struct dns_pending, of_payer);
		if (p->client.stream == stream)
			give_up(f, p);
	}
	payer_unref(payer);
}

void dns_forward_set_servers(struct dns_forward *f, const struct dns_server_list *servers)
{
	dns_servers_set(&f->servers, servers);
}

/*
 * Whether the message answers @a.  Some servers return an error without the question; accepting that, an attacker can forge
 * errors only.
 */
static bool is_answer(const struct dns_pending *p, const struct attempt *a, const uint8_t *bytes, size_t len, struct dns_header *ret)
{
	struct bytes_reader r = bytes_reader(bytes, len);
	if (dns_header_parse(&r, ret) < 0 || !ret->response || ret->opcode != DNS_OPCODE_QUERY || ret->id != a->id)
		return false;
	if (ret->n_questions == 0)
		return ret->rcode != DNS_RCODE_NOERROR;
	struct dns_question question;
	return ret->n_questions == 1 && dns_question_parse(&r, bytes, &question) == 0 && dns_question_equal(&question, &p->query.question);
}

/* @a has failed: asks another server, or waits for an open attempt.  False when there is neither. */
static bool goes_on_without(struct dns_forward *f, usec_t now, struct dns_pending *p, struct attempt *a)
{
	a->live = false;
	if (a->epoch == p->epoch)
		p->failed |= 1u << a->server;
	return attempt_next(f, now, p, false) || has_live_attempt(p);
}

static bool another_may_know(uint8_t rcode)
{
	return rcode == DNS_RCODE_SERVFAIL || rcode == DNS_RCODE_NOTIMP || rcode == DNS_RCODE_REFUSED;
}

bool dns_forward_answered(struct dns_forward *f, usec_t now, dns_token token, uint8_t *bytes, size_t len)
{
	struct dns_pending *p;
	struct attempt *a = find_attempt(f, token, &p);
	if (!a)
		return true;
	struct dns_header h;
	if (!is_answer(p, a, bytes, len, &h)) {
		f->config.counters->forged++;
		if (!is_tcp(p) && ++a->forged < FORGED_MAX)
			return false;
		dns_forward_failed(f, now, token, -EBADMSG);
		return true;
	}
	if (a->epoch == f->servers.epoch)
		dns_servers_answered(&f->servers, now, a->server);
	if (another_may_know(h.rcode) && goes_on_without(f, now, p, a))
		return true;
	a->live = false;
	finish(f, now, p, bytes, len);
	return true;
}

void dns_forward_failed(struct dns_forward *f, usec_t now, dns_token token, int error)
{
	struct dns_pending *p;
	struct attempt *a = find_attempt(f, token, &p);
	if (!a)
		return;
	server_failed(f, now, a, error);
	if (!goes_on_without(f, now, p, a))
		finish(f, now, p, NULL, 0);
}

usec_t dns_forward_deadline(const struct dns_forward *f)
{
	if (list_empty(&f->waiting))
		return USEC_INFINITY;
	return container_of(f->waiting.next, struct dns_pending, waiting)->deadline;
}

static void end_round(struct dns_forward *f, usec_t now, struct dns_pending *p)
{
	for (unsigned i = 0; i < p->n_attempts; i++) {
		const struct attempt *a = &p->attempts[i];
		if (a->live && a->epoch == f->servers.epoch && dns_servers_silent(&f->servers, now, a->server, a->sent))
			log_server(f, now, a->server, "does not answer");
	}
	if (++p->rounds == DNS_ATTEMPT_ROUNDS) {
		finish(f, now, p, NULL, 0);
		return;
	}
	if (attempt_next(f, now, p, !is_tcp(p)) || has_live_attempt(p))
		begin_round(f, now, p);
	else
		finish(f, now, p, NULL, 0);
}

void dns_forward_expire(struct dns_forward *f, usec_t now)
{
	while (dns_forward_deadline(f) <= now)
		end_round(f, now, container_of(f->waiting.next, struct dns_pending, waiting));
}
