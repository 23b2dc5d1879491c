/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VDE networks joined by libvdeplug's plugins: lanlet's own VDE switch, and sockets of the test. */
#include "base/bytes.h"
#include "host/clock.h"
#include "host/loop.h"
#include "lan/segment.h"
#include "link/vde/join.h"
#include "link/vde/relay.h"
#include "link/vde/vde.h"
#include "support/memory_port.h"
#include "wire/eth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE (60 * USEC_PER_SEC)

/* A segment with a port that sees its frames. */
struct side {
	struct loop loop;
	struct segment segment;
	struct link *join;
	struct link *vde;
	struct memory_port other;
};

struct fixture {
	struct side a, b;
	char *base, *dir;
	char error[256];
};

static void side_init(struct side *s)
{
	g_assert_cmpint(loop_init(&s->loop), ==, 0);
	g_assert_cmpint(segment_init(&s->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	g_assert_cmpint(join_link_ops.new(&(struct link_config){ &s->loop.poller, &s->segment, NULL, 65520 }, &s->join), ==, 0);
	g_assert_cmpint(vde_link_ops.new(&(struct link_config){ &s->loop.poller, &s->segment, NULL, 1500 }, &s->vde), ==, 0);
	memory_port_init(&s->other, &s->segment, "other", 65553);
}

static void side_done(struct side *s)
{
	join_link_ops.free(s->join, 0);
	vde_link_ops.free(s->vde, 0);
	memory_port_done(&s->other);
	segment_done(&s->segment);
	loop_done(&s->loop, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	side_init(&f->a);
	side_init(&f->b);
	f->base = g_dir_make_tmp("vde-join-XXXXXX", NULL);
	f->dir = g_build_filename(f->base, "vde", NULL);
}

static void remove_tree(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *below = g_build_filename(path, name, NULL);
		g_unlink(below);
	}
	g_rmdir(path);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	side_done(&f->a);
	side_done(&f->b);
	remove_tree(f->dir);
	remove_tree(f->base);
	g_free(f->base);
	g_free(f->dir);
}

static void turn(struct side *s)
{
	join_link_ops.expire(s->join, clock_now());
	vde_link_ops.expire(s->vde, clock_now());
	while (loop_dispatch(&s->loop, clock_now()) > 0)
		;
}

static void run_until(struct fixture *f, bool (*done)(struct fixture *f))
{
	usec_t end = clock_now() + PATIENCE;
	while (!done(f)) {
		g_assert_cmpuint(clock_now(), <, end);
		struct pollfd p[] = { { f->a.loop.epoll_fd, POLLIN, 0 }, { f->b.loop.epoll_fd, POLLIN, 0 } };
		poll(p, 2, 10);
		turn(&f->a);
		turn(&f->b);
	}
}

static void note_why(void *opaque, const char *url, bool is_connected, const char *why)
{
	char **text = opaque;
	g_free(*text);
	*text = g_strdup(why);
}

/* Why @s waits for its only URL; NULL: it does not. */
static char *waiting(struct side *s)
{
	char *why = NULL;
	join_link_ops.for_each_target(s->join, note_why, &why);
	return why;
}

static bool is_up(struct side *s)
{
	g_autofree char *why = waiting(s);
	return !why;
}

static bool a_is_up(struct fixture *f)
{
	return is_up(&f->a);
}

static bool a_is_down(struct fixture *f)
{
	return !is_up(&f->a);
}

static bool both_are_up(struct fixture *f)
{
	return is_up(&f->a) && is_up(&f->b);
}

static bool a_is_a_port_of_b(struct fixture *f)
{
	return is_up(&f->a) && f->b.segment.n_ports == 2;
}

static bool b_got_one(struct fixture *f)
{
	return f->b.other.frames->len == 1;
}

static bool a_got_one(struct fixture *f)
{
	return f->a.other.frames->len == 1;
}

static const uint8_t *make(size_t len, uint8_t fill)
{
	static uint8_t buf[10000];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, { { 2, 0, 0, 0, 0, fill } }, 0x88b5 });
	memset(buf + ETH_HEADER_LEN, fill, len - ETH_HEADER_LEN);
	return buf;
}

/* Frames of @len bytes pass both ways. */
static void exchange(struct fixture *f, size_t len)
{
	size_t got;
	memory_port_clear(&f->a.other);
	memory_port_clear(&f->b.other);
	memory_port_input(&f->a.other, 0, make(len, 1), len);
	run_until(f, b_got_one);
	const uint8_t *frame = memory_port_frame(&f->b.other, 0, &got);
	g_assert_cmpmem(frame, got, make(len, 1), len);
	memory_port_input(&f->b.other, 0, make(len, 2), len);
	run_until(f, a_got_one);
	frame = memory_port_frame(&f->a.other, 0, &got);
	g_assert_cmpmem(frame, got, make(len, 2), len);
}

static void join(struct side *s, const char *url)
{
	g_assert_cmpint(join_link_ops.connect(s->join, url, NULL), ==, 0);
}

static void switch_is_joined_when_it_comes_and_again_when_it_comes_back(struct fixture *f, gconstpointer data)
{
	g_autofree char *url = g_strconcat("vde://", f->dir, NULL);
	join(&f->a, url);
	turn(&f->a);
	g_assert_cmpuint(f->a.segment.n_ports, ==, 1);
	for (int i = 0; i < 2; i++) {
		g_assert_cmpint(vde_link_ops.listen_at(f->b.vde, f->dir, f->error, sizeof(f->error)), ==, 0);
		run_until(f, a_is_a_port_of_b);
		exchange(f, 60);
		exchange(f, 1514);
		vde_link_ops.free(f->b.vde, 0);
		g_assert_cmpint(vde_link_ops.new(&(struct link_config){ &f->b.loop.poller, &f->b.segment, NULL, 1500 }, &f->b.vde), ==, 0);
		run_until(f, a_is_down);
		g_assert_cmpuint(f->a.segment.n_ports, ==, 1);
	}
}

