/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VDE switch with valid and invalid clients; the test sets the time. */
#include "base/bytes.h"
#include "host/loop.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "link/datagram.h"
#include "link/vde/request.h"
#include "link/vde/vde.h"
#include "support/descriptors.h"
#include "support/memory_port.h"
#include "support/peer_user.h"
#include "wire/eth.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
	struct loop loop;
	struct segment segment;
	struct link *link;
	struct memory_port other;
	usec_t now;
	char *base, *dir;
	unsigned sockets; /* names of clients' sockets */
	char error[256];
};

struct client {
	int control, data;
	char *path;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(loop_init(&f->loop), ==, 0);
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	g_assert_cmpint(vde_link_ops.new(&(struct link_config){ &f->loop.poller, &f->segment, NULL, 1500 }, &f->link), ==, 0);
	memory_port_init(&f->other, &f->segment, "other", LINK_FRAME_MAX);
	f->base = g_dir_make_tmp("vde-XXXXXX", NULL);
	f->dir = g_build_filename(f->base, "vde", NULL);
	g_assert_cmpint(vde_link_ops.listen_at(f->link, f->dir, f->error, sizeof(f->error)), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	vde_link_ops.free(f->link, 0);
	memory_port_done(&f->other);
	segment_done(&f->segment);
	loop_done(&f->loop, 0);
	/* Nothing is left behind. */
	g_assert_cmpint(g_rmdir(f->base), ==, 0);
	g_free(f->base);
	g_free(f->dir);
}

static void turn(struct fixture *f)
{
	do
		vde_link_ops.expire(f->link, f->now);
	while (loop_dispatch(&f->loop, f->now) > 0);
	vde_link_ops.expire(f->link, f->now);
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	g_assert_cmpuint(g_strlcpy(a.sun_path, path, sizeof(a.sun_path)), <, sizeof(a.sun_path));
	return a;
}

/* A client that has connected and sent nothing. */
static struct client call(struct fixture *f)
{
	struct client c = {
		.control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		.data = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		.path = g_strdup_printf("%s/client%u", f->base, f->sockets++),
	};
	g_autofree char *ctl = g_build_filename(f->dir, "ctl", NULL);
	struct sockaddr_un at = address(ctl), own = address(c.path);
	g_assert_cmpint(connect(c.control, (struct sockaddr *)&at, sizeof(at)), ==, 0);
	g_assert_cmpint(bind(c.data, (struct sockaddr *)&own, sizeof(own)), ==, 0);
	return c;
}

static void hang_up(struct client *c)
{
	close(c->control);
	close(c->data);
	if (c->path)
		g_unlink(c->path);
	g_free(c->path);
}

static size_t make_request(uint8_t bytes[static VDE_REQUEST_SIZE], uint32_t type, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(a.sun_path, path, MIN(strlen(path) + 1, sizeof(a.sun_path)));
	struct bytes_writer w = bytes_writer(bytes, VDE_REQUEST_SIZE);
	bytes_put(&w, &(uint32_t){ VDE_MAGIC }, 4);
	bytes_put(&w, &(uint32_t){ 3 }, 4);
	bytes_put(&w, &type, 4);
	bytes_put(&w, &a, sizeof(a));
	bytes_put(&w, "a test", 6);
	return w.len;
}

static void ask(struct client *c, uint32_t type, const char *path)
{
	uint8_t bytes[VDE_REQUEST_SIZE];
	size_t len = make_request(bytes, type, path);
	g_assert_cmpint(send(c->control, bytes, len, MSG_NOSIGNAL), ==, (gssize)len);
}

/* Connects the client's data socket to the address in the answer, and returns that path. */
static char *take_answer(struct client *c)
{
	struct sockaddr_un a;
	g_assert_cmpint(recv(c->control, &a, sizeof(a), MSG_DONTWAIT), ==, (gssize)sizeof(a));
	g_assert_cmpint(connect(c->data, (struct sockaddr *)&a, sizeof(a)), ==, 0);
	return g_strdup(a.sun_path);
}

static struct client plug_in(struct fixture *f)
{
	struct client c = call(f);
	ask(&c, 0, c.path);
	turn(f);
	g_free(take_answer(&c));
	return c;
}

static bool is_closed(const struct client *c)
{
	char byte;
	return recv(c->control, &byte, 1, MSG_DONTWAIT) == 0;
}

/* A broadcast of @len bytes from a MAC that ends in @fill, filled with @fill. */
static const uint8_t *make(size_t len, uint8_t fill)
{
	static uint8_t buf[LINK_FRAME_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, { { 2, 0, 0, 0, 0, fill } }, 0x88b5 });
	memset(buf + ETH_HEADER_LEN, fill, len - ETH_HEADER_LEN);
	return buf;
}

