/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One datagram socket with many guests, on real sockets; the test sets the time. */
#include "base/bytes.h"
#include "base/log.h"
#include "host/loop.h"
#include "host/unix_socket.h"
#include "lan/segment.h"
#include "link/datagram.h"
#include "link/dgram.h"
#include "support/memory_port.h"
#include "wire/eth.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
	struct loop loop;
	struct segment segment;
	struct link *link;
	struct memory_port other;
	char *dir, *path; /* of the link's socket */
	usec_t now;
	struct log log;
	GString *lines;
};

static void keep_log(void *opaque, enum log_level level, const char *line)
{
	g_string_append_printf(opaque, "%s\n", line);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	g_assert_cmpuint(strlen(path), <, sizeof(a.sun_path));
	strcpy(a.sun_path, path);
	return a;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	char error[200] = "";
	f->lines = g_string_new(NULL);
	f->log = (struct log){ .level = LOG_LEVEL_INFO, .write = keep_log, .opaque = f->lines };
	f->dir = g_dir_make_tmp("lanlet-XXXXXX", NULL);
	f->path = g_build_filename(f->dir, "dgram.sock", NULL);
	f->now = USEC_PER_SEC;
	g_assert_cmpint(loop_init(&f->loop), ==, 0);
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	g_assert_cmpint(dgram_link_ops.new(&(struct link_config){ &f->loop.poller, &f->segment, &f->log, 65520 }, &f->link), ==, 0);
	memory_port_init(&f->other, &f->segment, "other", LINK_FRAME_MAX);
	int fd = unix_serve(f->path, SOCK_DGRAM, error, sizeof(error));
	g_assert_cmpstr(error, ==, "");
	g_assert_cmpint(dgram_link_ops.listen(f->link, fd, NULL, NULL, 0), ==, 0);
}

static void remove_all(const char *dir)
{
	g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
	const char *name;
	while ((name = g_dir_read_name(d))) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_remove(path);
	}
	g_rmdir(dir);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	dgram_link_ops.free(f->link, f->now);
	memory_port_done(&f->other);
	segment_done(&f->segment);
	loop_done(&f->loop, f->now);
	remove_all(f->dir);
	g_free(f->path);
	g_free(f->dir);
	g_string_free(f->lines, TRUE);
}

static void turn(struct fixture *f)
{
	while (loop_dispatch(&f->loop, f->now) > 0)
		;
}

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static char *path_of(struct fixture *f, const char *name)
{
	return g_build_filename(f->dir, name, NULL);
}

/* A guest's socket, bound to NAME in the test's directory. */
static int guest_at(struct fixture *f, const char *name)
{
	g_autofree char *path = path_of(f, name);
	struct sockaddr_un a = address_of(path);
	int fd = open_socket();
	g_assert_cmpint(bind(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
	return fd;
}

static void remove_name(struct fixture *f, const char *name)
{
	g_autofree char *path = path_of(f, name);
	g_assert_cmpint(unlink(path), ==, 0);
}

/* A frame of @len bytes from the MAC that ends in @source, and filled with @source. */
static const uint8_t *make(struct mac to, uint8_t source, size_t len)
{
	static uint8_t buf[LINK_FRAME_MAX + 100];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ to, { { 2, 0, 0, 0, 0, source } }, 0x88b5 });
	memset(buf + ETH_HEADER_LEN, source, len - ETH_HEADER_LEN);
	return buf;
}

static ssize_t try_send(struct fixture *f, int fd, const void *bytes, size_t len)
{
	struct sockaddr_un a = address_of(f->path);
	return sendto(fd, bytes, len, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof(a));
}

static void send_from(struct fixture *f, int fd, uint8_t source, size_t len)
{
	g_assert_cmpint(try_send(f, fd, make(MAC_BROADCAST, source, len), len), ==, (gssize)len);
	turn(f);
}

/* A broadcast from the test's own port. */
static void broadcast(struct fixture *f, uint8_t source, size_t len)
{
	memory_port_input(&f->other, f->now, make(MAC_BROADCAST, source, len), len);
}

