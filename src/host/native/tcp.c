/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP flows: how they begin, what wakes them, how the machine's actions are performed, how they end.
 *
 * System calls of a short connection that a guest opens, besides the frames' own: socket, connect, epoll_ctl, sendmsg,
 * recvmsg, shutdown, recv (discard), close.
 */
#include "host/native/tcp.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HALF_OPEN_PER_GUEST 1024u /* a SYN flood of one guest ends here */
#define TURN_BYTES (1024u * 1024) /* one flow sends to its guest before others have their turn */
#define EVENTS (POLL_EVENT_IN | POLL_EVENT_OUT | POLL_EVENT_PEER_SHUT | POLL_EVENT_EDGE)
#define ISN_TICK 4 /* microseconds, RFC 6528 §3 */
#define MSS_MAX (IPV4_PACKET_MAX - IPV4_HEADER_LEN - TCP_HEADER_LEN)
#define KEEPALIVE_IDLE_MIN 10

static void drop(struct engine *e, enum drop_reason why, const struct packet *p)
{
	e->config.env->ops->drop(e->config.env, why, p);
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS || error == EAGAIN || error == EADDRNOTAVAIL;
}

/* --- the end --- */

static void finish(struct native_tcp *t)
{
	if (t->half_open)
		t->base.guest->n_connecting--;
	native_tcp_upload_done(t);
	native_flow_remove(&t->base);
	free(t);
}

