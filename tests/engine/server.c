/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sockaddr_in address_of(ip4_t ip, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip) };
}

static int bound_socket(int type, ip4_t at, uint16_t *port)
{
	struct sockaddr_in a = address_of(at, *port);
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&a, &len), ==, 0);
	*port = ntohs(a.sin_port);
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
	struct sockaddr_in a = address_of(INADDR_LOOPBACK, s->port);
	int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(one, (struct sockaddr *)&a, sizeof(a)), ==, 0);
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
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	g_assert_cmpint(getpeername(s->fd, (struct sockaddr *)&a, &len), ==, 0);
	return ntohl(a.sin_addr.s_addr);
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
	socklen_t from_len = sizeof(*ret_from);
	g_assert_true(bench_until(b, datagram_is_there, s));
	ssize_t n = recvfrom(s->fd, buf, sizeof(buf), 0, (struct sockaddr *)ret_from, &from_len);
	g_assert_cmpint(n, >=, 0);
	g_assert_cmpmem(buf, n, data, len);
}

void server_answer(struct server *s, const struct sockaddr_in *to, const void *data, size_t len)
{
	g_assert_cmpint(sendto(s->fd, data, len, 0, (const struct sockaddr *)to, sizeof(*to)), ==, (ssize_t)len);
}

uint16_t free_port(void)
{
	uint16_t port = 0;
	close(bound_socket(SOCK_STREAM, INADDR_ANY, &port));
	return port;
}

int raw_socket(int protocol)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, protocol);
	g_assert_cmpint(fd, >=, 0);
	return fd;
}

uint8_t raw_ttl_of_packet_to(int raw, uint16_t port)
{
	uint8_t buf[2048];
	for (;;) {
		struct pollfd p = { .fd = raw, .events = POLLIN };
		g_assert_cmpint(poll(&p, 1, 1000), ==, 1);
		ssize_t n = recv(raw, buf, sizeof(buf), 0);
		g_assert_cmpint(n, >=, 24);
		if (buf[22] == port >> 8 && buf[23] == (port & 0xff))
			return buf[8];
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
