/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening of TCP flows: by a guest's SYN, or from the host. */
#include "engine/native/tcp.h"

#include "base/macros.h"
#include "engine/native/limits.h"
#include "lan/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ISN_TICK 4 /* microseconds, RFC 6528 §3 */
#define MSS_MAX (IPV4_PACKET_MAX - IPV4_HEADER_LEN - TCP_HEADER_LEN)

static struct native_tcp *flow_new(const struct flow_key *key)
{
	struct native_tcp *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->base.flow.key = *key;
	t->base.watch.ready = native_tcp_ready;
	t->writable = true;
	t->peek_off = -1;
	backlog_init(&t->backlog);
	return t;
}

/* RFC 6528 §3: a clock plus a secret function of the connection. */
static uint32_t initial_sequence(const struct engine *e, usec_t now, const struct flow_key *key)
{
	struct hash_key secret = { { e->secret, e->config.hash_key.k[1] } };
	return (uint32_t)(now / ISN_TICK) + (uint32_t)hash_bytes(&secret, key, sizeof(*key));
}

static struct tcp_open how_to_open(struct engine *e, usec_t now, const struct guest *guest, const struct flow_key *key)
{
	struct engine_path path;
	e->config.env->ops->guest_path(e->config.env, now, guest, &path);
	size_t mss = MIN(path.max_packet - ip_header_len(&key->guest.addr) - TCP_HEADER_LEN, (size_t)MSS_MAX);
	return (struct tcp_open){ .iss = initial_sequence(e, now, key), .mss = (uint16_t)mss };
}

/* A new flow for @p, a guest's SYN.  -EAGAIN: not now; other negative errno: no; counted in e->refused. */
static int half_open(struct engine *e, usec_t now, const struct packet *p, const struct flow_key *key, struct native_tcp **ret)
{
	struct payer *payer = native_payer_of(p);
	struct native_tcp *t = flow_new(key);
	if (!t)
		return -ENOMEM;
	int r = -EAGAIN;
	if (native_make_room_for_syn(e, now, p->guest, payer))
		r = native_flow_add(e, now, &t->base, NATIVE_TCP, p->guest, payer);
	else
		e->refused++;
	if (r < 0) {
		free(t);
		return r;
	}
	t->half_open = true;
	list_append(&payer->half_open, &t->of_half_open);
	native_bill(&t->base, &(struct account){ .n_connecting = 1 });
	*ret = t;
	return 0;
}

void native_tcp_accept(struct engine *e, usec_t now, const struct packet *p, const struct flow_key *key, const struct tcp_header *h)
{
	struct native_tcp *t;
	int r = half_open(e, now, p, key, &t);
	if (r == -EAGAIN)
		e->config.env->ops->drop(e->config.env, DROP_ENGINE_LIMIT, p);
	else if (r < 0)
		native_refuse_at_limit(e, now, p, -r);
	if (r < 0)
		return;
	struct tcp_open how = how_to_open(e, now, p->guest, key);
	t->syn_ttl = packet_hop_limit(p);
	t->syn_tos = packet_traffic_class(p);
	t->syn_id = packet_is_v4(p) ? p->ip.id : 0;
	t->syn_has_df = packet_has_df(p);
	tcp_flow_accept(&t->tcp, now, &how, h);
	r = native_tcp_connect(t, now);
	if ((r == -EMFILE || r == -ENFILE) && native_free_descriptor(e, now, t->base.payer))
		r = native_tcp_connect(t, now);
	if (native_is_shortage(-r)) {
		e->refused++;
		native_refuse_at_limit(e, now, p, -r);
		native_tcp_finish(t);
		return;
	}
	if (r < 0)
		native_tcp_connect_failed(t, now, -r);
	native_flow_wake(&t->base);
}

/* --- flows from the host --- */

#define EPHEMERAL_FIRST 32768u
#define EPHEMERAL_COUNT 28232u

/* Chooses a port for @key's remote end that no flow to the guest uses; false when all are in use. */
static bool choose_port(struct engine *e, usec_t now, struct flow_key *key)
{
	uint32_t start = initial_sequence(e, now, key);
	for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
		key->remote.port = (uint16_t)(EPHEMERAL_FIRST + (start + i) % EPHEMERAL_COUNT);
		if (!native_tcp_find(e, key))
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

/* Attaches the host side @fd, which the flow owns when 0 is returned. */
static int adopt(struct native_tcp *t, int fd)
{
	const struct engine *e = t->base.engine;
	int family = AF_UNSPEC;
	int r = stream_family(fd, &family);
	if (r < 0)
		return r;
	t->is_tcp = family == AF_INET || family == AF_INET6;
	t->can_peek_off = !e->config.no_peek_off && (t->is_tcp ? e->tcp_peek_off[family == AF_INET6] : family == AF_UNIX);
	r = poller_watch(e->config.poller, &t->base.watch, fd, NATIVE_TCP_EVENTS);
	if (r == 0)
		native_tcp_cut_on_close(t, true);
	return r;
}

void native_tcp_answered(struct native_tcp *t, usec_t now)
{
	struct engine_opening *o = t->opening;
	t->opening = NULL;
	if (t->tcp.state == TCP_STATE_CLOSED) {
		/* A reset is due from us when the guest did not answer. */
		o->failed(o, now, t->tcp.reset_due ? ETIMEDOUT : ECONNREFUSED);
		return;
	}
	int fd = o->opened(o, now);
	if (fd >= 0 && adopt(t, fd) == 0)
		return;
	if (fd >= 0)
		close(fd);
	tcp_flow_host_reset(&t->tcp, now);
}

void native_tcp_cancel(struct engine *e, usec_t now, struct engine_opening *o)
{
	struct native_tcp *t = o->flow;
	t->opening = NULL;
	tcp_flow_host_reset(&t->tcp, now);
	native_flow_wake(&t->base);
}

int native_tcp_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	struct flow_key key = { .guest = how->to, .remote = how->source };
	int r;
	if (key.remote.port == 0 ? !choose_port(e, now, &key) : native_tcp_find(e, &key) != NULL)
		return -EADDRINUSE;
	struct native_tcp *t = flow_new(&key);
	if (!t)
		return -ENOMEM;
	t->base.inbound = true;
	r = native_flow_add(e, now, &t->base, NATIVE_TCP, how->guest, &e->host);
	if (r < 0) {
		free(t);
		return r;
	}
	struct tcp_open open = how_to_open(e, now, how->guest, &key);
	tcp_flow_connect(&t->tcp, now, &open);
	t->opening = how->opening;
	if (t->opening)
		t->opening->flow = t;
	r = t->opening ? 0 : adopt(t, how->fd);
	if (r < 0) {
		native_tcp_finish(t);
		return r;
	}
	native_tcp_keep_urgent(t);
	native_flow_wake(&t->base);
	return 0;
}
