/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server.h"

#include "host/socket_address.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum family family;

void server_set_family(enum family f)
{
	family = f;
}

static socklen_t address_of(union socket_address *ret, ip4_t ip, uint16_t port)
{
	return socket_address_set(ret, &(struct ip_endpoint){ family_outside(family, ip), port });
}

static struct sockaddr_in address_in(const union socket_address *a)
{
	struct ip_endpoint e = socket_address_get(a);
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(e.port), .sin_addr.s_addr = htonl(family_ip4(&e.addr)) };
}

static int bound_socket(int type, ip4_t at, uint16_t *port)
{
	union socket_address a;
	socklen_t len = address_of(&a, at, *port);
	int fd = socket(a.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bind(fd, &a.any, len), ==, 0);
	g_assert_cmpint(getsockname(fd, &a.any, &len), ==, 0);
	*port = socket_address_get(&a).port;
	return fd;
}

static void server_init(struct server *s, uint16_t port)
{
	*s = (struct server){ .listener = -1, .fd = -1, .port = port };
	s->received = g_byte_array_new();
}

void server_listen(struct server *s, ip4_t at, uint16_t port)
{
	server_init(s, port);
	s->listener = bound_socket(SOCK_STREAM, at, &s->port);
	g_assert_cmpint(listen(s->listener, 100), ==, 0);
}

void server_bind_udp(struct server *s, ip4_t at)
{
	server_init(s, 0);
	s->fd = bound_socket(SOCK_DGRAM, at, &s->port);
}

void server_pair(struct server *s)
{
	server_listen(s, INADDR_LOOPBACK, 0);
	union socket_address a;
	socklen_t len = address_of(&a, INADDR_LOOPBACK, s->port);
	int one = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(one, &a.any, len), ==, 0);
	s->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	g_assert_cmpint(s->fd, >=, 0);
	close(s->listener);
	s->listener = one;
}

void server_hang_up(struct server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void server_close(struct server *s)
{
	server_hang_up(s);
	if (s->listener >= 0)
		close(s->listener);
	if (s->received)
		g_byte_array_unref(s->received);
	*s = (struct server){ .listener = -1, .fd = -1 };
}

bool server_has_visitor(const struct server *s)
{
	struct pollfd p = { .fd = s->listener, .events = POLLIN };
	return poll(&p, 1, 0) == 1;
}

static bool try_accept(void *opaque)
{
	struct server *s = opaque;
	s->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	return s->fd >= 0;
}

bool server_accept(struct server *s, struct bench *b)
{
	g_byte_array_set_size(s->received, 0);
	return bench_until(b, try_accept, s);
}

void server_send(struct server *s, const void *data, size_t len)
{
	g_assert_cmpint(send(s->fd, data, len, MSG_NOSIGNAL), ==, (ssize_t)len);
}

void server_expect(struct server *s, size_t len)
{
	s->expected += len;
}

/* Reads once; true when no more can be read now, for the reason in errno. */
static bool read_more(struct server *s)
{
	uint8_t buf[65536];
	for (;;) {
		ssize_t n = recv(s->fd, buf, sizeof(buf), 0);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n == 0)
			errno = 0;
		if (n <= 0)
			return true;
		g_byte_array_append(s->received, buf, (guint)n);
	}
}

static bool has_all(void *opaque)
{
	struct server *s = opaque;
	if (s->received->len < s->expected)
		read_more(s);
	return s->received->len >= s->expected;
}

bool server_received_all(struct server *s, struct bench *b)
{
	return bench_until(b, has_all, s) && s->received->len == s->expected;
}

static bool at_end(void *opaque)
{
	return read_more(opaque);
}

static bool sees_end_or_reset(struct server *s, struct bench *b)
{
	return bench_until(b, at_end, s);
}

bool server_sees_end(struct server *s, struct bench *b)
{
	return sees_end_or_reset(s, b) && errno == 0;
}

