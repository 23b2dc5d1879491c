/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libslirp is made for poll(): before sleeping its user asks for descriptors and events (slirp_pollfds_fill), afterwards it reports
 * the events (slirp_pollfds_poll). Here this is mapped to watches: after each batch of packets or events stack_settle() asks again
 * and changes only the watches that differ; a watch that fires records its events at the socket and queues the stack, which the
 * engine runs once per round.
 *
 * libslirp sends from within slirp_input() and slirp_pollfds_poll(); handlers of what it sends must call neither.
 *
 * Its clock is a process-wide number of milliseconds that only slirp_pollfds_poll() sets. So a stack that was idle must run its
 * timers before it gets a packet; otherwise new flows would start already expired.
 */
#include "engine/slirp/stack.h"

#include "base/log.h"
#include "base/macros.h"
#include "engine/slirp/outbound.h"
#include "engine/slirp/sigpipe.h"
#include "engine/slirp/state.h"
#include "wire/arp.h"
#include "wire/eth.h"

#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The time-out that libslirp requests when only its slow timers run, and when no timer runs. */
#define SLOW_TIMEOUT_MS 499u
#define NO_TIMEOUT_MS 1000u
/* The slow timers of all stacks are aligned to this interval: two wake-ups a second for any number of idle guests. */
#define RASTER (500 * USEC_PER_MSEC)
#define MTU_MIN ((size_t)68)
#define MTU_MAX ((size_t)65521)
#define PRIVATE_MAC ((struct mac){ { 2, 0, 0, 0, 0, 1 } })

static const struct {
	unsigned ours;
	int theirs;
} event_map[] = {
	{ POLL_EVENT_IN, SLIRP_POLL_IN },      { POLL_EVENT_OUT, SLIRP_POLL_OUT },   { POLL_EVENT_PRI, SLIRP_POLL_PRI },
	{ POLL_EVENT_HANGUP, SLIRP_POLL_HUP }, { POLL_EVENT_ERROR, SLIRP_POLL_ERR },
};

static unsigned from_slirp(int events)
{
	unsigned e = 0;
	for (size_t i = 0; i < ARRAY_SIZE(event_map); i++)
		if (events & event_map[i].theirs)
			e |= event_map[i].ours;
	return e;
}

static int to_slirp(unsigned events)
{
	int e = 0;
	for (size_t i = 0; i < ARRAY_SIZE(event_map); i++)
		if (events & event_map[i].ours)
			e |= event_map[i].theirs;
	return e;
}

static struct engine *engine_of(const struct stack *s)
{
	return s->guest->engine;
}

static ssize_t on_send_packet(const void *buf, size_t len, void *opaque)
{
	outbound_frame(opaque, buf, len);
	return (ssize_t)len;
}

static void on_guest_error(const char *msg, void *opaque)
{
	struct engine *e = engine_of(opaque);
	log_limited(e->config.log, &e->log_limit, e->now, LOG_LEVEL_DEBUG, "libslirp: %s", msg);
}

static int64_t on_clock_get_ns(void *opaque)
{
	return (int64_t)(engine_of(opaque)->now * 1000);
}

/* Used only for IPv6 router advertisements, which are off. */
static void *on_timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
	return NULL;
}

static void on_timer_free(void *timer, void *opaque)
{
}

static void on_timer_mod(void *timer, int64_t expire_time_ms, void *opaque)
{
}

static void on_register_fd(int fd, void *opaque)
{
	static const struct slirp_flow unknown = { .kind = SOCKET_TCP };
	struct stack *s = opaque;
	struct engine *e = engine_of(s);
	struct slirp_socket *x;
	if (fd < 0 || s->listening)
		return;
	if (socket_table_add(&e->sockets, fd, s, s->opening ? s->opening : &unknown, &x) < 0) {
		e->config.env->ops->drop(e->config.env, DROP_NO_MEMORY, NULL);
		return;
	}
	list_append(&s->sockets[x->flow.kind], &x->node);
	s->n_sockets[x->flow.kind]++;
	e->n_sockets[x->flow.kind]++;
	if (x->flow.kind != SOCKET_FORWARD)
		slirp_socket_charge(x, s->guest->guest->payer);
	s->opened = x;
	x->since = x->used = e->now;
	x->id = ++e->flows_opened;
	slirp_socket_tune(x);
}

static void on_unregister_fd(int fd, void *opaque)
{
	struct stack *s = opaque;
	struct slirp_socket *x = socket_table_find(&engine_of(s)->sockets, fd);
	if (!x)
		return;
	if (s->opened == x)
		s->opened = NULL;
	s->n_sockets[x->flow.kind]--;
	engine_of(s)->n_sockets[x->flow.kind]--;
	slirp_socket_charge(x, NULL);
	socket_table_remove(&engine_of(s)->sockets, x);
}

