/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows the addresses and routes of a namespace while `ip` changes them. */
#include "netns.h"

#include "base/log.h"
#include "host/clock.h"
#include "host/host_change.h"
#include "host/host_follower.h"
#include "host/host_network.h"
#include "host/loop.h"
#include "host/socket_address.h"

#include <errno.h>
#include <glib.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

#define PATIENCE (20 * USEC_PER_SEC)

struct bench {
	struct loop loop;
	struct log log;
	struct host_follower *follower;
	unsigned n_news, n_warnings;
	bool any;
	unsigned n_lost;
	struct ip_addr lost;
};

static void changed(void *opaque, usec_t now, const struct host_change *change)
{
	struct bench *b = opaque;
	b->n_news += change->news;
	b->any |= change->any;
	b->n_lost += change->n_lost;
	if (change->n_lost > 0)
		b->lost = change->lost[0];
}

static void count_warning(void *opaque, enum log_level level, const char *line)
{
	struct bench *b = opaque;
	b->n_warnings += level == LOG_LEVEL_WARNING && strstr(line, "netlink");
}

static void bench_init(struct bench *b)
{
	*b = (struct bench){ .log = { .level = LOG_LEVEL_DEBUG, .write = count_warning, .opaque = b } };
	g_assert_cmpint(loop_init(&b->loop), ==, 0);
	g_assert_cmpint(
		host_follower_new(
			&(struct host_follower_config){ .poller = &b->loop.poller, .log = &b->log, .changed = changed, .opaque = b },
			&b->follower),
		==, 0);
}

static void bench_done(struct bench *b)
{
	host_follower_free(b->follower);
	loop_done(&b->loop, 0);
}

static void turn(struct bench *b)
{
	usec_t due = host_follower_deadline(b->follower), now = clock_now();
	int wait_ms = due <= now ? 0 : (int)MIN((due - now) / USEC_PER_MSEC + 1, (usec_t)50);
	poll(&(struct pollfd){ .fd = b->loop.epoll_fd, .events = POLLIN }, 1, wait_ms);
	g_assert_cmpint(loop_dispatch(&b->loop, clock_now()), >=, 0);
	host_follower_expire(b->follower, clock_now());
}

/* Runs until *@counter has changed from 0. */
static void await(struct bench *b, const unsigned *counter)
{
	for (usec_t end = clock_now() + PATIENCE; *counter == 0 && clock_now() < end;)
		turn(b);
	g_assert_cmpuint(*counter, >, 0);
}

/* Runs until all that was told is settled. */
static void settle(struct bench *b)
{
	do
		turn(b);
	while (host_follower_deadline(b->follower) != USEC_INFINITY);
}

static void ip(const char *words)
{
	g_autofree char *command = g_strdup_printf("ip %s", words);
	g_assert_cmpint(system(command), ==, 0);
}

static struct ip_addr address(const char *text)
{
	struct ip_addr addr;
	g_assert_cmpint(ip_parse(text, &addr), ==, 0);
	return addr;
}

static void added_and_removed_addresses_are_told(void)
{
	static const char *const addresses[] = { "192.0.2.7", "2001:db8::7" };
	for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
		struct ip_addr addr = address(addresses[i]);
		g_autofree char *add = g_strdup_printf("addr add %s dev host0 nodad", addresses[i]);
		g_autofree char *remove = g_strdup_printf("addr del %s dev host0", addresses[i]);
		struct bench b;
		bench_init(&b);
		ip(i == 0 ? "addr add 192.0.2.7/32 dev host0" : add);
		await(&b, &b.n_news);
		g_assert_true(host_network_has(&addr));
		ip(i == 0 ? "addr del 192.0.2.7/32 dev host0" : remove);
		await(&b, &b.n_lost);
		g_assert_true(ip_equal(&b.lost, &addr));
		g_assert_false(host_network_has(&addr));
		g_assert_false(b.any);
		bench_done(&b);
	}
}

static void address_goes_with_its_interface(void)
{
	struct bench b;
	struct ip_addr addr = address("192.0.2.9");
	bench_init(&b);
	ip("link add gone type veth peer name gone-peer");
	ip("addr add 192.0.2.9/24 dev gone");
	settle(&b);
	ip("link del gone");
	await(&b, &b.n_lost);
	g_assert_true(ip_equal(&b.lost, &addr));
	bench_done(&b);
}