/* Reads all frames at @fd, each filled with one byte, and returns how many. */
static unsigned read_all(struct fixture *f, int fd)
{
	g_autofree uint8_t *buf = g_malloc(LINK_FRAME_MAX + 1);
	unsigned n = 0;
	ssize_t len;
	for (; (len = recv(fd, buf, LINK_FRAME_MAX + 1, MSG_DONTWAIT)) > 0; n++) {
		g_assert_cmpuint(buf[len - 1], ==, buf[11]);
		turn(f);
	}
	return n;
}

static unsigned ports(const struct fixture *f)
{
	return f->segment.n_ports - 1;
}

static void assert_logged(const struct fixture *f, const char *words)
{
	if (!strstr(f->lines->str, words))
		g_error("no \"%s\" in the log:\n%s", words, f->lines->str);
}

static void each_sender_has_a_port_and_receives_from_the_others(struct fixture *f, gconstpointer data)
{
	int one = guest_at(f, "one"), two = guest_at(f, "two");
	send_from(f, one, 1, 60);
	send_from(f, two, 2, 60);
	g_assert_cmpuint(ports(f), ==, 2);
	g_assert_cmpuint(read_all(f, one), ==, 1);
	g_assert_cmpuint(read_all(f, two), ==, 0);
	struct mac to = { { 2, 0, 0, 0, 0, 1 } };
	g_assert_cmpint(try_send(f, two, make(to, 2, 100), 100), ==, 100);
	turn(f);
	g_assert_cmpuint(read_all(f, one), ==, 1);
	g_assert_cmpuint(f->other.frames->len, ==, 2);
	send_from(f, one, 1, 60);
	g_assert_cmpuint(ports(f), ==, 2);
	close(one);
	close(two);
}

static void largest_frame_passes_both_ways_and_a_larger_one_is_counted(struct fixture *f, gconstpointer data)
{
	int guest = guest_at(f, "guest");
	send_from(f, guest, 1, LINK_FRAME_MAX);
	size_t len;
	memory_port_frame(&f->other, 0, &len);
	g_assert_cmpuint(len, ==, LINK_FRAME_MAX);
	broadcast(f, 2, LINK_FRAME_MAX);
	g_assert_cmpuint(read_all(f, guest), ==, 1);
	send_from(f, guest, 1, LINK_FRAME_MAX + 1);
	send_from(f, guest, 1, LINK_FRAME_MAX + 100);
	g_assert_cmpuint(f->segment.drops.count[DROP_DATAGRAM_LENGTH], ==, 2);
	g_assert_cmpuint(f->other.frames->len, ==, 1);
	close(guest);
}

static void name_in_the_abstract_name_space_is_a_name(struct fixture *f, gconstpointer data)
{
	int guest = open_socket();
	g_assert_cmpint(bind(guest, (struct sockaddr *)&(struct sockaddr_un){ .sun_family = AF_UNIX }, sizeof(sa_family_t)), ==, 0);
	send_from(f, guest, 1, 60);
	broadcast(f, 2, 60);
	g_assert_cmpuint(read_all(f, guest), ==, 1);
	assert_logged(f, "attached from @");
	close(guest);
}

static void datagram_from_an_unnamed_socket_is_counted_and_explained(struct fixture *f, gconstpointer data)
{
	int guest = open_socket();
	send_from(f, guest, 1, 60);
	g_assert_cmpuint(ports(f), ==, 0);
	g_assert_cmpuint(f->segment.drops.count[DROP_DGRAM_UNBOUND], ==, 1);
	assert_logged(f, "give QEMU local.type=unix,local.path=PATH besides remote.path");
	close(guest);
}

static void datagram_from_a_relative_path_is_counted_and_explained(struct fixture *f, gconstpointer data)
{
	g_autofree char *before = g_get_current_dir();
	g_assert_cmpint(chdir(f->dir), ==, 0);
	struct sockaddr_un a = address_of("guest");
	int guest = open_socket();
	g_assert_cmpint(bind(guest, (struct sockaddr *)&a, sizeof(a)), ==, 0);
	send_from(f, guest, 1, 60);
	g_assert_cmpint(chdir(before), ==, 0);
	g_assert_cmpuint(ports(f), ==, 0);
	g_assert_cmpuint(f->segment.drops.count[DROP_DGRAM_SOURCE], ==, 1);
	assert_logged(f, "give it an absolute path");
	close(guest);
}