/* Needed only by users that sleep in another thread. */
static void on_notify(void *opaque)
{
}

/* libslirp 4.9 has other names for what takes descriptors, because a socket is not an int on every system. */
#if SLIRP_CHECK_VERSION(4, 9, 0)
#define CONFIG_VERSION 6
#define register_poll_fd register_poll_socket
#define unregister_poll_fd unregister_poll_socket
#define slirp_pollfds_fill slirp_pollfds_fill_socket
#else
#define CONFIG_VERSION 4
#endif

static const SlirpCb callbacks = {
	.send_packet = on_send_packet,
	.guest_error = on_guest_error,
	.clock_get_ns = on_clock_get_ns,
	.timer_new_opaque = on_timer_new,
	.timer_free = on_timer_free,
	.timer_mod = on_timer_mod,
	.register_poll_fd = on_register_fd,
	.unregister_poll_fd = on_unregister_fd,
	.notify = on_notify,
};

static struct in_addr in_addr_of(ip4_t ip)
{
	return (struct in_addr){ .s_addr = htonl(ip) };
}

static SlirpConfig config_with(size_t mtu)
{
	return (SlirpConfig){
		.version = CONFIG_VERSION,
		.in_enabled = true,
		.vnetwork = in_addr_of(STACK_NETWORK.network),
		.vnetmask = in_addr_of(prefix4_mask(STACK_NETWORK)),
		.vhost = in_addr_of(STACK_HOST),
		.vnameserver = in_addr_of(STACK_HOST + 1),
		.vdhcp_start = in_addr_of(STACK_LOCAL + 1),
		.if_mtu = mtu,
		.if_mru = mtu,
		.disable_host_loopback = true,
		.disable_dns = true,
		.disable_dhcp = true,
	};
}

static Slirp *new_instance(struct stack *s)
{
	const SlirpConfig config = config_with(s->mtu);
	return slirp_new(&config, &callbacks, s);
}

/* Sends a gratuitous ARP, so that libslirp knows the guest's address and never asks. */
static void announce_guest(struct stack *s)
{
	uint8_t frame[ETH_HEADER_LEN + ARP_LEN];
	struct bytes_writer w = bytes_writer(frame, sizeof(frame));
	ip4_t ip = s->guest->ip;
	eth_emit(&w, &(struct eth_header){ .dst = MAC_BROADCAST, .src = PRIVATE_MAC, .ethertype = ETH_TYPE_ARP });
	arp_emit(&w, &(struct arp_message){ .operation = ARP_REQUEST, .sender_mac = PRIVATE_MAC, .sender_ip = ip, .target_ip = ip });
	slirp_input(s->slirp, frame, (int)w.len);
}

int stack_new(struct slirp_guest *guest, enum stack_role role, struct stack **ret)
{
	struct engine *e = guest->engine;
	struct stack *s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct stack){ .guest = guest, .role = role, .deadline = USEC_INFINITY };
	list_init(&s->dirty);
	list_init(&s->ready);
	list_init(&s->timed);
	for (unsigned k = 0; k < SOCKET_KINDS; k++)
		list_init(&s->sockets[k]);
	peers_init(&s->peers, &e->config.hash_key);
	size_t mtu = e->config.env->ops->guest_mtu(e->config.env, e->now, guest->guest);
	s->mtu = MIN(MAX(mtu, MTU_MIN), MTU_MAX);
	s->slirp = new_instance(s);
	if (!s->slirp) {
		free(s);
		return -ENOMEM;
	}
	announce_guest(s);
	*ret = s;
	return 0;
}

void stack_free(struct stack *s, bool reset)
{
	static const enum socket_kind connections[] = { SOCKET_TCP, SOCKET_FORWARD };
	if (!s)
		return;
	for (size_t i = 0; reset && i < ARRAY_SIZE(connections); i++)
		list_for_each(n, &s->sockets[connections[i]])
			slirp_socket_set_reset(container_of(n, struct slirp_socket, node), true);
	slirp_cleanup(s->slirp);
	list_remove(&s->dirty);
	list_remove(&s->ready);
	list_remove(&s->timed);
	peers_done(&s->peers);
	free(s);
}

/*
 * libslirp forgets the MSS option of a SYN whose connect() does not succeed at once, and then sends segments as large as its own
 * MTU. Until the guest has seen the SYN-ACK libslirp's buffers are empty, so the same SYN can be given to it again to make it read
 * the option.
 */
static void inject_mss(struct stack *s)
{
	while (s->mss_due) {
		s->mss_due = false;
		list_for_each(n, &s->sockets[SOCKET_TCP]) {
			struct slirp_socket *x = container_of(n, struct slirp_socket, node);
			if (!x->mss_due)
				continue;
			x->mss_due = false;
			uint8_t frame[INWARD_SYN_MAX];
			const struct slirp_flow *f = &x->flow;
			size_t len = inward_syn(s->guest->ip, f->guest_port, f->peer, f->port, f->syn, f->mss, frame);
			slirp_input(s->slirp, frame, (int)len);
		}
	}
}