static ssize_t receive(const struct client *c)
{
	static uint8_t buf[LINK_FRAME_MAX + 1];
	return recv(c->data, buf, sizeof(buf), MSG_DONTWAIT);
}

static void clients_are_ports_of_the_segment(struct fixture *f, gconstpointer data)
{
	struct client a = plug_in(f), b = plug_in(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 3);
	static const size_t lengths[] = { 60, 1514, LINK_FRAME_MAX };
	for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
		memory_port_clear(&f->other);
		g_assert_cmpint(send(a.data, make(lengths[i], 1), lengths[i], 0), ==, (gssize)lengths[i]);
		turn(f);
		g_assert_cmpuint(f->other.frames->len, ==, 1);
		g_assert_cmpint(receive(&b), ==, (gssize)lengths[i]);
		g_assert_cmpint(receive(&a), ==, -1);
	}
	hang_up(&a);
	hang_up(&b);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
}

static void version_1_is_answered_too(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct client c = call(f);
	struct sockaddr_un a = address(c.path);
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	bytes_put(&w, &(uint32_t){ VDE_MAGIC }, 4);
	bytes_put(&w, &(uint32_t){ 0 }, 4);
	bytes_put_zeros(&w, 6);
	bytes_put(&w, &a, sizeof(a));
	g_assert_cmpint(send(c.control, bytes, w.len, 0), ==, (gssize)w.len);
	turn(f);
	g_free(take_answer(&c));
	hang_up(&c);
	turn(f);
}

static void wanted_port_is_given_when_free_and_another_when_not(struct fixture *f, gconstpointer data)
{
	struct client a = call(f), b = call(f), c = call(f);
	ask(&a, 7 << 8, a.path);
	ask(&b, 7 << 8, b.path);
	ask(&c, 60000 << 8, c.path);
	turn(f);
	g_autofree char *at = take_answer(&a), *bt = take_answer(&b), *ct = take_answer(&c);
	g_assert_nonnull(strstr(at, "/007."));
	g_assert_nonnull(strstr(bt, "/001."));
	g_assert_nonnull(strstr(ct, "/002."));
	hang_up(&a);
	hang_up(&b);
	hang_up(&c);
	turn(f);
}

static void request_in_pieces_is_read(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct client c = call(f);
	make_request(bytes, 0, c.path);
	size_t fixed = 12 + VDE_ADDRESS_LEN;
	for (size_t i = 0; i < fixed; i++) {
		g_assert_cmpuint(f->segment.n_ports, ==, 1);
		g_assert_cmpint(send(c.control, bytes + i, 1, 0), ==, 1);
		turn(f);
	}
	g_free(take_answer(&c));
	hang_up(&c);
	turn(f);
}

