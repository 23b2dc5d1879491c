/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host side of a TCP flow that a guest opens: from connect() to the guest's answer: SYN-ACK, RST, or the ICMP error that the
 * host received.
 */
#include "engine/native/tcp.h"

#include "base/bytes.h"
#include "base/macros.h"
#include "host/socket_address.h"
#include "wire/icmp4.h"
#include "wire/ipv4.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOW_PORTS 1024 /* an ordinary user may not bind these */
#define USED_PORT_TRIES 16u
#define USED_PORT_STEP 2999u /* prime, so that a walk of any range ends nowhere soon */
#define EXHAUSTED_TIME (100 * USEC_PER_MSEC)

/*
 * Turns IP_RECVERR (ip(7)) on or off, which reports the sender of ICMP errors. While the socket connects, such an error ends the attempt.
 * Afterwards the option is off, because it would turn errors that the connection can survive into fatal ones (RFC 5382 REQ-10).
 */
static void set_errors(struct native_tcp *t, bool on)
{
	bool v6 = t->is_v6;
	setsockopt(t->base.watch.fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &(int){ on }, sizeof(int));
}

/* Urgent data is ordinary data (RFC 6093 §6). Without the option the kernel takes the marked byte out of the stream. */
void native_tcp_keep_urgent(const struct native_tcp *t)
{
	setsockopt(t->base.watch.fd, SOL_SOCKET, SO_OOBINLINE, &(int){ 1 }, sizeof(int));
}

void native_tcp_shut(const struct native_tcp *t)
{
	/* The side that ends first keeps the port in TIME_WAIT, from where others may take it (dial_from_used_port()). */
	if (t->is_tcp && !t->peer_shut)
		setsockopt(t->base.watch.fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	shutdown(t->base.watch.fd, SHUT_WR);
}

void native_tcp_cut_on_close(struct native_tcp *t, bool cut)
{
	if (t->base.watch.fd < 0 || !t->is_tcp || t->cuts == cut)
		return;
	setsockopt(t->base.watch.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = cut }, sizeof(struct linger));
	t->cuts = cut;
}

/* Initial TTLs of common systems, less our hop: then the default TTL will do, which spares a system call. */
static bool is_usual_ttl(uint8_t ttl)
{
	return ttl == 63 || ttl == 127 || ttl == 254;
}

static void set_ttl(const struct native_tcp *t)
{
	int ttl = t->syn_ttl;
	bool v6 = t->is_v6;
	setsockopt(t->base.watch.fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &ttl, sizeof(ttl));
}

void native_tcp_syn_repeated(struct native_tcp *t, uint8_t ttl)
{
	if (t->syn_ttl == ttl || t->base.watch.fd < 0)
		return;
	t->syn_ttl = ttl;
	set_ttl(t);
}

/* Opens the socket of the host side. */
static int open_socket(struct native_tcp *t, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	t->base.watch.fd = fd;
	t->is_tcp = true;
	t->is_v6 = family == AF_INET6;
	t->can_peek_off = t->base.engine->tcp_peek_off[family == AF_INET6];
	if (!is_usual_ttl(t->syn_ttl))
		set_ttl(t);
	set_errors(t, true);
	native_tcp_keep_urgent(t);
	return 0;
}