static void datagram_from_a_connected_socket_is_counted_and_explained(struct fixture *f, gconstpointer data)
{
	int guest = guest_at(f, "guest");
	struct sockaddr_un a = address_of(f->path);
	g_assert_cmpint(connect(guest, (struct sockaddr *)&a, sizeof(a)), ==, 0);
	g_assert_cmpint(send(guest, make(MAC_BROADCAST, 1, 60), 60, 0), ==, 60);
	turn(f);
	g_assert_cmpuint(ports(f), ==, 0);
	g_assert_cmpuint(f->segment.drops.count[DROP_DGRAM_SOURCE], ==, 1);
	assert_logged(f, "let it bind and not connect");
	close(guest);
}

/* A hostile guest could make lanlet send to a socket that it cannot reach itself. */
static void link_at_a_sender_s_path_is_not_followed(struct fixture *f, gconstpointer data)
{
	int victim = guest_at(f, "victim"), guest = guest_at(f, "guest");
	g_autofree char *link = path_of(f, "guest"), *target = path_of(f, "victim");
	g_assert_cmpint(unlink(link), ==, 0);
	g_assert_cmpint(symlink(target, link), ==, 0);
	send_from(f, guest, 1, 60);
	g_assert_cmpuint(ports(f), ==, 0);
	g_assert_cmpuint(f->segment.drops.count[DROP_DGRAM_SOURCE], ==, 1);
	assert_logged(f, "it leads to another socket");
	broadcast(f, 2, 60);
	g_assert_cmpuint(read_all(f, victim), ==, 0);
	close(guest);
	close(victim);
}

static void path_that_becomes_a_link_later_is_not_followed_either(struct fixture *f, gconstpointer data)
{
	int victim = guest_at(f, "victim"), guest = guest_at(f, "guest");
	g_autofree char *link = path_of(f, "guest"), *target = path_of(f, "victim");
	send_from(f, guest, 1, 60);
	g_assert_cmpint(unlink(link), ==, 0);
	g_assert_cmpint(symlink(target, link), ==, 0);
	broadcast(f, 2, 60);
	g_assert_cmpuint(read_all(f, guest), ==, 1);
	close(guest);
	broadcast(f, 2, 60);
	turn(f);
	g_assert_cmpuint(read_all(f, victim), ==, 0);
	g_assert_cmpuint(ports(f), ==, 0);
	close(victim);
}

static void path_where_there_is_no_socket_gives_no_port(struct fixture *f, gconstpointer data)
{
	g_autofree char *file = path_of(f, "file"), *gone = path_of(f, "gone"), *fifo = path_of(f, "fifo");
	int guests[3] = { guest_at(f, "file"), guest_at(f, "gone"), guest_at(f, "fifo") };
	g_assert_cmpint(unlink(file), ==, 0);
	g_assert_true(g_file_set_contents(file, "x", 1, NULL));
	g_assert_cmpint(unlink(gone), ==, 0);
	g_assert_cmpint(unlink(fifo), ==, 0);
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	for (unsigned i = 0; i < G_N_ELEMENTS(guests); i++) {
		send_from(f, guests[i], 1, 60);
		close(guests[i]);
	}
	g_assert_cmpuint(ports(f), ==, 0);
	g_assert_cmpuint(f->segment.drops.count[DROP_DGRAM_SOURCE], ==, 3);
}

static void guest_that_is_gone_loses_its_port_with_the_next_frame(struct fixture *f, gconstpointer data)
{
	int one = guest_at(f, "one"), two = guest_at(f, "two");
	send_from(f, one, 1, 60);
	send_from(f, two, 2, 60);
	close(one); /* the path stays, as QEMU leaves it, and refuses */
	close(two);
	remove_name(f, "two");
	g_assert_cmpuint(ports(f), ==, 2);
	broadcast(f, 3, 60);
	turn(f);
	g_assert_cmpuint(ports(f), ==, 0);
	assert_logged(f, "detached");
}