static void garbage_closes_that_client_only(struct fixture *f, gconstpointer data)
{
	struct client good = plug_in(f);
	uint8_t bytes[4096];
	for (unsigned i = 0; i < 200; i++) {
		struct client c = call(f);
		for (size_t b = 0; b < sizeof(bytes); b++)
			bytes[b] = (uint8_t)g_test_rand_int();
		if (i % 4 == 0)
			make_request(bytes, 2 + i, c.path);
		g_assert_cmpint(send(c.control, bytes, sizeof(bytes), MSG_NOSIGNAL), >, 0);
		turn(f);
		turn(f);
		char byte;
		/* Reset, because the switch had closed the connection. */
		g_assert_cmpint(recv(c.control, &byte, 1, MSG_DONTWAIT), <=, 0);
		g_assert_cmpint(errno, !=, EAGAIN);
		hang_up(&c);
	}
	g_assert_cmpuint(f->segment.drops.count[DROP_VDE_REQUEST], ==, 200);
	g_assert_cmpuint(f->segment.n_ports, ==, 2);
	memory_port_input(&f->other, 0, make(60, 9), 60);
	g_assert_cmpint(receive(&good), ==, 60);
	hang_up(&good);
	turn(f);
}

static void second_request_ends_the_connection(struct fixture *f, gconstpointer data)
{
	struct client c = plug_in(f);
	ask(&c, 0, c.path);
	turn(f);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
	hang_up(&c);
}

static void sockets_that_are_not_the_clients_are_refused(struct fixture *f, gconstpointer data)
{
	g_autofree char *file = g_build_filename(f->base, "file", NULL), *link = g_build_filename(f->base, "link", NULL);
	g_assert_true(g_file_set_contents(file, "x", 1, NULL));
	struct client c = call(f), victim = call(f);
	g_assert_cmpint(symlink(victim.path, link), ==, 0);
	const char *const paths[] = { file, link, f->base, "/nowhere/at/all", "/dev/null" };
	hang_up(&c);
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		c = call(f);
		ask(&c, 0, paths[i]);
		turn(f);
		turn(f);
		g_assert_true(is_closed(&c));
		hang_up(&c);
	}
	/* A socket of another user's. */
	c = call(f);
	peer_user_pretend((int)geteuid() + 1);
	ask(&c, 0, victim.path);
	turn(f);
	turn(f);
	peer_user_pretend(-1);
	g_assert_true(is_closed(&c));
	hang_up(&c);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
	hang_up(&victim);
	turn(f);
	g_unlink(link);
	g_unlink(file);
}

static void client_without_a_request_loses_its_place(struct fixture *f, gconstpointer data)
{
	struct client c = call(f);
	turn(f);
	usec_t when = vde_link_ops.deadline(f->link);
	g_assert_cmpuint(when, <=, 60 * USEC_PER_SEC);
	f->now = when - 1;
	turn(f);
	g_assert_false(is_closed(&c));
	f->now = when;
	turn(f);
	g_assert_true(is_closed(&c));
	g_assert_cmpuint(vde_link_ops.deadline(f->link), ==, USEC_INFINITY);
	hang_up(&c);
}

static void ports_are_limited_and_come_free_again(struct fixture *f, gconstpointer data)
{
	struct client c[VDE_PORTS_MAX + 1];
	/* A client has two descriptors, and the switch has two for it. */
	if (!descriptors_allow(4 * ARRAY_SIZE(c) + 100)) {
		g_test_skip(DESCRIPTORS_TOO_FEW);
		return;
	}
	for (unsigned i = 0; i < VDE_PORTS_MAX; i++)
		c[i] = plug_in(f);
	g_assert_cmpuint(f->segment.n_ports, ==, VDE_PORTS_MAX + 1);
	c[VDE_PORTS_MAX] = call(f);
	turn(f);
	g_assert_true(is_closed(&c[VDE_PORTS_MAX]));
	hang_up(&c[VDE_PORTS_MAX]);
	hang_up(&c[100]);
	turn(f);
	c[100] = plug_in(f);
	for (unsigned i = 0; i < VDE_PORTS_MAX; i++)
		hang_up(&c[i]);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
}

