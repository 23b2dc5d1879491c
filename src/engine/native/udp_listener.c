/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/udp_listener.h"

#include "base/allowance.h"
#include "base/macros.h"
#include "engine/native/udp.h"
#include "host/host_network.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (1024 * 1024) /* the kernel caps it */
#define TURN_BATCHES 8u
#define ITEMS_PER_BATCH 16u /* of poller_slice_is_over() */
/* How much more than what is left a listener may have (share_allows()). */
#define PEERS_WEIGHT 3u
/* How many ports are tried for a peer whose own the guest sees already. */
#define PORT_STEPS 16u
/* More than a socket's buffer holds, so that a flood cannot keep it from asking for the guest again. */
#define STALE_MAX 2048u
#define STALE_PER_TURN 64u

/* --- finding flows --- */

static uint64_t hash_peer(const struct udp_listener *l, const struct ip_endpoint *peer)
{
	return hash_bytes(&l->engine->config.hash_key, peer, sizeof(*peer));
}

static_assert(sizeof(struct ip_endpoint) == 18, "hashed as bytes: no padding");

static struct udp_peer *peer_of(struct hash_node *n)
{
	return container_of(n, struct udp_peer, node);
}

bool udp_peer_lost_address(struct udp_peer *p)
{
	if (!ip_is_unspecified(&p->path.local) && host_network_has(&p->path.local))
		return false;
	p->path.local = (struct ip_addr){ 0 };
	return true;
}

/* The first peer at @node or after it with @path's ends, whatever address of the host it asked. */
static struct udp_peer *next_of_path(struct hash_node *node, const struct udp_path *path)
{
	for (; node; node = hash_node_next(node)) {
		struct udp_peer *p = peer_of(node);
		if (ip_endpoint_equal(&p->path.peer, &path->peer) && p->path.interface == path->interface)
			return p;
	}
	return NULL;
}

/* The peer with @path; else one whose address of the host is lost, which now has @path. */
static struct udp_peer *find_peer(const struct udp_listener *l, const struct udp_path *path)
{
	struct udp_peer *first = next_of_path(hash_table_find(&l->peers, hash_peer(l, &path->peer)), path);
	for (struct udp_peer *p = first; p; p = next_of_path(hash_node_next(&p->node), path))
		if (ip_equal(&p->path.local, &path->local))
			return p;
	for (struct udp_peer *p = first; p; p = next_of_path(hash_node_next(&p->node), path)) {
		if (!udp_peer_lost_address(p))
			continue;
		p->path.local = path->local;
		return p;
	}
	return NULL;
}

void udp_peer_used(struct udp_peer *p)
{
	list_remove(&p->recent);
	list_append(p->answered ? &p->listener->answered : &p->listener->unanswered, &p->recent);
}

void udp_peer_answered(struct udp_peer *p)
{
	if (p->answered)
		return;
	p->answered = true;
	udp_peer_used(p);
}

/* --- opening flows --- */

/* Makes room for another flow of @l at its own expense.  False: it has none that could end. */
static bool make_room(struct udp_listener *l)
{
	struct engine *e = l->engine;
	if (share_allows(l->peers.n, 1, e->n_peers, e->max_peers, PEERS_WEIGHT) && e->used.n_flows < e->max.n_flows)
		return true;
	struct list *from = list_empty(&l->unanswered) ? &l->answered : &l->unanswered;
	if (list_empty(from))
		return false;
	e->evicted++;
	native_datagram_free(container_of(from->next, struct udp_peer, recent)->flow);
	return true;
}

/* Chooses a source for the guest that it sees in no other flow. */
static int choose_source(struct engine *e, struct flow_key *key)
{
	for (unsigned i = 0; i <= PORT_STEPS; i++) {
		if (!flow_table_find(&e->tables[NATIVE_UDP], key))
			return 0;
		key->remote.port = key->remote.port == UINT16_MAX ? 1024 : key->remote.port + 1;
	}
	return -EADDRINUSE;
}