static void reset_host(struct native_tcp *t)
{
	if (t->base.watch.fd >= 0 && t->is_tcp)
		setsockopt(t->base.watch.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
	native_flow_close(&t->base);
}

static void tcp_abandon(struct native_flow *f, usec_t now)
{
	struct native_tcp *t = native_tcp_of(f);
	reset_host(t);
	finish(t);
}

/* --- actions --- */

static void probe_host(struct native_tcp *t, usec_t now)
{
	int idle = (int)MAX((now - t->tcp.active) / USEC_PER_SEC, (usec_t)KEEPALIVE_IDLE_MIN);
	if (!t->is_tcp)
		return;
	setsockopt(t->base.watch.fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(t->base.watch.fd, SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int));
}

static void download(struct native_tcp *t, usec_t now, const struct tcp_action *a)
{
	switch (native_tcp_download(t, now, a)) {
	case NATIVE_DOWNLOAD_DONE:
		return;
	case NATIVE_DOWNLOAD_BLOCKED:
		tcp_flow_guest_blocked(&t->tcp, true);
		native_flow_block(&t->base);
		return;
	case NATIVE_DOWNLOAD_FAILED:
		t->failed = false;
		tcp_flow_host_reset(&t->tcp, now);
		return;
	}
}

/* False when the flow is no more. */
static bool perform(struct native_tcp *t, usec_t now, struct tcp_action *a)
{
	const struct flow_key *key = &t->base.flow.key;
	switch (a->type) {
	case TCP_ACTION_NONE:
		break;
	case TCP_ACTION_SEGMENT:
		native_output_tcp(t->base.engine, now, &key->remote, &key->guest, &a->header);
		break;
	case TCP_ACTION_DATA:
		download(t, now, a);
		break;
	case TCP_ACTION_CONSUME:
		native_tcp_consume(t, a->len);
		break;
	case TCP_ACTION_SHUTDOWN:
		shutdown(t->base.watch.fd, SHUT_WR);
		break;
	case TCP_ACTION_KEEPALIVE:
		probe_host(t, now);
		break;
	case TCP_ACTION_ABORT:
		reset_host(t);
		break;
	case TCP_ACTION_RELEASE:
		native_tcp_discard(t);
		native_flow_close(&t->base);
		break;
	case TCP_ACTION_END:
		native_tcp_discard(t);
		finish(t);
		return false;
	}
	return true;
}

static bool act(struct native_tcp *t, usec_t now)
{
	struct tcp_action a;
	uint32_t begin = t->tcp.snd_nxt;
	while (tcp_flow_next(&t->tcp, now, &a)) {
		if (a.type == TCP_ACTION_DATA && t->tcp.snd_nxt - begin >= TURN_BYTES) {
			native_flow_wake(&t->base);
			break;
		}
		if (!perform(t, now, &a))
			return false;
	}
	return true;
}

static bool is_local_service(const struct engine *e, const struct flow_key *key)
{
	return ip_to_ip4(&key->remote.addr) == e->config.gateway && native_local_find(e, key->remote.port);
}

static int connect_service(struct native_tcp *t, usec_t now)
{
	struct engine *e = t->base.engine;
	const struct flow_key *key = &t->base.flow.key;
	int fd = native_local_connect(e, now, native_local_find(e, key->remote.port), &key->guest);
	if (fd < 0)
		return fd;
	t->base.watch.fd = fd;
	t->can_peek_off = true;
	return poller_watch(e->config.poller, &t->base.watch, fd, EVENTS);
}

/* The guest's handshake is complete. */
static void handshake_done(struct native_tcp *t, usec_t now)
{
	t->half_open = false;
	t->base.guest->n_connecting--;
	int r = t->local && t->tcp.state != TCP_STATE_CLOSED ? connect_service(t, now) : 0;
	if (is_shortage(-r)) {
		t->base.engine->refused++;
		drop(t->base.engine, DROP_ENGINE_LIMIT, NULL);
	}
	if (r < 0)
		tcp_flow_host_reset(&t->tcp, now);
}

static void tcp_run(struct native_flow *f, usec_t now)
{
	struct native_tcp *t = native_tcp_of(f);
	tcp_flow_guest_blocked(&t->tcp, false);
	if (t->half_open && t->tcp.state >= TCP_STATE_ESTABLISHED)
		handshake_done(t, now);
	if (f->watch.fd >= 0 && !native_tcp_upload(t))
		t->failed = true;
	if (!act(t, now))
		return;
	if (t->failed) {
		t->failed = false;
		tcp_flow_host_reset(&t->tcp, now);
		if (!act(t, now))
			return;
	}
	wheel_arm_by(&f->engine->wheel, &f->timer, tcp_flow_deadline(&t->tcp));
}

static void tcp_timer_fired(struct native_flow *f, usec_t now)
{
	tcp_flow_expire(&native_tcp_of(f)->tcp, now);
}

const struct native_kind_ops native_tcp_ops = {
	.run = tcp_run,
	.timer_fired = tcp_timer_fired,
	.abandon = tcp_abandon,
};

/* --- the host side's events --- */

static void tell_unreachable(struct native_tcp *t, usec_t now, uint8_t type, uint8_t code, const struct ip_addr *from)
{
	const struct flow_key *key = &t->base.flow.key;
	uint8_t original[8];
	struct bytes_writer w = bytes_writer(original, sizeof(original));
	bytes_put_be16(&w, key->guest.port);
	bytes_put_be16(&w, key->remote.port);
	bytes_put_be32(&w, t->tcp.irs);
	native_output_error(t->base.engine, now,
			    &(struct native_icmp_error){
				    .type = type,
				    .code = code,
				    .from = *from,
				    .guest = ip_to_ip4(&key->guest.addr),
				    .dst = ip_to_ip4(&key->remote.addr),
				    .protocol = IP_PROTOCOL_TCP,
				    .ttl = 1,
				    .original = original,
				    .original_len = sizeof(original),
				    .payload_len = TCP_HEADER_LEN,
			    });
}

static void connect_failed(struct native_tcp *t, usec_t now, int error)
{
	uint8_t type, code;
	struct ip_addr from = { { 0 } };
	struct native_errqueue q;
	bool has_icmp = native_icmp_of_errno(error, &type, &code);
	if (native_errqueue_read(t->base.watch.fd, &q) && q.is_icmp) {
		has_icmp = true;
		type = q.type;
		code = q.code;
		from = q.offender;
	}
	if (has_icmp)
		tell_unreachable(t, now, type, code, &from);
	tcp_flow_host_refused(&t->tcp, now, !has_icmp);
}

static int socket_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

/*
 * Whether the socket's errors come with who said what (ip(7), IP_RECVERR).  While it connects they end the attempt.  Afterwards
 * the option would make an error of every hint that the connection may survive (RFC 5382 REQ-10).
 */
static void set_errors(struct native_tcp *t, bool on)
{
	setsockopt(t->base.watch.fd, IPPROTO_IP, IP_RECVERR, &(int){ on }, sizeof(int));
}

static void connecting_ready(struct native_tcp *t, usec_t now, unsigned events)
{
	if (events & (POLL_EVENT_ERROR | POLL_EVENT_HANGUP)) {
		int error = socket_error(t->base.watch.fd);
		connect_failed(t, now, error ? error : ECONNREFUSED);
	} else if (events & POLL_EVENT_OUT) {
		set_errors(t, false);
		tcp_flow_host_connected(&t->tcp, now);
	}
}

static void tcp_ready(struct watch *w, usec_t now, unsigned events)
{
	struct native_tcp *t = native_tcp_of(container_of(w, struct native_flow, watch));
	if (t->tcp.state == TCP_STATE_CONNECTING)
		connecting_ready(t, now, events);
	else if (events & POLL_EVENT_ERROR)
		t->failed = true;
	if (events & POLL_EVENT_OUT)
		t->writable = true;
	if (events & POLL_EVENT_PEER_SHUT)
		t->peer_shut = true;
	if (events & (POLL_EVENT_IN | POLL_EVENT_PEER_SHUT | POLL_EVENT_ERROR)) {
		native_tcp_edge(t);
		tcp_flow_host_readable(&t->tcp);
	}
	native_flow_wake(&t->base);
}

/* --- the beginning --- */

/* RFC 6528 §3: a clock plus a secret function of the connection. */
static uint32_t initial_sequence(const struct engine *e, usec_t now, const struct flow_key *key)
{
	struct hash_key secret = { { e->secret, e->config.hash_key.k[1] } };
	return (uint32_t)(now / ISN_TICK) + (uint32_t)hash_bytes(&secret, key, sizeof(*key));
}

static struct tcp_open how_to_open(struct engine *e, usec_t now, const struct flow_key *key)
{
	struct engine_path path;
	e->config.env->ops->guest_path(e->config.env, now, ip_to_ip4(&key->guest.addr), &path);
	size_t mss = MIN(path.max_packet - IPV4_HEADER_LEN - TCP_HEADER_LEN, (size_t)MSS_MAX);
	return (struct tcp_open){ .iss = initial_sequence(e, now, key), .mss = (uint16_t)mss };
}

static socklen_t socket_address(const struct ip_endpoint *at, struct sockaddr_storage *ret)
{
	if (ip_is_v4(&at->addr)) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;
		*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(at->port), .sin_addr.s_addr = htonl(ip_to_ip4(&at->addr)) };
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	*in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(at->port) };
	memcpy(&in6->sin6_addr, at->addr.b, sizeof(at->addr.b));
	return sizeof(*in6);
}