bool server_sees_reset(struct server *s, struct bench *b)
{
	return sees_end_or_reset(s, b) && errno == ECONNRESET;
}

bool server_sees_reset_now(struct server *s)
{
	return read_more(s) && errno == ECONNRESET;
}

void server_reset(struct server *s)
{
	struct linger l = { .l_onoff = 1 };
	setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	server_hang_up(s);
}

void server_turn_away(struct server *s)
{
	while (try_accept(s))
		server_reset(s);
}

ip4_t server_peer(const struct server *s)
{
	union socket_address a;
	socklen_t len = sizeof(a);
	g_assert_cmpint(getpeername(s->fd, &a.any, &len), ==, 0);
	return ntohl(address_in(&a).sin_addr.s_addr);
}

bool server_has_datagram(const struct server *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	return poll(&p, 1, 0) == 1;
}

static bool datagram_is_there(void *s)
{
	return server_has_datagram(s);
}

void server_expect_datagram(struct server *s, struct bench *b, const void *data, size_t len, struct sockaddr_in *ret_from)
{
	uint8_t buf[65536];
	union socket_address from;
	socklen_t from_len = sizeof(from);
	g_assert_true(bench_until(b, datagram_is_there, s));
	ssize_t n = recvfrom(s->fd, buf, sizeof(buf), 0, &from.any, &from_len);
	g_assert_cmpint(n, >=, 0);
	g_assert_cmpmem(buf, n, data, len);
	*ret_from = address_in(&from);
}

void server_answer(struct server *s, const struct sockaddr_in *to, const void *data, size_t len)
{
	union socket_address a;
	socklen_t a_len = address_of(&a, ntohl(to->sin_addr.s_addr), ntohs(to->sin_port));
	g_assert_cmpint(sendto(s->fd, data, len, 0, &a.any, a_len), ==, (ssize_t)len);
}

uint16_t free_port(void)
{
	uint16_t port = 0;
	close(bound_socket(SOCK_STREAM, INADDR_ANY, &port));
	return port;
}

int raw_socket(int protocol)
{
	bool v6 = family == FAMILY_IPV6;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, protocol);
	g_assert_cmpint(fd, >=, 0);
	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, &(int){ 1 }, sizeof(int));
	return fd;
}

static uint8_t ttl_of(struct msghdr *m)
{
	int ttl = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
	return (uint8_t)ttl;
}

uint8_t raw_ttl_of_packet_to(int raw, uint16_t port)
{
	uint8_t buf[2048];
	size_t l4_at = family == FAMILY_IPV6 ? 0 : IPV4_HEADER_LEN; /* raw(7), and RFC 3542 §3 */
	for (;;) {
		_Alignas(struct cmsghdr) char control[128];
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		struct pollfd p = { .fd = raw, .events = POLLIN };
		g_assert_cmpint(poll(&p, 1, 1000), ==, 1);
		g_assert_cmpint(recvmsg(raw, &m, 0), >=, (ssize_t)l4_at + 4);
		if (buf[l4_at + 2] == port >> 8 && buf[l4_at + 3] == (port & 0xff))
			return ttl_of(&m);
	}
}

bool fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void set_raw_capability(bool have)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	g_assert_cmpint(syscall(SYS_capget, &head, caps), ==, 0);
	caps[0].effective = have ? caps[0].permitted : caps[0].permitted & ~(1u << CAP_NET_RAW);
	g_assert_cmpint(syscall(SYS_capset, &head, caps), ==, 0);
}

/* A new network namespace allows ping sockets to no user. */
int forbid_ping_sockets(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(home, >=, 0);
	g_assert_cmpint(unshare(CLONE_NEWNET), ==, 0);
	set_raw_capability(false);
	return home;
}

void allow_ping_sockets(int home)
{
	set_raw_capability(true);
	g_assert_cmpint(setns(home, CLONE_NEWNET), ==, 0);
	close(home);
}