static void default_routes_are_news_and_others_are_not(void)
{
	struct bench b;
	bench_init(&b);
	ip("route add 192.0.2.0/25 via 10.77.0.1");
	ip("route del 192.0.2.0/25");
	settle(&b);
	g_assert_cmpuint(b.n_news, ==, 0);
	ip("route del default");
	await(&b, &b.n_news);
	b.n_news = 0;
	ip("route add default via 10.77.0.1");
	await(&b, &b.n_news);
	b.n_news = 0;
	ip("-6 route add unreachable 2000::/3");
	await(&b, &b.n_news);
	ip("-6 route del unreachable 2000::/3");
	g_assert_cmpuint(b.n_lost, ==, 0);
	bench_done(&b);
}

static void flood_of_changes_makes_any_address_suspect(void)
{
	struct bench b;
	bench_init(&b);
	g_assert_cmpint(system("for i in $(seq 250); do echo addr add 192.0.2.$i/32 dev host0; done | ip -batch -;"
			       "for i in $(seq 250); do echo addr del 192.0.2.$i/32 dev host0; done | ip -batch -"),
			==, 0);
	settle(&b);
	g_assert_true(b.any);
	bench_done(&b);
}

/* The follower's socket. */
static uint32_t port_of_follower(void)
{
	for (int fd = 3; fd < 64; fd++) {
		struct sockaddr_nl a;
		socklen_t len = sizeof(a);
		if (getsockname(fd, (struct sockaddr *)&a, &len) == 0 && a.nl_family == AF_NETLINK)
			return a.nl_pid;
	}
	g_assert_not_reached();
}

static void messages_of_other_programs_are_ignored(void)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg a;
		struct rtattr attribute;
		uint8_t address[4];
	} m = { { .nlmsg_len = sizeof(m), .nlmsg_type = RTM_DELADDR }, { .ifa_family = AF_INET }, { 8, IFA_LOCAL }, { 10, 77, 0, 2 } };
	struct bench b;
	bench_init(&b);
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = port_of_follower() };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	g_assert_cmpint(sendto(fd, &m, sizeof(m), 0, (struct sockaddr *)&to, sizeof(to)), ==, sizeof(m));
	settle(&b);
	g_assert_cmpuint(b.n_lost + b.n_news, ==, 0);
	close(fd);
	bench_done(&b);
}

static void socket_addresses_are_known(void)
{
	struct ip_addr found, expected = address("10.77.0.2");
	struct sockaddr_in router = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(IP4(10, 77, 0, 1)) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(socket_address_of(fd, &found), ==, 0);
	g_assert_cmpuint(ip_to_ip4(&found), ==, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&router, sizeof(router)), ==, 0);
	g_assert_cmpint(socket_address_of(fd, &found), ==, 0);
	g_assert_true(ip_equal(&found, &expected));
	g_assert_cmpint(socket_address_of(other, &found), ==, -EAFNOSUPPORT);
	close(fd);
	close(other);
	g_assert_cmpint(socket_address_of(-1, &found), ==, -EBADF);
}

static void forbid_netlink(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { G_N_ELEMENTS(code), code };
	g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
	g_assert_cmpint(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

static void refused_socket_is_one_warning(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct bench b;
		forbid_netlink();
		bench_init(&b);
		bool quiet = host_follower_deadline(b.follower) == USEC_INFINITY;
		host_follower_expire(b.follower, clock_now());
		bool good = quiet && b.n_warnings == 1 && b.n_news == 0;
		bench_done(&b);
		_exit(good ? 0 : 1);
	}
	int status;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

int main(int argc, char **argv)
{
	const char *why_not = netns_enter();
	if (why_not) {
		printf("1..0 # SKIP %s\n", why_not);
		return 0;
	}
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/host_follower/" #name, name)
	TEST(added_and_removed_addresses_are_told);
	TEST(address_goes_with_its_interface);
	TEST(default_routes_are_news_and_others_are_not);
	TEST(flood_of_changes_makes_any_address_suspect);
	TEST(messages_of_other_programs_are_ignored);
	TEST(socket_addresses_are_known);
	TEST(refused_socket_is_one_warning);
#undef TEST
	return g_test_run();
}