/* What systems begin with, less our hop: then nobody counts hops, and a system call is spared. */
static bool is_usual_ttl(uint8_t ttl)
{
	return ttl == 63 || ttl == 127 || ttl == 254;
}

/* Begins to connect the host side.  Negative errno; then nothing is left behind. */
static int dial(struct native_tcp *t, const struct ip_endpoint *to)
{
	struct sockaddr_storage address;
	socklen_t len = socket_address(to, &address);
	int family = address.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	t->base.watch.fd = fd;
	t->is_tcp = true;
	t->can_peek_off = t->base.engine->tcp_peek_off[family == AF_INET6];
	if (!is_usual_ttl(t->syn_ttl) && family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_TTL, &(int){ t->syn_ttl }, sizeof(int));
	set_errors(t, true);
	if (connect(fd, (struct sockaddr *)&address, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return poller_watch(t->base.engine->config.poller, &t->base.watch, fd, EVENTS);
}

static struct native_tcp *flow_new(const struct flow_key *key)
{
	struct native_tcp *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->base.flow.key = *key;
	t->base.watch.ready = tcp_ready;
	t->writable = true;
	t->peek_off = -1;
	return t;
}

/* Opens the host side of a flow whose machine is in CONNECTING.  Negative errno. */
static int open_host_side(struct native_tcp *t, usec_t now)
{
	struct engine *e = t->base.engine;
	const struct flow_key *key = &t->base.flow.key;
	if (is_local_service(e, key)) {
		t->local = true; /* the service hears of it when the guest has shown that it is there */
		tcp_flow_host_connected(&t->tcp, now);
		return 0;
	}
	struct ip_endpoint to = { .port = key->remote.port };
	int r = native_dial_address(e, now, &key->remote.addr, &to.addr);
	return r < 0 ? -ECONNREFUSED : dial(t, &to);
}

/* A SYN for a flow that does not exist. */
static void accept_syn(struct engine *e, usec_t now, const struct packet *p, const struct flow_key *key, const struct tcp_header *h)
{
	struct native_tcp *t = flow_new(key);
	int r = t ? native_flow_add(e, now, &t->base, NATIVE_TCP, true) : -ENOMEM;
	if (r < 0) {
		native_refuse_at_limit(e, now, p);
		free(t);
		return;
	}
	struct tcp_open how = how_to_open(e, now, key);
	t->syn_ttl = p->ip.ttl;
	t->half_open = true;
	t->base.guest->n_connecting++;
	tcp_flow_accept(&t->tcp, now, &how, h);
	r = t->base.guest->n_connecting > HALF_OPEN_PER_GUEST ? -EAGAIN : open_host_side(t, now);
	if (is_shortage(-r)) {
		e->refused++;
		native_refuse_at_limit(e, now, p);
		finish(t);
		return;
	}
	if (r < 0)
		connect_failed(t, now, -r);
	native_flow_wake(&t->base);
}

static void no_flow(struct engine *e, usec_t now, const struct flow_key *key, const struct tcp_header *h, uint32_t len)
{
	struct tcp_header reset;
	if (tcp_reset_for(h, len, &reset))
		native_output_tcp(e, now, &key->remote, &key->guest, &reset);
}

static struct native_tcp *find(struct engine *e, const struct flow_key *key)
{
	struct flow *f = flow_table_find(&e->tables[NATIVE_TCP], key);
	return f ? native_tcp_of(container_of(f, struct native_flow, flow)) : NULL;
}

/* A segment for a flow that exists; false when the flow made way for a new one. */
static bool segment_arrived(struct native_tcp *t, usec_t now, const struct packet *p, const struct tcp_header *h, uint32_t len)
{
	struct tcp_take take;
	uint32_t held = t->tcp.held;
	if (len > 0 && native_tcp_over_budget(t)) {
		drop(t->base.engine, DROP_ENGINE_LIMIT, p);
		return true;
	}
	switch (tcp_flow_segment(&t->tcp, now, h, len, &take)) {
	case TCP_VERDICT_REOPEN:
		finish(t);
		return false;
	case TCP_VERDICT_RESET:
		no_flow(t->base.engine, now, &t->base.flow.key, h, len);
		break;
	case TCP_VERDICT_DONE:
		break;
	}
	if (take.len > 0 && native_tcp_keep(t, p, p->l4_offset + h->header_len + take.skip, &take, held) < 0)
		t->failed = true;
	native_flow_wake(&t->base);
	return true;
}

void native_tcp_input(struct engine *e, usec_t now, const struct packet *p)
{
	size_t head_len = MIN(p->l4_len, (size_t)TCP_HEADER_MAX);
	const uint8_t *head = frame_linear(p->frame, p->l4_offset, head_len, p->arena);
	struct bytes_reader r = bytes_reader(head, head ? head_len : 0);
	struct tcp_header h;
	if (tcp_parse(&r, &h) < 0) {
		drop(e, DROP_TCP_MALFORMED, p);
		return;
	}
	if (!native_checksum_is_right(e, p, IP_PROTOCOL_TCP, DROP_TCP_MALFORMED))
		return;
	struct flow_key key = { .guest = { p->src, h.src_port }, .remote = { p->dst, h.dst_port } };
	uint32_t len = (uint32_t)(p->l4_len - h.header_len);
	struct native_tcp *t = find(e, &key);
	if (t && segment_arrived(t, now, p, &h, len))
		return;
	if ((h.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN)
		accept_syn(e, now, p, &key, &h);
	else
		no_flow(e, now, &key, &h, len);
}

/* --- flows from the host --- */

#define EPHEMERAL_FIRST 32768u
#define EPHEMERAL_COUNT 28232u

/* A port of @key's remote end that no flow to the guest uses; false when there is none. */
static bool choose_port(struct engine *e, usec_t now, struct flow_key *key)
{
	uint32_t start = initial_sequence(e, now, key);
	for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
		key->remote.port = (uint16_t)(EPHEMERAL_FIRST + (start + i) % EPHEMERAL_COUNT);
		if (!find(e, key))
			return true;
	}
	return false;
}

static int stream_family(int fd, int *ret_family)
{
	int type;
	struct sockaddr_storage address;
	socklen_t type_size = sizeof(type), address_size = sizeof(address);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) < 0)
		return -errno;
	if (type != SOCK_STREAM)
		return -EOPNOTSUPP;
	if (getsockname(fd, (struct sockaddr *)&address, &address_size) < 0)
		return -errno;
	*ret_family = address.ss_family;
	return 0;
}

int native_tcp_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	struct flow_key key = { .guest = how->guest, .remote = how->source };
	int family = AF_UNSPEC;
	if (!ip_is_v4(&how->guest.addr) || !ip_is_v4(&how->source.addr))
		return -EOPNOTSUPP;
	int r = stream_family(how->fd, &family);
	if (r < 0)
		return r;
	if (key.remote.port == 0 ? !choose_port(e, now, &key) : find(e, &key) != NULL)
		return -EADDRINUSE;
	struct native_tcp *t = flow_new(&key);
	if (!t)
		return -ENOMEM;
	r = native_flow_add(e, now, &t->base, NATIVE_TCP, true);
	if (r < 0) {
		free(t);
		return r;
	}
	struct tcp_open open = how_to_open(e, now, &key);
	tcp_flow_connect(&t->tcp, now, &open);
	t->is_tcp = family == AF_INET || family == AF_INET6;
	t->can_peek_off = !e->config.no_peek_off && (t->is_tcp ? e->tcp_peek_off[family == AF_INET6] : family == AF_UNIX);
	r = poller_watch(e->config.poller, &t->base.watch, how->fd, EVENTS);
	if (r < 0) {
		finish(t);
		return r;
	}
	native_flow_wake(&t->base);
	return 0;
}