static void guest_that_starts_again_at_its_path_keeps_its_port(struct fixture *f, gconstpointer data)
{
	int guest = guest_at(f, "guest");
	send_from(f, guest, 1, 60);
	close(guest);
	remove_name(f, "guest");
	guest = guest_at(f, "guest");
	broadcast(f, 2, 60);
	turn(f);
	g_assert_cmpuint(read_all(f, guest), ==, 1);
	send_from(f, guest, 1, 60);
	g_assert_cmpuint(ports(f), ==, 1);
	g_assert_null(strstr(f->lines->str, "detached"));
	close(guest);
}

static bool has_name(struct fixture *f, const char *name)
{
	g_autofree char *path = path_of(f, name);
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void socket_of_a_guest_is_removed_with_its_port(struct fixture *f, gconstpointer data)
{
	static const char *const names[] = { "guest-web.sock", "guest-db.sock", "own.sock" };
	int guests[G_N_ELEMENTS(names)];
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		guests[i] = guest_at(f, names[i]);
		send_from(f, guests[i], (uint8_t)(i + 1), 60);
	}
	close(guests[0]);
	close(guests[2]);
	broadcast(f, 9, 60);
	turn(f);
	g_assert_cmpuint(ports(f), ==, 1);
	g_assert_false(has_name(f, "guest-web.sock"));
	g_assert_true(has_name(f, "guest-db.sock")); /* still in use */
	g_assert_true(has_name(f, "own.sock"));      /* not a name of `lanlet qemu` */
	close(guests[1]);
}

static void guest_that_is_there_again_at_its_path_keeps_its_socket(struct fixture *f, gconstpointer data)
{
	int guest = guest_at(f, "guest-web.sock");
	send_from(f, guest, 1, 60);
	close(guest);
	remove_name(f, "guest-web.sock");
	guest = guest_at(f, "guest-web.sock");
	dgram_link_ops.free(f->link, f->now);
	g_assert_true(has_name(f, "guest-web.sock"));
	g_assert_cmpint(dgram_link_ops.new(&(struct link_config){ &f->loop.poller, &f->segment, &f->log, 65520 }, &f->link), ==, 0);
	close(guest);
}

static void sockets_left_by_earlier_guests_are_removed_at_the_start(struct fixture *f, gconstpointer data)
{
	g_autofree char *path = path_of(f, "again.sock");
	char error[200];
	int alive = guest_at(f, "guest-alive.sock");
	close(guest_at(f, "guest-dead.sock"));
	g_assert_cmpint(dgram_link_ops.listen(f->link, unix_serve(path, SOCK_DGRAM, error, sizeof(error)), NULL, NULL, 0), ==, 0);
	g_assert_true(has_name(f, "guest-alive.sock"));
	g_assert_false(has_name(f, "guest-dead.sock"));
	close(alive);
}

static void guests_of_a_socket_with_an_identity_have_it_and_leave_with_the_socket(struct fixture *f, gconstpointer data)
{
	static const struct port_identity web = { .name = "web", .pinned = { { 2, 0, 0, 0, 0, 1 } } };
	g_autofree char *path = path_of(f, "web.sock");
	struct sockaddr_un own = address_of(path);
	char error[200];
	int fd = unix_serve(path, SOCK_DGRAM, error, sizeof(error));
	g_assert_cmpint(dgram_link_ops.listen(f->link, fd, &web, NULL, 0), ==, 0);
	int guest = guest_at(f, "guest"), other = guest_at(f, "other");
	for (uint8_t source = 1; source <= 2; source++) {
		g_assert_cmpint(sendto(guest, make(MAC_BROADCAST, source, 60), 60, 0, (struct sockaddr *)&own, sizeof(own)), ==, 60);
		turn(f);
	}
	send_from(f, other, 3, 60);
	g_assert_cmpuint(ports(f), ==, 2);
	g_assert_cmpuint(f->segment.drops.count[DROP_PINNED_MAC], ==, 1);
	assert_logged(f, "port web: attached from");

	dgram_link_ops.unlisten(f->link, f->now, fd);
	turn(f);
	g_assert_cmpuint(ports(f), ==, 1);
	send_from(f, other, 3, 60);
	g_assert_cmpuint(ports(f), ==, 1);
	close(guest);
	close(other);
}