static void frame_is_as_large_as_the_plugin_carries(void)
{
	g_assert_cmpuint(vde_relay_max_frame("vde:///run/vde.ctl"), ==, 1518);
	g_assert_cmpuint(vde_relay_max_frame("/run/vde.ctl"), ==, 1518);
	g_assert_cmpuint(vde_relay_max_frame("vdex://"), ==, 9234);
	g_assert_cmpuint(vde_relay_max_frame("udp://1->h:1"), ==, 9234);
}

static void segments_are_joined_by_ptp(struct fixture *f, gconstpointer data)
{
	g_autofree char *url = g_strdup_printf("ptp://%s/ptp", f->base);
	join(&f->a, url);
	run_until(f, a_is_up);
	join(&f->b, url);
	run_until(f, both_are_up);
	exchange(f, 60);
	exchange(f, 9234);
}

/* A UDP port that is free now. */
static unsigned free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&in, sizeof(in)), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&in, &size), ==, 0);
	close(fd);
	return ntohs(in.sin_port);
}

static void segments_are_joined_by_udp(struct fixture *f, gconstpointer data)
{
	unsigned a = free_port(), b = free_port();
	g_autofree char *to_b = g_strdup_printf("udp://127.0.0.1:%u->127.0.0.1:%u", a, b);
	g_autofree char *to_a = g_strdup_printf("udp://127.0.0.1:%u->127.0.0.1:%u", b, a);
	join(&f->a, to_b);
	run_until(f, a_is_up);
	/* The kernel reports that no socket is there yet.  The port stays. */
	for (int i = 0; i < 10; i++) {
		memory_port_input(&f->a.other, 0, make(60, 3), 60);
		g_usleep(2000);
		turn(&f->a);
	}
	g_assert_true(is_up(&f->a));
	join(&f->b, to_a);
	run_until(f, both_are_up);
	exchange(f, 60);
	exchange(f, 9234);
}

static bool plugin_is_unknown(struct fixture *f)
{
	g_autofree char *why = waiting(&f->a);
	return g_str_equal(why, "libvdeplug has no plugin for it");
}

static void unknown_plugin_is_reported_and_retried_with_growing_pauses(struct fixture *f, gconstpointer data)
{
	join(&f->a, "nosuch://x");
	run_until(f, plugin_is_unknown);
	usec_t first = join_link_ops.deadline(f->a.join);
	g_assert_cmpuint(first, >, 0);
	join_link_ops.expire(f->a.join, first);
	g_assert_cmpuint(join_link_ops.deadline(f->a.join), ==, USEC_INFINITY); /* being opened */
	run_until(f, plugin_is_unknown);
	g_assert_cmpuint(join_link_ops.deadline(f->a.join), <=, clock_now() + 30 * USEC_PER_SEC);
}

static void link_can_be_freed_while_a_thread_is_opening(struct fixture *f, gconstpointer data)
{
	for (int i = 0; i < 50; i++) {
		struct link *l;
		g_assert_cmpint(join_link_ops.new(&(struct link_config){ &f->a.loop.poller, &f->a.segment, NULL, 1500 }, &l), ==, 0);
		g_assert_cmpint(join_link_ops.connect(l, "nosuch://x", NULL), ==, 0);
		join_link_ops.expire(l, clock_now());
		join_link_ops.free(l, clock_now());
	}
}

/* A socket that takes what the ptp plugin sends, and does not read it. */
static int deaf_peer(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	g_assert_cmpuint(g_strlcpy(a.sun_path, path, sizeof(a.sun_path)), <, sizeof(a.sun_path));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
	return fd;
}

static void peer_that_does_not_read_blocks_no_other_port(struct fixture *f, gconstpointer data)
{
	g_autofree char *url = g_strdup_printf("ptp://%s/ptp", f->base), *path = g_strdup_printf("%s/ptp+", f->base);
	join(&f->a, url);
	run_until(f, a_is_up);
	int peer = deaf_peer(path);
	for (unsigned i = 0; i < 20000; i++)
		memory_port_input(&f->a.other, 0, make(1514, 1), 1514);
	g_assert_cmpuint(f->a.segment.drops.count[DROP_PORT_FULL], >, 0);
	/* Frames from the peer still arrive. */
	struct sockaddr_un ours = { .sun_family = AF_UNIX };
	g_strlcpy(ours.sun_path, url + strlen("ptp://"), sizeof(ours.sun_path));
	memory_port_clear(&f->a.other);
	g_assert_cmpint(sendto(peer, make(60, 2), 60, 0, (struct sockaddr *)&ours, sizeof(ours)), ==, 60);
	run_until(f, a_got_one);
	close(peer);
}

#define ADD(test) g_test_add("/vde-join/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vde-join/frame_is_as_large_as_the_plugin_carries", frame_is_as_large_as_the_plugin_carries);
	ADD(switch_is_joined_when_it_comes_and_again_when_it_comes_back);
	ADD(segments_are_joined_by_ptp);
	ADD(segments_are_joined_by_udp);
	ADD(unknown_plugin_is_reported_and_retried_with_growing_pauses);
	ADD(link_can_be_freed_while_a_thread_is_opening);
	ADD(peer_that_does_not_read_blocks_no_other_port);
	return g_test_run();
}