static int report_events(int fd, void *opaque)
{
	struct slirp_socket *x = socket_table_find(&engine_of(opaque)->sockets, fd);
	if (!x)
		return 0;
	unsigned events = slirp_socket_report(x);
	x->ready = 0;
	if (events & POLL_EVENT_IN)
		x->used = engine_of(opaque)->now;
	return to_slirp(events);
}

static int report_nothing(int fd, void *opaque)
{
	return 0;
}

static void poll_slirp(struct stack *s, SlirpGetREventsCb report, void *opaque)
{
	struct sigpipe_guard guard;
	usec_t now = engine_of(s)->now;
	if (now - s->slow_run >= SLOW_TIMEOUT_MS * USEC_PER_MSEC)
		s->slow_run = now;
	sigpipe_hold(&guard);
	slirp_pollfds_poll(s->slirp, 0, report, opaque);
	inject_mss(s);
	sigpipe_release(&guard);
}

static void mark_dirty(struct stack *s)
{
	if (list_empty(&s->dirty))
		list_append(&engine_of(s)->dirty, &s->dirty);
}

void stack_wake(struct stack *s)
{
	if (list_empty(&s->dirty))
		stack_run_timers(s);
}

void stack_run(struct stack *s)
{
	mark_dirty(s);
	poll_slirp(s, report_events, s);
}

void stack_run_timers(struct stack *s)
{
	mark_dirty(s);
	poll_slirp(s, report_nothing, s);
}

/* Only once: it may be closed by then and its number reused. */
static int report_readable(int fd, void *opaque)
{
	int *wanted = opaque;
	if (fd != *wanted)
		return 0;
	*wanted = -1;
	return SLIRP_POLL_IN;
}

void stack_retire(struct stack *s, struct slirp_socket *x)
{
	int fd = x->fd;
	s->muted = true;
	poll_slirp(s, report_readable, &fd);
	s->muted = false;
}

struct slirp_socket *stack_input(struct stack *s, const struct slirp_flow *flow, const uint8_t *frame, size_t len)
{
	struct sigpipe_guard guard;
	s->opening = flow;
	s->opened = NULL;
	sigpipe_hold(&guard);
	slirp_input(s->slirp, frame, (int)len);
	inject_mss(s);
	sigpipe_release(&guard);
	s->opening = NULL;
	return s->opened;
}

static int note_wish(int fd, int events, void *opaque)
{
	struct stack *s = opaque;
	struct slirp_socket *x = socket_table_find(&engine_of(s)->sockets, fd);
	if (!x)
		return -1;
	x->asked = from_slirp(events);
	x->round = s->round;
	return fd;
}

/*
 * libslirp ends UDP and ICMP flows four minutes after their last packet, when it is asked for the events that it waits for.  So flows end
 * earlier when its clock is then so much later.  The clock belongs to the process, and any instance sets it: one without flows, because it
 * would also run the timers of an instance's TCP connections.
 */
#define DATAGRAM_LIFETIME (240 * USEC_PER_SEC + USEC_PER_MSEC)

static int64_t on_engine_clock_get_ns(void *opaque)
{
	return (int64_t)(((struct engine *)opaque)->now * 1000);
}

static const SlirpCb clock_callbacks = {
	.clock_get_ns = on_engine_clock_get_ns,
	.timer_new_opaque = on_timer_new,
	.timer_free = on_timer_free,
	.timer_mod = on_timer_mod,
	.notify = on_notify,
};

static void set_clock(struct engine *e, usec_t now)
{
	usec_t real = e->now;
	e->now = now;
	slirp_pollfds_poll(e->clock, 0, report_nothing, e);
	e->now = real;
}

unsigned stack_expire(struct stack *s, usec_t used)
{
	struct engine *e = engine_of(s);
	const SlirpConfig config = config_with(MTU_MIN);
	unsigned before = s->n_sockets[SOCKET_UDP] + s->n_sockets[SOCKET_ECHO];
	uint32_t timeout_ms = UINT32_MAX;
	if (!e->clock)
		e->clock = slirp_new(&config, &clock_callbacks, e);
	if (!e->clock)
		return 0;
	set_clock(e, used + DATAGRAM_LIFETIME);
	slirp_pollfds_fill(s->slirp, &timeout_ms, note_wish, s);
	set_clock(e, e->now);
	mark_dirty(s);
	return before - s->n_sockets[SOCKET_UDP] - s->n_sockets[SOCKET_ECHO];
}