/* Takes @port of the host, which may be that of other connections; 0: the kernel will choose one. */
static int take_port(int fd, int family, uint16_t port)
{
	union socket_address any;
	struct ip_endpoint at = { .port = port }; /* "::" */
	if (family == AF_INET)
		at.addr = ip_from_ip4(INADDR_ANY);
	if (port == 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	return bind(fd, &any.any, socket_address_set(&any, &at)) < 0 ? -errno : 0;
}

/* -EADDRINUSE, -EADDRNOTAVAIL: not from this @port. */
static int dial_from(struct native_tcp *t, const struct ip_endpoint *to, uint16_t port)
{
	union socket_address address;
	socklen_t len = socket_address_set(&address, to);
	int family = address.any.sa_family;
	int r = open_socket(t, family);
	if (r < 0)
		return r;
	int fd = t->base.watch.fd;
	r = take_port(fd, family, port);
	if (r == 0 && connect(fd, &address.any, len) < 0 && errno != EINPROGRESS)
		r = -errno;
	return r < 0 ? r : poller_watch(t->base.engine->config.poller, &t->base.watch, fd, NATIVE_TCP_EVENTS);
}

static bool dial_again(struct native_tcp *t, int error)
{
	if (error != -EADDRINUSE && error != -EADDRNOTAVAIL)
		return false;
	if (t->base.watch.fd >= 0)
		close(t->base.watch.fd);
	t->base.watch.fd = -1;
	return true;
}

/*
 * The kernel has given all its ports towards this destination. Most have finished connections in TIME_WAIT, and such a port may be taken by
 * name: where both ends use timestamps, the kernel tells late segments of the old connection from those of the new one (RFC 6191).
 */
static int dial_from_used_port(struct native_tcp *t, const struct ip_endpoint *to)
{
	struct engine *e = t->base.engine;
	uint64_t seed[2] = { e->opened, e->secret };
	uint32_t n = e->port_last - e->port_first + 1u, at = (uint32_t)hash_bytes(&e->config.hash_key, seed, sizeof(seed)) % n;
	int r = -EADDRNOTAVAIL;
	for (unsigned i = 0; i < USED_PORT_TRIES && dial_again(t, r); i++)
		r = dial_from(t, to, (uint16_t)(e->port_first + (at + i * USED_PORT_STEP) % n));
	return r;
}

/*
 * Whether the host has an address from which it can send to @to.  Where it has none, because IPv6 is switched off at its interfaces,
 * connect() fails as it does when no port is left.
 */
static bool has_source_towards(const struct ip_endpoint *to)
{
	union socket_address address;
	socklen_t len = socket_address_set(&address, to);
	int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true;
	bool found = connect(fd, &address.any, len) == 0 || errno != EADDRNOTAVAIL;
	close(fd);
	return found;
}

/*
 * From a port that the kernel chooses.  When it has none left towards @to it tries every one before it says so, which takes milliseconds,
 * and that for each SYN of a guest that took them all: it is asked again only after a while.
 */
static int dial_from_any_port(struct native_tcp *t, usec_t now, const struct ip_endpoint *to)
{
	struct engine *e = t->base.engine;
	if (now < e->exhausted_until && ip_endpoint_equal(to, &e->exhausted))
		return -EADDRNOTAVAIL;
	int r = dial_from(t, to, 0);
	if (r == -EADDRNOTAVAIL && !ip_is_v4(&to->addr) && !has_source_towards(to))
		return -ENETUNREACH;
	if (r == -EADDRNOTAVAIL) {
		e->exhausted = *to;
		e->exhausted_until = now + EXHAUSTED_TIME;
	}
	return r;
}

/* Starts to connect the host side. */
static int dial(struct native_tcp *t, usec_t now, const struct ip_endpoint *to)
{
	struct poller *poller = t->base.engine->config.poller;
	uint16_t own = t->base.flow.key.guest.port;
	bool keep = t->base.engine->config.keep_tcp_ports && own >= LOW_PORTS && own != to->port; /* a socket may connect to itself */
	int r = keep ? dial_from(t, to, own) : dial_from_any_port(t, now, to);
	if (keep && dial_again(t, r))
		r = dial_from_any_port(t, now, to);
	if (r == -EADDRNOTAVAIL)
		r = dial_from_used_port(t, to);
	poller_look_soon(poller);
	return r;
}

static bool is_local_service(const struct engine *e, const struct flow_key *key)
{
	return native_is_gateway(e, &key->remote.addr) && native_local_find(e, key->remote.port);
}

int native_tcp_connect_service(struct native_tcp *t, usec_t now)
{
	struct engine *e = t->base.engine;
	const struct flow_key *key = &t->base.flow.key;
	int fd = native_local_connect(e, now, native_local_find(e, key->remote.port), &t->base);
	if (fd < 0)
		return fd;
	t->base.watch.fd = fd;
	t->can_peek_off = true;
	return poller_watch(e->config.poller, &t->base.watch, fd, NATIVE_TCP_EVENTS);
}

int native_tcp_connect(struct native_tcp *t, usec_t now)
{
	struct engine *e = t->base.engine;
	const struct flow_key *key = &t->base.flow.key;
	if (is_local_service(e, key)) {
		t->local = true; /* the service is told when the guest's handshake is complete */
		tcp_flow_host_connected(&t->tcp, now);
		return 0;
	}
	struct ip_endpoint to = { .port = key->remote.port };
	int r = native_dial_address(e, now, &key->remote.addr, &to.addr);
	return r < 0 ? -ECONNREFUSED : dial(t, now, &to);
}

/* @error: what is to be told; the rest is filled in. */
static void tell_unreachable(struct native_tcp *t, usec_t now, struct native_icmp_error *error)
{
	const struct flow_key *key = &t->base.flow.key;
	uint8_t original[8];
	struct bytes_writer w = bytes_writer(original, sizeof(original));
	bytes_put_be16(&w, key->guest.port);
	bytes_put_be16(&w, key->remote.port);
	bytes_put_be32(&w, t->tcp.irs);
	error->guest = t->base.guest;
	error->ip = (struct ip_header){
		.src = key->guest.addr,
		.dst = key->remote.addr,
		.protocol = IP_PROTOCOL_TCP,
		.hop_limit = 1,
		.id = t->syn_id,
		.traffic_class = t->syn_tos,
		.dont_fragment = t->syn_has_df,
	};
	error->original = original;
	error->original_len = sizeof(original);
	error->payload_len = TCP_HEADER_LEN;
	native_output_error(t->base.engine, now, error);
	error->original = NULL; /* it was ours */
}

void native_tcp_connect_failed(struct native_tcp *t, usec_t now, int error)
{
	struct native_icmp_error answer = { 0 };
	struct native_errqueue q;
	bool v6 = !ip_is_v4(&t->base.flow.key.remote.addr);
	bool has_icmp = native_icmp_of_errno(error, v6, &answer.type, &answer.code);
	if (native_errqueue_read(t->base.watch.fd, &q) && q.is_icmp) {
		native_error_translate(&q, v6);
		has_icmp = q.is_icmp;
		answer.type = q.type;
		answer.code = q.code;
		answer.info = native_error_info(&q);
		answer.from = q.offender;
	}
	if (has_icmp)
		tell_unreachable(t, now, &answer);
	tcp_flow_host_refused(&t->tcp, now, !has_icmp);
}

static int socket_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

void native_tcp_connecting(struct native_tcp *t, usec_t now, unsigned events)
{
	if (events & (POLL_EVENT_ERROR | POLL_EVENT_HANGUP)) {
		int error = socket_error(t->base.watch.fd);
		native_tcp_connect_failed(t, now, error ? error : ECONNREFUSED);
	} else if (events & POLL_EVENT_OUT) {
		set_errors(t, false);
		native_tcp_cut_on_close(t, true);
		tcp_flow_host_connected(&t->tcp, now);
	}
}