static int open_flow(struct udp_listener *l, usec_t now, const struct engine_open *how, const struct udp_path *path, struct udp_peer **ret)
{
	struct engine *e = l->engine;
	struct flow_key key = { how->to, how->source };
	if (ip_is_v4(&how->to.addr) != ip_is_v4(&how->source.addr))
		return -EOPNOTSUPP;
	int r = choose_source(e, &key);
	if (r < 0 || !make_room(l))
		return r < 0 ? r : -EAGAIN;
	struct udp_peer *p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->listener = l;
	p->path = *path;
	list_init(&p->recent);
	r = hash_table_add(&l->peers, &p->node, hash_peer(l, &path->peer));
	if (r == 0 && (r = native_datagram_adopt(e, now, how->guest, &key, p, &p->flow)) < 0)
		hash_table_remove(&l->peers, &p->node);
	if (r < 0) {
		free(p);
		return r;
	}
	e->n_peers++;
	udp_peer_used(p);
	native_flow_wake(&p->flow->base); /* for its timer */
	*ret = p;
	return 0;
}

static struct udp_peer *open_peer(struct udp_listener *l, usec_t now, const struct udp_path *path)
{
	struct engine_open how = { .fd = -1 };
	struct udp_peer *p = NULL;
	if (!l->owner || path->peer.port == 0) {
		l->engine->config.env->ops->drop(l->engine->config.env, DROP_FILTERED, NULL);
		return NULL;
	}
	if (l->owner->admit(l->owner, now, &path->peer, &how) < 0)
		return NULL;
	int r = open_flow(l, now, &how, path, &p);
	l->owner->opened(l->owner, now, r);
	return p;
}

struct native_datagram *udp_listener_flow(struct udp_listener *l, usec_t now, const struct udp_path *path)
{
	struct udp_peer *p = find_peer(l, path);
	if (!p)
		p = open_peer(l, now, path);
	if (!p)
		return NULL;
	struct native_datagram *d = p->flow;
	d->mapping.active = now;
	l->latest = d;
	if (d->base.guest->state == GUEST_HEARD)
		l->waits = d;
	native_datagram_ran(d);
	return d;
}

/* --- the socket --- */

static void watch(struct udp_listener *l)
{
	struct poller *poller = l->engine->config.poller;
	bool active = !l->suspended && !l->waits;
	if (!active)
		poller_unwatch(poller, &l->watch);
	else if (!l->watch.active)
		poller_watch(poller, &l->watch, l->watch.fd, POLL_EVENT_IN);
}

static void drop_stale(struct udp_listener *l)
{
	struct engine_env *env = l->engine->config.env;
	for (unsigned i = 0; i < STALE_PER_TURN && l->stale > 0; i++, l->stale--) {
		if (recv(l->watch.fd, NULL, 0, MSG_DONTWAIT) < 0) {
			l->stale = 0;
			return;
		}
		env->ops->drop(env, DROP_NEIGHBOUR_UNKNOWN, NULL);
	}
}

static void listener_ready(struct watch *w, usec_t now, unsigned events)
{
	struct udp_listener *l = container_of(w, struct udp_listener, watch);
	struct engine *e = l->engine;
	if (events & POLL_EVENT_ERROR)
		udp_listener_drain_errors(l, now);
	if (l->stale > 0) {
		drop_stale(l);
		return;
	}
	bool more = true;
	for (unsigned i = 0; more && !l->waits && i < TURN_BATCHES && (i == 0 || !poller_slice_is_over(e->config.poller, ITEMS_PER_BATCH));
	     i++) {
		if (l->latest && udp_read_should_wait(e, now, l->latest->base.guest)) {
			l->waits = l->latest;
			native_flow_wake(&l->waits->base);
			break;
		}
		l->borrower = l->latest;
		struct udp_reader r = { .engine = e, .fd = w->fd, .habits = &l->habits, .listener = l, .flow = l->latest };
		more = udp_read(&r, now);
	}
	watch(l);
}

struct native_drained udp_listener_drain_errors(struct udp_listener *l, usec_t now)
{
	struct native_drained drained = { 0 };
	struct native_errqueue q;
	while (native_errqueue_read(l->watch.fd, &q)) {
		struct udp_peer *p = next_of_path(hash_table_find(&l->peers, hash_peer(l, &q.dst)), &(struct udp_path){ .peer = q.dst });
		drained.n_of_icmp += q.is_icmp;
		if (q.is_icmp && p)
			native_udp_pass_on_error(p->flow, now, &q);
		else if (q.error == EMSGSIZE)
			drained.mtu = q.info;
	}
	return drained;
}

/* --- life --- */