static void thousands_of_reconnects_leave_nothing(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 3000; i++) {
		struct client c = call(f);
		if (i % 3 != 0)
			ask(&c, 0, c.path);
		if (i % 3 == 1)
			turn(f);
		hang_up(&c);
		if (i % 50 == 0)
			turn(f);
	}
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
	g_autoptr(GDir) dir = g_dir_open(f->dir, 0, NULL);
	g_assert_cmpstr(g_dir_read_name(dir), ==, "ctl");
	g_assert_null(g_dir_read_name(dir));
	struct client c = plug_in(f);
	hang_up(&c);
	turn(f);
}

static void client_that_never_drains_costs_only_itself(struct fixture *f, gconstpointer data)
{
	struct client deaf = plug_in(f), good = plug_in(f);
	unsigned got = 0;
	for (unsigned i = 0; i < 5000; i++) {
		memory_port_input(&f->other, 0, make(1514, 9), 1514);
		while (receive(&good) == 1514)
			got++;
	}
	g_assert_cmpuint(got, ==, 5000);
	g_assert_cmpuint(f->segment.drops.count[DROP_PORT_FULL], >, 0);
	hang_up(&good);
	hang_up(&deaf);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
}

/* The client leaves its socket unconnected, so the kernel queues fewer datagrams for it. */
static void client_that_never_takes_its_answer_costs_only_itself(struct fixture *f, gconstpointer data)
{
	struct client c = call(f);
	ask(&c, 0, c.path);
	turn(f);
	for (unsigned i = 0; i < 3000; i++)
		memory_port_input(&f->other, 0, make(1514, 9), 1514);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 2);
	while (receive(&c) > 0)
		turn(f);
	hang_up(&c);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
}

static void closed_data_socket_ends_the_port(struct fixture *f, gconstpointer data)
{
	struct client c = plug_in(f);
	close(c.data);
	memory_port_input(&f->other, 0, make(60, 9), 60);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
	c.data = -1;
	hang_up(&c);
}

/* As a switch that was killed leaves it. */
static void socket_that_a_client_left_is_removed(struct fixture *f, gconstpointer data)
{
	struct client c = call(f);
	g_unlink(c.path);
	close(c.data);
	g_free(c.path);
	c.path = g_build_filename(f->dir, ".01234-00000", NULL);
	c.data = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un own = address(c.path);
	g_assert_cmpint(bind(c.data, (struct sockaddr *)&own, sizeof(own)), ==, 0);
	ask(&c, 0, c.path);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 2);
	close(c.data);
	close(c.control);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
	g_assert_false(g_file_test(c.path, G_FILE_TEST_EXISTS));
	g_free(c.path);
}

static void without_descriptors_there_is_no_busy_loop(struct fixture *f, gconstpointer data)
{
	struct client c = call(f);
	struct rlimit old, few;
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
	few = (struct rlimit){ (rlim_t)c.data + 1, old.rlim_max };
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
	turn(f);
	usec_t when = vde_link_ops.deadline(f->link);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);
	g_assert_cmpuint(when, <, 60 * USEC_PER_SEC);
	ask(&c, 0, c.path);
	f->now = when;
	turn(f);
	g_free(take_answer(&c));
	hang_up(&c);
	turn(f);
}