static void pass_time(struct fixture *f, usec_t span)
{
	for (usec_t until = f->now + span; dgram_link_ops.deadline(f->link) <= until;) {
		f->now = dgram_link_ops.deadline(f->link);
		dgram_link_ops.expire(f->link, f->now);
		g_assert_cmpuint(dgram_link_ops.deadline(f->link), >, f->now);
	}
}

static void silent_guest_stays_while_its_socket_is_there(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(dgram_link_ops.deadline(f->link), ==, USEC_INFINITY);
	int here = guest_at(f, "here"), gone = guest_at(f, "gone");
	send_from(f, here, 1, 60);
	send_from(f, gone, 2, 60);
	close(gone);
	pass_time(f, 2 * DGRAM_SILENCE);
	g_assert_cmpuint(ports(f), ==, 1);
	pass_time(f, 100 * DGRAM_SILENCE);
	g_assert_cmpuint(ports(f), ==, 1);
	close(here);
	pass_time(f, 2 * DGRAM_SILENCE);
	g_assert_cmpuint(ports(f), ==, 0);
	g_assert_cmpuint(dgram_link_ops.deadline(f->link), ==, USEC_INFINITY);
}

static void burst_longer_than_a_socket_s_queue_arrives_whole(struct fixture *f, gconstpointer data)
{
	int guest = guest_at(f, "guest");
	send_from(f, guest, 1, 60);
	struct mac to = { { 2, 0, 0, 0, 0, 1 } };
	for (unsigned i = 0; i < 600; i++)
		memory_port_input(&f->other, f->now, make(to, 2, 1514), 1514);
	unsigned got = 0;
	while (got < 600) {
		unsigned n = read_all(f, guest);
		turn(f);
		g_assert_cmpuint(n, >, 0);
		got += n;
	}
	g_assert_cmpuint(f->segment.drops.count[DROP_PORT_FULL], ==, 0);
	close(guest);
}

static void guest_that_does_not_drain_costs_only_itself(struct fixture *f, gconstpointer data)
{
	int stalled = guest_at(f, "stalled"), other = guest_at(f, "other");
	send_from(f, stalled, 1, 60);
	send_from(f, other, 2, 60);
	read_all(f, stalled);
	for (unsigned i = 0; i < 4000; i++) {
		broadcast(f, 3, 1514);
		g_assert_cmpuint(read_all(f, other), ==, 1);
	}
	uint64_t dropped = f->segment.drops.count[DROP_PORT_FULL];
	g_assert_cmpuint(dropped, >, 0);
	unsigned got = 0, n;
	while ((n = read_all(f, stalled)) > 0) {
		got += n;
		turn(f);
	}
	g_assert_cmpuint(got + dropped, ==, 4000);
	broadcast(f, 3, 60);
	g_assert_cmpuint(read_all(f, stalled), ==, 1);
	close(stalled);
	close(other);
}

static void thousands_of_paths_of_a_hostile_sender_harm_no_other_guest(struct fixture *f, gconstpointer data)
{
	int honest = guest_at(f, "honest");
	send_from(f, honest, 1, 60);
	for (unsigned i = 0; i < 3000; i++) {
		g_autofree char *name = g_strdup_printf("h%u", i);
		int fd = guest_at(f, name);
		try_send(f, fd, make(MAC_BROADCAST, 2, 60), 60);
		turn(f);
		close(fd);
		remove_name(f, name);
		g_assert_cmpuint(ports(f), <=, DGRAM_PORTS_MAX);
		read_all(f, honest);
	}
	struct mac to = { { 2, 0, 0, 0, 0, 1 } };
	memory_port_input(&f->other, f->now, make(to, 9, 60), 60);
	g_assert_cmpuint(read_all(f, honest), ==, 1);
	int late = guest_at(f, "late");
	send_from(f, late, 3, 60);
	broadcast(f, 4, 60);
	g_assert_cmpuint(read_all(f, late), ==, 1);
	close(honest);
	close(late);
}

