/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host side of a TCP flow that a guest opens: from connect() to the guest's answer: SYN-ACK, RST, or the ICMP error that the
 * host received.
 */
#include "engine/native/tcp.h"

#include "base/bytes.h"
#include "base/macros.h"
#include "wire/icmp4.h"
#include "wire/ipv4.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static socklen_t socket_address(const struct ip_endpoint *at, struct sockaddr_storage *ret)
{
	if (ip_is_v4(&at->addr)) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;
		*in = (struct sockaddr_in){ .sin_family = AF_INET,
					    .sin_port = htons(at->port),
					    .sin_addr.s_addr = htonl(ip_to_ip4(&at->addr)) };
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	*in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(at->port) };
	memcpy(&in6->sin6_addr, at->addr.b, sizeof(at->addr.b));
	return sizeof(*in6);
}

/*
 * Turns IP_RECVERR (ip(7)) on or off, which reports the sender of ICMP errors. While the socket connects, such an error ends the attempt.
 * Afterwards the option is off, because it would turn errors that the connection can survive into fatal ones (RFC 5382 REQ-10).
 */
static void set_errors(struct native_tcp *t, bool on)
{
	bool v6 = !ip_is_v4(&t->base.flow.key.remote.addr);
	setsockopt(t->base.watch.fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &(int){ on }, sizeof(int));
}

/* Urgent data is ordinary data (RFC 6093 §6). Without the option the kernel takes the marked byte out of the stream. */
void native_tcp_keep_urgent(const struct native_tcp *t)
{
	setsockopt(t->base.watch.fd, SOL_SOCKET, SO_OOBINLINE, &(int){ 1 }, sizeof(int));
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
	bool v6 = !ip_is_v4(&t->base.flow.key.remote.addr);
	setsockopt(t->base.watch.fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &ttl, sizeof(ttl));
}

void native_tcp_syn_repeated(struct native_tcp *t, uint8_t ttl)
{
	if (t->syn_ttl == ttl || t->base.watch.fd < 0)
		return;
	t->syn_ttl = ttl;
	set_ttl(t);
}

/* Starts to connect the host side. On failure (negative errno) the flow is as before. */
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
	if (!is_usual_ttl(t->syn_ttl))
		set_ttl(t);
	set_errors(t, true);
	native_tcp_keep_urgent(t);
	if (connect(fd, (struct sockaddr *)&address, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return poller_watch(t->base.engine->config.poller, &t->base.watch, fd, NATIVE_TCP_EVENTS);
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
	return r < 0 ? -ECONNREFUSED : dial(t, &to);
}

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
				    .guest = t->base.guest,
				    .ip = { .src = key->guest.addr,
					    .dst = key->remote.addr,
					    .protocol = IP_PROTOCOL_TCP,
					    .hop_limit = 1,
					    .id = t->syn_id,
					    .traffic_class = t->syn_tos,
					    .dont_fragment = t->syn_has_df },
				    .original = original,
				    .original_len = sizeof(original),
				    .payload_len = TCP_HEADER_LEN,
			    });
}

void native_tcp_connect_failed(struct native_tcp *t, usec_t now, int error)
{
	uint8_t type, code;
	struct ip_addr from = { { 0 } };
	struct native_errqueue q;
	bool has_icmp = native_icmp_of_errno(error, !ip_is_v4(&t->base.flow.key.remote.addr), &type, &code);
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
