/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients that ask the same at the same time share a pending query: it has one waiter for each.  A waiter is charged to its payer.  A query
 * without waiters goes on only to renew an expired answer that its clients have been sent.
 *
 * A pending query makes attempts: the message with a new id, to one server, in a transaction of its own.
 *
 *   A round lasts DNS_ATTEMPT_TIMEOUT and begins with an attempt.  When it ends without an answer, the next round's attempt
 *   goes to the next server, or over UDP to the same servers again.  All attempts stay open until the query ends, because a server may
 *   need seconds for a name that it does not know yet; the first good answer counts.  After DNS_ATTEMPT_ROUNDS rounds the query has
 *   failed.  Of a payer with more than PATIENT_MAX queries, an attempt is given up when the second one after it begins: each has a
 *   descriptor.
 *   After an attempt that fails (refused, unreachable), or whose answer lacks records or is an error that another server might
 *   not return (SERVFAIL, NOTIMP, REFUSED, as in libc), the next attempt goes at once to a server that was not asked yet.  When
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

struct waiter {
	struct list of_pending, of_payer;
	struct dns_pending *pending;
	struct dns_client client; /* with a reference to its payer */
	struct dns_query query;
};

struct dns_pending {
	struct list waiting;
	struct list may_be_stale;
	struct list waiters;
	struct hash_node node; /* in by_key, if has_key */
	bool has_key, is_over;
	bool renews; /* its clients have an expired answer; it goes on without them */
	bool tcp;    /* asked over TCP; its clients have come over TCP, too, unless all names are asked so */
	bool brief;  /* the name is likely to have no server: one round, in which all servers are asked */
	struct dns_key key;
	struct dns_question question;
	usec_t deadline, since;
	uint64_t serial;
	uint16_t index;
	struct payer *payer; /* of the client that asked first; with a reference */
	unsigned rounds;
	unsigned first;         /* server to ask */
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
	list_init(&f->may_be_stale);
	for (unsigned i = 0; i < DNS_PENDING_MAX; i++)
		f->free_index[f->n_free++] = (uint16_t)(DNS_PENDING_MAX - 1 - i);
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

/* Removes @p from all lists.  The caller frees it. */
static void detach(struct dns_forward *f, struct dns_pending *p)
{
	for (unsigned i = 0; i < p->n_attempts; i++)
		if (p->attempts[i].live)
			f->config.upstream->ops->cancel(f->config.upstream, make_token(p, i));
	list_remove(&p->waiting);
	list_remove(&p->may_be_stale);
	if (p->has_key)
		hash_table_remove(&f->by_key, &p->node);
	p->is_over = true;
	f->pending[p->index] = NULL;
	f->free_index[f->n_free++] = p->index;
}

static void pending_free(struct dns_pending *p)
{
	payer_unref(p->payer);
	free(p);
}

static struct waiter *add_waiter(struct dns_forward *f, struct dns_pending *p, const struct dns_forward_query *what)
{
	struct waiter *w = malloc(sizeof(*w));
	if (!w)
		return NULL;
	*w = (struct waiter){ .pending = p, .client = *what->client, .query = *what->q };
	payer_ref(w->client.payer);
	list_append(&p->waiters, &w->of_pending);
	list_append(&w->client.payer->dns_queries, &w->of_payer);
	w->client.payer->n_dns_queries++;
	f->n_waiters++;
	return w;
}

/* Takes @w out, and leaves it to the caller. */
static void take_waiter(struct dns_forward *f, struct waiter *w)
{
	list_remove(&w->of_pending);
	list_remove(&w->of_payer);
	w->client.payer->n_dns_queries--;
	f->n_waiters--;
}

static void waiter_free(struct waiter *w)
{
	payer_unref(w->client.payer);
	free(w);
}

/* Frees @w without an answer, and its query if no other waits. */
static void give_up(struct dns_forward *f, struct waiter *w)
{
	struct dns_pending *p = w->pending;
	take_waiter(f, w);
	waiter_free(w);
	if (p->is_over || p->renews || !list_empty(&p->waiters))
		return;
	detach(f, p);
	pending_free(p);
}

static struct waiter *first_waiter(const struct dns_pending *p)
{
	return container_of(p->waiters.next, struct waiter, of_pending);
}

static void finish(struct dns_forward *f, usec_t now, struct dns_pending *p, uint8_t *answer, size_t len)
{
	detach(f, p);
	if (answer) {
		f->config.counters->answered++;
		len = f->config.arrived(f->config.opaque, now, p->has_key ? &p->key : NULL, p->payer, answer, len);
	} else {
		f->config.counters->unanswered++;
	}
	while (!list_empty(&p->waiters)) {
		struct waiter *w = first_waiter(p);
		take_waiter(f, w);
		if (answer)
			dns_answer_adopt(answer, len, &w->query);
		f->config.done(f->config.opaque, now, &w->client, &w->query, answer, len);
		waiter_free(w);
	}
	pending_free(p);
}

void dns_forward_done(struct dns_forward *f)
{
	for (unsigned i = 0; i < DNS_PENDING_MAX; i++) {
		struct dns_pending *p = f->pending[i];
		if (!p)
			continue;
		detach(f, p);
		while (!list_empty(&p->waiters))
			give_up(f, first_waiter(p));
		pending_free(p);
	}
	hash_table_done(&f->by_key);
}

static void log_server(struct dns_forward *f, usec_t now, const struct dns_servers *servers, unsigned index, const char *what)
{
	char text[DNS_SERVER_TEXT_SIZE];
	log_limited(f->config.log, &f->log_limit, now, LOG_LEVEL_INFO, "dns: name server %s: %s",
		    dns_server_format(&servers->list.server[index], text), what);
}

static void server_failed(struct dns_forward *f, usec_t now, const struct attempt *a, int error)
{
	struct dns_servers *servers = dns_routes_of_epoch(&f->routes, a->epoch);
	if (!servers)
		return;
	dns_servers_failed(servers, now, a->server);
	log_server(f, now, servers, a->server, strerror(-error));
}

static void make_room_for_attempt(struct dns_forward *f, struct dns_pending *p)
{
	unsigned open = 0;
	if (p->payer->n_dns_queries <= PATIENT_MAX)
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
static bool attempt_server(struct dns_forward *f, usec_t now, struct dns_pending *p, const struct dns_servers *servers, unsigned index)
{
	make_room_for_attempt(f, p);
	struct attempt *a = &p->attempts[p->n_attempts];
	*a = (struct attempt){ .id = fresh_id(f), .server = index, .epoch = servers->epoch, .sent = now };
	set_id(p->bytes, a->id);
	struct dns_upstream_query q = {
		.token = make_token(p, p->n_attempts),
		.server = &servers->list.server[index],
		.payer = p->payer,
		.tcp = p->tcp,
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
	struct dns_servers *servers = dns_routes_find(&f->routes, &p->question.name);
	if (p->epoch != servers->epoch) {
		p->epoch = servers->epoch;
		p->tried = p->failed = 0;
	}
	while (p->n_attempts < ATTEMPTS_MAX) {
		int index = dns_servers_pick(servers, now, p->tried, p->first);
		if (index < 0 && again) {
			p->tried = p->failed;
			index = dns_servers_pick(servers, now, p->tried, p->first);
		}
		if (index < 0)
			return false;
		if (attempt_server(f, now, p, servers, (unsigned)index))
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
	return (payer->n_dns_queries == 0 && f->n_waiters < DNS_PENDING_MAX) ||
	       share_allows(payer->n_dns_queries, 1, f->n_waiters, DNS_PENDING_MAX, 1);
}

/* A requester that repeats a pending query gets the answer to the first one. */
static bool is_repeated(const struct dns_client *client, const struct dns_query *q)
{
	list_for_each(node, &client->payer->dns_queries) {
		const struct waiter *w = container_of(node, struct waiter, of_payer);
		if (w->query.header.id == q->header.id && w->client.port == client->port && ip_equal(&w->client.ip, &client->ip) &&
		    ip_equal(&w->client.asked, &client->asked) && w->client.stream == client->stream &&
		    dns_question_equal(&w->query.question, &q->question))
			return true;
	}
	return false;
}

static struct waiter *oldest_of(const struct payer *payer)
{
	list_for_each(node, &payer->dns_queries) {
		struct waiter *w = container_of(node, struct waiter, of_payer);
		if (!w->client.stream)
			return w;
	}
	return NULL;
}

/* Of the payer that has most, and more than one. */
static struct waiter *oldest_of_greediest(const struct dns_forward *f)
{
	struct waiter *found = NULL;
	unsigned most = 1;
	list_for_each(node, &f->waiting) {
		struct dns_pending *p = container_of(node, struct dns_pending, waiting);
		list_for_each(at, &p->waiters) {
			struct waiter *w = container_of(at, struct waiter, of_pending);
			if (w->client.stream || w->client.payer->n_dns_queries <= most)
				continue;
			most = w->client.payer->n_dns_queries;
			found = w;
		}
	}
	return found;
}

/* The query that is given up for one more of @payer.  NULL: none over UDP.  At a limit, streams wait instead of losing queries. */
static struct waiter *least_useful(const struct dns_forward *f, const struct payer *payer)
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
	struct waiter *w = least_useful(f, payer);
	if (!w)
		return -EBUSY;
	give_up(f, w);
	return 1;
}

/* Ends the oldest query that no client waits for. */
static void make_room_for_query(struct dns_forward *f)
{
	if (f->n_free > 0)
		return;
	list_for_each(node, &f->waiting) {
		struct dns_pending *p = container_of(node, struct dns_pending, waiting);
		if (!list_empty(&p->waiters))
			continue;
		detach(f, p);
		pending_free(p);
		return;
	}
}

/* "local", which is resolved by mDNS, or nowhere (RFC 6762 §3). */
static bool is_of_mdns(const struct dns_name *name)
{
	static const struct dns_name local = { 7, "\5local" };
	return dns_name_within(name, &local);
}

static void share_by_key(struct dns_forward *f, struct dns_pending *p, const struct dns_query *asked)
{
	if (!dns_key_of(asked, &p->key))
		return;
	p->has_key = hash_table_add(&f->by_key, &p->node, dns_key_hash(&p->key, &f->config.hash_key)) == 0;
}

static struct dns_pending *new_pending(struct dns_forward *f, usec_t now, const struct dns_forward_query *what)
{
	make_room_for_query(f);
	struct dns_pending *p = f->n_free > 0 ? malloc(sizeof(*p) + what->len) : NULL;
	if (!p)
		return NULL;
	*p = (struct dns_pending){
		.serial = ++f->serial,
		.index = f->free_index[--f->n_free],
		.tcp = what->client->stream || f->routes.outside.over_tcp,
		.brief = is_of_mdns(&what->asked->question.name),
		.question = what->asked->question,
		.since = now,
		.payer = payer_ref(what->client->payer),
		.first = f->routes.outside.rotate ? f->n_rotated++ : 0,
		.len = what->len,
	};
	memcpy(p->bytes, what->bytes, what->len);
	f->pending[p->index] = p;
	list_init(&p->waiting);
	list_init(&p->may_be_stale);
	list_init(&p->waiters);
	share_by_key(f, p, what->asked);
	return p;
}

/* A pending query with the answer to which @what is answered, too; NULL: there is none. */
static struct dns_pending *find_equal(const struct dns_forward *f, const struct dns_forward_query *what)
{
	struct dns_key key;
	bool tcp = what->client->stream || f->routes.outside.over_tcp;
	if (f->by_key.n == 0 || !dns_key_of(what->asked, &key))
		return NULL;
	for (struct hash_node *n = hash_table_find(&f->by_key, dns_key_hash(&key, &f->config.hash_key)); n; n = hash_node_next(n)) {
		struct dns_pending *p = container_of(n, struct dns_pending, node);
		if (p->tcp == tcp && dns_key_equal(&p->key, &key))
			return p;
	}
	return NULL;
}

/* Asks the first server, or all. */
static bool attempt_first(struct dns_forward *f, usec_t now, struct dns_pending *p)
{
	if (!attempt_next(f, now, p, false))
		return false;
	while (p->brief && attempt_next(f, now, p, false))
		;
	return true;
}

int dns_forward_ask(struct dns_forward *f, usec_t now, const struct dns_forward_query *what)
{
	if (!what->client->stream && is_repeated(what->client, what->q))
		return -EALREADY;
	int room = make_room(f, what->client->payer);
	if (room < 0)
		return room;
	struct dns_pending *equal = find_equal(f, what);
	if (equal && equal->renews && what->has_stale)
		return -EINPROGRESS;
	if (equal) {
		f->config.counters->shared++;
		return add_waiter(f, equal, what) ? room : -ENOMEM;
	}
	struct dns_pending *p = new_pending(f, now, what);
	if (!p)
		return -ENOMEM;
	f->config.counters->forwarded++;
	if (!attempt_first(f, now, p) || !add_waiter(f, p, what)) {
		bool is_asked = has_live_attempt(p);
		f->config.counters->unanswered++;
		detach(f, p);
		pending_free(p);
		return is_asked ? -ENOMEM : -ENETUNREACH;
	}
	begin_round(f, now, p);
	if (what->has_stale)
		list_append(&f->may_be_stale, &p->may_be_stale);
	return room;
}

void dns_forward_forget(struct dns_forward *f, struct payer *payer, const struct dns_stream *stream)
{
	payer_ref(payer);
	list_for_each(node, &payer->dns_queries) {
		struct waiter *w = container_of(node, struct waiter, of_payer);
		if (w->client.stream == stream)
			give_up(f, w);
	}
	payer_unref(payer);
}

bool dns_forward_set_outside(struct dns_forward *f, const struct dns_outside *outside)
{
	return dns_routes_set(&f->routes, outside);
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
	return ret->n_questions == 1 && dns_question_is_next(r, &p->question);
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
		if (!p->tcp && ++a->forged < FORGED_MAX)
			return false;
		dns_forward_failed(f, now, token, -EBADMSG);
		return true;
	}
	struct dns_servers *servers = dns_routes_of_epoch(&f->routes, a->epoch);
	if (servers)
		dns_servers_answered(servers, now, a->server);
	/* RFC 2181 §9: one that was truncated may end anywhere. */
	bool is_of_use = h.truncated || dns_message_is_whole(bytes, len);
	f->config.counters->forged += !is_of_use;
	if ((!is_of_use || another_may_know(h.rcode)) && goes_on_without(f, now, p, a))
		return true;
	a->live = false;
	finish(f, now, p, is_of_use ? bytes : NULL, len);
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

static struct dns_pending *first_stale(const struct dns_forward *f)
{
	return list_empty(&f->may_be_stale) ? NULL : container_of(f->may_be_stale.next, struct dns_pending, may_be_stale);
}

static usec_t stale_deadline(const struct dns_forward *f)
{
	const struct dns_pending *p = first_stale(f);
	return p ? usec_add(p->since, DNS_STALE_AFTER) : USEC_INFINITY;
}

static usec_t round_deadline(const struct dns_forward *f)
{
	if (list_empty(&f->waiting))
		return USEC_INFINITY;
	return container_of(f->waiting.next, struct dns_pending, waiting)->deadline;
}

usec_t dns_forward_deadline(const struct dns_forward *f)
{
	return usec_min(round_deadline(f), stale_deadline(f));
}

static void end_round(struct dns_forward *f, usec_t now, struct dns_pending *p)
{
	for (unsigned i = 0; i < p->n_attempts; i++) {
		const struct attempt *a = &p->attempts[i];
		struct dns_servers *servers = a->live && !p->brief ? dns_routes_of_epoch(&f->routes, a->epoch) : NULL;
		if (servers && dns_servers_silent(servers, now, a->server, a->sent))
			log_server(f, now, servers, a->server, "does not answer");
	}
	if (++p->rounds == (p->brief ? 1 : DNS_ATTEMPT_ROUNDS)) {
		finish(f, now, p, NULL, 0);
		return;
	}
	if (attempt_next(f, now, p, !p->tcp) || has_live_attempt(p))
		begin_round(f, now, p);
	else
		finish(f, now, p, NULL, 0);
}

/* Has the expired answer sent to the clients of @p.  The query goes on, to renew it. */
static void answer_late(struct dns_forward *f, usec_t now, struct dns_pending *p)
{
	list_remove(&p->may_be_stale);
	p->renews = true;
	while (!list_empty(&p->waiters)) {
		struct waiter *w = first_waiter(p);
		take_waiter(f, w);
		f->config.late(f->config.opaque, now, &w->client, &w->query);
		waiter_free(w);
	}
}

void dns_forward_expire(struct dns_forward *f, usec_t now)
{
	while (stale_deadline(f) <= now)
		answer_late(f, now, first_stale(f));
	while (round_deadline(f) <= now)
		end_round(f, now, container_of(f->waiting.next, struct dns_pending, waiting));
}