static void sockets_beyond_the_limit_are_counted_and_those_before_it_work(struct fixture *f, gconstpointer data)
{
	int fds[DGRAM_PORTS_MAX + 20];
	for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
		g_autofree char *name = g_strdup_printf("g%u", i);
		fds[i] = guest_at(f, name);
		struct mac unknown = { { 2, 0, 0, 0, 1, 0 } };
		f->other.port.crowded = true; /* the test's own port takes no part */
		g_assert_cmpint(try_send(f, fds[i], make(unknown, 7, 60), 60), ==, 60);
		turn(f);
		for (unsigned j = 0; j < i; j++)
			read_all(f, fds[j]);
	}
	g_assert_cmpuint(ports(f), ==, DGRAM_PORTS_MAX);
	g_assert_cmpuint(f->segment.drops.count[DROP_DGRAM_LIMIT], ==, 20);
	assert_logged(f, "there are 256 ports on that socket already");
	broadcast(f, 1, 60);
	for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
		g_assert_cmpuint(read_all(f, fds[i]), ==, i < DGRAM_PORTS_MAX);
		close(fds[i]);
	}
	/* A new sender has room as soon as the link has noticed that the others are gone. */
	int late = guest_at(f, "late");
	f->now += 2 * USEC_PER_SEC;
	send_from(f, late, 3, 60);
	send_from(f, late, 3, 60);
	g_assert_cmpuint(ports(f), ==, 1);
	close(late);
}

static void sender_without_a_free_descriptor_is_counted(struct fixture *f, gconstpointer data)
{
	int guest = guest_at(f, "guest");
	g_assert_cmpint(try_send(f, guest, make(MAC_BROADCAST, 1, 60), 60), ==, 60);
	struct rlimit before, none = { .rlim_cur = (rlim_t)guest + 1 };
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	none.rlim_max = before.rlim_max;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	turn(f);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	g_assert_cmpuint(ports(f), ==, 0);
	g_assert_cmpuint(f->segment.drops.count[DROP_DGRAM_SOURCE], ==, 1);
	send_from(f, guest, 1, 60);
	g_assert_cmpuint(ports(f), ==, 1);
	close(guest);
}

static void garbage_of_every_length_harms_no_other_guest(struct fixture *f, gconstpointer data)
{
	int guest = guest_at(f, "guest");
	uint8_t bytes[64];
	for (size_t len = 0; len < sizeof(bytes); len++) {
		memset(bytes, (int)(len * 37), sizeof(bytes));
		g_assert_cmpint(try_send(f, guest, bytes, len), ==, (gssize)len);
		turn(f);
	}
	g_assert_cmpuint(f->segment.drops.count[DROP_FRAME_MALFORMED], ==, ETH_HEADER_LEN);
	g_assert_cmpuint(ports(f), ==, 1);
	close(guest);
}

#define TEST(name) g_test_add("/dgram/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(each_sender_has_a_port_and_receives_from_the_others);
	TEST(largest_frame_passes_both_ways_and_a_larger_one_is_counted);
	TEST(name_in_the_abstract_name_space_is_a_name);
	TEST(datagram_from_an_unnamed_socket_is_counted_and_explained);
	TEST(datagram_from_a_relative_path_is_counted_and_explained);
	TEST(datagram_from_a_connected_socket_is_counted_and_explained);
	TEST(link_at_a_sender_s_path_is_not_followed);
	TEST(path_that_becomes_a_link_later_is_not_followed_either);
	TEST(path_where_there_is_no_socket_gives_no_port);
	TEST(guest_that_is_gone_loses_its_port_with_the_next_frame);
	TEST(guest_that_starts_again_at_its_path_keeps_its_port);
	TEST(socket_of_a_guest_is_removed_with_its_port);
	TEST(guest_that_is_there_again_at_its_path_keeps_its_socket);
	TEST(sockets_left_by_earlier_guests_are_removed_at_the_start);
	TEST(guests_of_a_socket_with_an_identity_have_it_and_leave_with_the_socket);
	TEST(silent_guest_stays_while_its_socket_is_there);
	TEST(burst_longer_than_a_socket_s_queue_arrives_whole);
	TEST(guest_that_does_not_drain_costs_only_itself);
	TEST(thousands_of_paths_of_a_hostile_sender_harm_no_other_guest);
	TEST(sockets_beyond_the_limit_are_counted_and_those_before_it_work);
	TEST(sender_without_a_free_descriptor_is_counted);
	TEST(garbage_of_every_length_harms_no_other_guest);
	return g_test_run();
}