static void socket_of_another_user_is_refused(struct fixture *f, gconstpointer data)
{
	struct stat st;
	g_autofree char *ctl = g_build_filename(f->dir, "ctl", NULL);
	g_assert_cmpint(stat(f->dir, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 077, ==, 0);
	g_assert_cmpint(stat(ctl, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
}

static void second_switch_in_a_directory_is_refused(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(vde_link_ops.listen_at(f->link, f->dir, f->error, sizeof(f->error)), ==, -EADDRINUSE);
	g_assert_nonnull(strstr(f->error, "another process listens there"));
	/* The probe of the second switch was a client that disconnected at once. */
	turn(f);
	struct client c = plug_in(f);
	hang_up(&c);
	turn(f);
}

static void sockets_of_a_dead_switch_are_replaced(struct fixture *f, gconstpointer data)
{
	g_autofree char *dir = g_build_filename(f->base, "old", NULL), *ctl = g_build_filename(dir, "ctl", NULL);
	g_autofree char *stale = g_build_filename(dir, "001.9", NULL), *mine = g_build_filename(dir, "002.notes", NULL);
	g_autofree char *client = g_build_filename(dir, ".00123-00001", NULL);
	g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
	const char *const paths[] = { ctl, stale, client };
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		int fd = socket(AF_UNIX, i == 0 ? SOCK_STREAM : SOCK_DGRAM, 0);
		struct sockaddr_un a = address(paths[i]);
		g_assert_cmpint(bind(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
		close(fd);
	}
	g_assert_true(g_file_set_contents(mine, "x", 1, NULL));
	g_assert_cmpint(vde_link_ops.listen_at(f->link, dir, f->error, sizeof(f->error)), ==, 0);
	g_assert_false(g_file_test(stale, G_FILE_TEST_EXISTS));
	g_assert_false(g_file_test(client, G_FILE_TEST_EXISTS));
	g_assert_true(g_file_test(mine, G_FILE_TEST_EXISTS));
	g_unlink(mine);
}

static void long_paths_and_unusable_directories_are_explained(struct fixture *f, gconstpointer data)
{
	g_autofree char *name = g_strnfill(100, 'x'), *path = g_build_filename(f->base, name, NULL);
	g_assert_cmpint(vde_link_ops.listen_at(f->link, path, f->error, sizeof(f->error)), ==, -ENAMETOOLONG);
	g_assert_nonnull(strstr(f->error, "choose a shorter one"));
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	g_assert_cmpint(vde_link_ops.listen_at(f->link, "/nowhere/vde", f->error, sizeof(f->error)), ==, -ENOENT);
	g_assert_nonnull(strstr(f->error, "/nowhere/vde"));
	g_assert_cmpint(vde_link_ops.listen_at(f->link, "/dev/null", f->error, sizeof(f->error)), <, 0);
	g_assert_nonnull(strstr(f->error, "/dev/null"));
	if (geteuid() == 0)
		return; /* root may write everywhere */
	g_autofree char *dir = g_build_filename(f->base, "locked", NULL), *below = g_build_filename(dir, "vde", NULL);
	g_assert_cmpint(g_mkdir(dir, 0500), ==, 0);
	g_assert_cmpint(vde_link_ops.listen_at(f->link, below, f->error, sizeof(f->error)), ==, -EACCES);
	g_assert_cmpint(vde_link_ops.listen_at(f->link, dir, f->error, sizeof(f->error)), ==, -EACCES);
	g_rmdir(dir);
}

#define ADD(test) g_test_add("/vde/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(clients_are_ports_of_the_segment);
	ADD(version_1_is_answered_too);
	ADD(wanted_port_is_given_when_free_and_another_when_not);
	ADD(request_in_pieces_is_read);
	ADD(garbage_closes_that_client_only);
	ADD(second_request_ends_the_connection);
	ADD(sockets_that_are_not_the_clients_are_refused);
	ADD(client_without_a_request_loses_its_place);
	ADD(ports_are_limited_and_come_free_again);
	ADD(thousands_of_reconnects_leave_nothing);
	ADD(client_that_never_drains_costs_only_itself);
	ADD(client_that_never_takes_its_answer_costs_only_itself);
	ADD(closed_data_socket_ends_the_port);
	ADD(socket_that_a_client_left_is_removed);
	ADD(without_descriptors_there_is_no_busy_loop);
	ADD(socket_of_another_user_is_refused);
	ADD(second_switch_in_a_directory_is_refused);
	ADD(sockets_of_a_dead_switch_are_replaced);
	ADD(long_paths_and_unusable_directories_are_explained);
	return g_test_run();
}