void stack_clock_free(struct engine *e)
{
	if (e->clock)
		slirp_cleanup(e->clock);
	e->clock = NULL;
}

static void on_ready(struct watch *w, usec_t now, unsigned events)
{
	struct slirp_socket *x = container_of(w, struct slirp_socket, watch);
	struct engine *e = engine_of(x->stack);
	x->ready |= events;
	if (list_empty(&x->stack->ready))
		list_append(&e->ready, &x->stack->ready);
	if (list_empty(&e->deferred.node))
		poller_defer(e->config.poller, &e->deferred);
}

static void watch_as_asked(struct stack *s)
{
	struct engine *e = engine_of(s);
	for (unsigned k = 0; k < SOCKET_KINDS; k++) {
		list_for_each(n, &s->sockets[k]) {
			struct slirp_socket *x = container_of(n, struct slirp_socket, node);
			if (x->round != s->round)
				x->asked = 0;
			int r = slirp_socket_watch(&e->sockets, x, x->asked, on_ready);
			if (r < 0)
				log_limited(e->config.log, &e->log_limit, e->now, LOG_LEVEL_WARNING,
					    "libslirp: a host socket cannot be watched: %s", strerror(-r));
		}
	}
}

static usec_t deadline_after(const struct stack *s, usec_t now, uint32_t timeout_ms)
{
	if (timeout_ms >= NO_TIMEOUT_MS)
		return USEC_INFINITY;
	if (timeout_ms < SLOW_TIMEOUT_MS)
		return now + timeout_ms * USEC_PER_MSEC;
	usec_t due = s->slow_run + SLOW_TIMEOUT_MS * USEC_PER_MSEC;
	return (MAX(due, now) + RASTER - 1) / RASTER * RASTER;
}

static bool has_sockets(const struct stack *s)
{
	for (unsigned k = 0; k < SOCKET_KINDS; k++)
		if (s->n_sockets[k] > 0)
			return true;
	return false;
}

bool stack_settle(struct stack *s, usec_t now)
{
	uint32_t timeout_ms = UINT32_MAX;
	s->round++;
	slirp_pollfds_fill(s->slirp, &timeout_ms, note_wish, s);
	watch_as_asked(s);
	s->deadline = deadline_after(s, now, timeout_ms);
	list_remove(&s->timed);
	if (s->deadline != USEC_INFINITY)
		list_append(&engine_of(s)->stacks, &s->timed);
	return s->deadline == USEC_INFINITY && !has_sockets(s);
}

struct slirp_socket *stack_find(const struct stack *s, enum socket_kind kind, uint16_t guest_port, ip4_t peer, uint16_t port)
{
	for (const struct list *n = s->sockets[kind].next; n != &s->sockets[kind]; n = n->next) {
		struct slirp_socket *x = container_of(n, struct slirp_socket, node);
		const struct slirp_flow *f = &x->flow;
		if (f->guest_port == guest_port && (kind == SOCKET_UDP || (f->peer == peer && f->port == port)))
			return x;
	}
	return NULL;
}

int stack_add_local(struct stack *s, const char *path, uint16_t port)
{
	struct in_addr at = in_addr_of(STACK_LOCAL);
	return slirp_add_unix(s->slirp, path, &at, port) < 0 ? -EADDRINUSE : 0;
}

static struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(a.sun_path, path, MIN(strlen(path), sizeof(a.sun_path) - 1));
	return a;
}

int stack_listen(struct stack *s, const char *path, uint16_t port)
{
	struct sockaddr_un at = unix_address(path);
	struct sockaddr_in guest = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = in_addr_of(s->guest->ip) };
	s->listening = true;
	int r = slirp_add_hostxfwd(s->slirp, (struct sockaddr *)&at, sizeof(at), (struct sockaddr *)&guest, sizeof(guest), 0);
	s->listening = false;
	return r < 0 ? -errno : 0;
}

/* A listener is the one descriptor that libslirp polls and that is no flow's. */
static int find_listener(int fd, int events, void *opaque)
{
	struct stack *s = opaque;
	return socket_table_find(&engine_of(s)->sockets, fd) ? -1 : fd;
}

static int report_connection(int fd, void *opaque)
{
	return SLIRP_POLL_IN;
}

struct slirp_socket *stack_accept(struct stack *s, const struct slirp_flow *flow)
{
	uint32_t timeout_ms = UINT32_MAX;
	s->opening = flow;
	s->opened = NULL;
	slirp_pollfds_fill(s->slirp, &timeout_ms, find_listener, s);
	poll_slirp(s, report_connection, s);
	s->opening = NULL;
	return s->opened;
}

void stack_unlisten(struct stack *s, const char *path)
{
	struct sockaddr_un at = unix_address(path);
	slirp_remove_hostxfwd(s->slirp, (struct sockaddr *)&at, sizeof(at), 0);
}
