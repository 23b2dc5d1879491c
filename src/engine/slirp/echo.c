/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/echo.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "engine/slirp/state.h"
#include "gateway/engine.h"
#include "wire/icmp4.h"
#include "wire/ipv4.h"

#include <errno.h>
#include <time.h>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define ERROR_TTL 64
#define QUOTED_LEN (IPV4_HEADER_LEN + ICMP4_HEADER_LEN)
#define ERROR_LEN (IPV4_HEADER_LEN + ICMP4_HEADER_LEN + QUOTED_LEN)

bool echo_is_allowed(void)
{
	static const int types[] = { SOCK_DGRAM, SOCK_RAW };
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int fd = socket(AF_INET, types[i] | SOCK_CLOEXEC, IPPROTO_ICMP);
		if (fd < 0)
			continue;
		close(fd);
		return true;
	}
	return false;
}

/* Takes an ICMP error from the socket's error queue; false when the queue is empty. */
static bool take_error(int fd, struct sock_extended_err *ret, ip4_t *ret_offender)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in))];
		struct cmsghdr align;
	} control;
	struct msghdr m = { .msg_control = &control, .msg_controllen = sizeof(control) };
	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct {
			struct sock_extended_err error;
			struct sockaddr_in offender;
		} what;
		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR || c->cmsg_len < CMSG_LEN(sizeof(what)))
			continue;
		memcpy(&what, CMSG_DATA(c), sizeof(what));
		if (what.error.ee_origin != SO_EE_ORIGIN_ICMP)
			return false;
		*ret = what.error;
		*ret_offender = ntohl(what.offender.sin_addr.s_addr);
		return true;
	}
	return false;
}

/* Writes the start of the echo request as the guest sent it (RFC 5508 REQ-4). */
static void quote(struct bytes_writer *w, ip4_t guest, const struct slirp_flow *f)
{
	ipv4_emit(w, &(struct ipv4_header){ .total_len = (uint16_t)(QUOTED_LEN + f->payload_len),
					    .ttl = 1,
					    .protocol = IP_PROTOCOL_ICMP,
					    .src = guest,
					    .dst = f->peer });
	bytes_put(w, (uint8_t[]){ ICMP4_ECHO_REQUEST, 0 }, 2);
	bytes_put_be16(w, f->checksum);
	bytes_put_be16(w, f->guest_port);
	bytes_put_be16(w, f->port);
}

void echo_error(struct stack *s, struct slirp_socket *x)
{
	struct engine *e = s->guest->engine;
	struct engine_env *env = e->config.env;
	struct sock_extended_err error;
	ip4_t offender;
	if (!take_error(x->fd, &error, &offender))
		return;
	if (!env->ops->icmp_allowed(env, e->now, s->guest->guest)) {
		stack_retire(s, x);
		return;
	}
	uint8_t *bytes = arena_alloc(env->arena, ERROR_LEN);
	if (!bytes) {
		env->ops->drop(env, DROP_NO_MEMORY, NULL);
		return;
	}
	uint8_t quoted[QUOTED_LEN];
	struct bytes_writer q = bytes_writer(quoted, sizeof(quoted));
	quote(&q, s->guest->ip, &x->flow);
	struct bytes_writer w = bytes_writer(bytes, ERROR_LEN);
	ipv4_emit(&w,
		  &(struct ipv4_header){
			  .total_len = ERROR_LEN, .ttl = ERROR_TTL, .protocol = IP_PROTOCOL_ICMP, .src = offender, .dst = s->guest->ip });
	const struct icmp4_header h = { .type = error.ee_type, .code = error.ee_code, .rest = error.ee_info };
	icmp4_emit(&w, &h, quoted, sizeof(quoted));
	struct iovec iov = { .iov_base = bytes, .iov_len = ERROR_LEN };
	env->ops->output(env, e->now, s->guest->guest, &(struct engine_packet){ .iov = &iov, .n_iov = 1, .len = ERROR_LEN });
	stack_retire(s, x);
}