static void listener_free(struct udp_listener *l)
{
	struct poller *poller = l->engine->config.poller;
	if (l->watch.active)
		poller_close(poller, &l->watch);
	else
		close(l->watch.fd);
	list_remove(&l->node);
	hash_table_done(&l->peers);
	free(l);
}

static void free_if_unused(struct udp_listener *l)
{
	if (!l->owner && l->peers.n == 0)
		listener_free(l);
}

/* A guest that is not known may not have room for many datagrams in one message. */
static void forget_habits(struct udp_listener *l)
{
	if (l->habits.gro)
		setsockopt(l->watch.fd, IPPROTO_UDP, UDP_GRO, &(int){ 0 }, sizeof(int));
	l->habits = (struct udp_habits){ 0 };
}

bool udp_peer_ran(struct udp_peer *p, usec_t now)
{
	struct udp_listener *l = p->listener;
	struct guest *guest = p->flow->base.guest;
	if (l->waits != p->flow || guest->state == GUEST_HEARD)
		return false;
	if (udp_read_should_wait(l->engine, now, guest))
		return true;
	l->waits = NULL;
	watch(l);
	return false;
}

void udp_peer_free(struct udp_peer *p)
{
	struct udp_listener *l = p->listener;
	if (l->latest == p->flow)
		l->latest = NULL;
	if (l->borrower == p->flow)
		l->borrower = NULL;
	if (l->waits == p->flow) {
		l->waits = NULL;
		l->stale = p->flow->base.guest->state == GUEST_HEARD ? STALE_MAX : 0;
		watch(l);
	}
	list_remove(&p->recent);
	hash_table_remove(&l->peers, &p->node);
	l->engine->n_peers--;
	free(p);
	if (l->peers.n == 0)
		forget_habits(l);
	free_if_unused(l);
}

static void prepare_socket(int fd, bool v6)
{
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ BUFFER_BYTES }, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ BUFFER_BYTES }, sizeof(int));
	native_report_tos(fd, v6);
	if (v6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &(int){ 1 }, sizeof(int));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &(int){ 1 }, sizeof(int));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &(int){ 1 }, sizeof(int));
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &(int){ 1 }, sizeof(int));
	}
}

static struct udp_listener *find_closed(const struct engine *e, const struct ip_endpoint *at)
{
	list_for_each(node, &e->listeners) {
		struct udp_listener *l = container_of(node, struct udp_listener, node);
		if (!l->owner && ip_endpoint_equal(&l->at, at))
			return l;
	}
	return NULL;
}

static int listener_new(struct engine *e, int fd, const struct ip_endpoint *at, struct udp_listener **ret)
{
	struct udp_listener *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->engine = e;
	l->at = *at;
	l->options = (struct native_socket_options)NATIVE_SOCKET_OPTIONS_NONE;
	if (!share_is_initialized(&e->host.share))
		share_init(&e->host.share);
	l->watch = (struct watch){ .ready = listener_ready, .fd = fd, .share = &e->host.share };
	list_init(&l->answered);
	list_init(&l->unanswered);
	prepare_socket(fd, !ip_is_v4(&at->addr));
	int r = poller_watch(e->config.poller, &l->watch, fd, POLL_EVENT_IN);
	if (r < 0) {
		free(l);
		return r;
	}
	list_append(&e->listeners, &l->node);
	*ret = l;
	return 0;
}

int native_datagrams_open(struct engine *e, struct engine_datagram_port *port, int fd, const struct ip_endpoint *at)
{
	struct udp_listener *l = fd < 0 ? find_closed(e, at) : NULL;
	int r = fd < 0 ? (l ? 0 : -ENOTCONN) : listener_new(e, fd, at, &l);
	if (r < 0)
		return r;
	l->owner = port;
	port->listener = l;
	return 0;
}

void native_datagrams_suspend(struct engine *e, struct engine_datagram_port *port, bool suspended)
{
	struct udp_listener *l = port->listener;
	l->suspended = suspended;
	watch(l);
}

void native_datagrams_close(struct engine *e, struct engine_datagram_port *port)
{
	struct udp_listener *l = port->listener;
	port->listener = NULL;
	l->owner = NULL;
	l->suspended = false;
	watch(l);
	free_if_unused(l);
}

void udp_listeners_done(struct engine *e)
{
	list_for_each(node, &e->listeners)
		listener_free(container_of(node, struct udp_listener, node));
}
