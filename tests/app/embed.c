/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another project's program: it knows lanlet.h, links with the shared library, and has two networks in a loop of
 * its own.
 */
#include <lanlet.h>

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TURNS_MAX 1000
#define WAIT_MS 5000

struct fixture {
	char *dir;
	char *paths[2];
	struct lanlet_network *nets[2];
	GString *logs[2];
	char error[200];
};

static void write_log(void *opaque, enum lanlet_log_level level, const char *line)
{
	g_string_append_printf(opaque, "%s\n", line);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	static const char *const subnets[] = { "10.77.1.0/24", "10.77.2.0/24" };
	f->dir = g_dir_make_tmp("lanlet-XXXXXX", NULL);
	for (int i = 0; i < 2; i++) {
		struct lanlet_config *config;
		g_assert_cmpint(lanlet_config_new(&config), ==, 0);
		g_assert_cmpint(lanlet_config_set(config, "subnet", subnets[i], f->error, sizeof(f->error)), ==, 0);
		f->logs[i] = g_string_new(NULL);
		lanlet_config_set_log(config, write_log, f->logs[i]);
		g_assert_cmpint(lanlet_config_set(config, "engine", "null", f->error, sizeof(f->error)), ==, 0);
		g_assert_cmpint(lanlet_network_new(config, &f->nets[i], f->error, sizeof(f->error)), ==, 0);
		lanlet_config_free(config);
		f->paths[i] = g_strdup_printf("%s/%d", f->dir, i);
		g_assert_cmpint(lanlet_network_listen_stream(f->nets[i], f->paths[i], f->error, sizeof(f->error)), ==, 0);
	}
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	for (int i = 0; i < 2; i++) {
		lanlet_network_free(f->nets[i]);
		g_assert_false(g_file_test(f->paths[i], G_FILE_TEST_EXISTS));
		g_free(f->paths[i]);
		g_string_free(f->logs[i], TRUE);
	}
	g_assert_cmpint(g_rmdir(f->dir), ==, 0);
	g_free(f->dir);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	return fd;
}

/* Runs both networks until @fd can be read from. */
static void run_until_readable(struct fixture *f, int fd)
{
	for (int turn = 0; turn < TURNS_MAX; turn++) {
		struct pollfd p[3] = { { .fd = fd, .events = POLLIN } };
		for (int i = 0; i < 2; i++) {
			g_assert_cmpint(lanlet_network_dispatch(f->nets[i]), >=, 0);
			p[1 + i] = (struct pollfd){ .fd = lanlet_network_fd(f->nets[i]), .events = POLLIN };
		}
		g_assert_cmpint(poll(p, G_N_ELEMENTS(p), WAIT_MS), >, 0);
		if (p[0].revents)
			return;
	}
	g_assert_not_reached();
}

/* "Who has 10.77.2.1?", from 10.77.2.9, as QEMU frames it (RFC 826). */
static const guint8 question[] = {
	0, 0, 0, 42,   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 1, 8, 6, 0, 1,  8,  0, 6,
	4, 0, 1, 0x52, 0x54, 0,    0,    0,    1,    10,   77,   2,    9, 0, 0, 0, 0, 0, 0, 10, 77, 2, 1,
};

static void second_network_answers_for_itself(struct fixture *f, gconstpointer data)
{
	int fd = connect_to(f->paths[1]);
	g_assert_cmpint(write(fd, question, sizeof(question)), ==, sizeof(question));
	guint8 answer[2000];
	ssize_t n;
	/* The gateway may have something to say of its own first. */
	do {
		run_until_readable(f, fd);
		n = recv(fd, answer, 4, MSG_WAITALL);
		g_assert_cmpint(n, ==, 4);
		n = recv(fd, answer + 4, answer[2] << 8 | answer[3], MSG_WAITALL);
	} while (n < 42 || answer[4 + 13] != 6 || answer[4 + 21] != 2);
	static const guint8 sender[] = { 10, 77, 2, 1 };
	g_assert_cmpmem(answer + 4 + 28, 4, sender, 4);
	g_assert_null(strstr(f->logs[0]->str, "port stream"));
	g_assert_nonnull(strstr(f->logs[1]->str, "port stream"));
	close(fd);
}

static void socket_of_a_living_network_is_not_taken(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(lanlet_network_listen_stream(f->nets[0], f->paths[1], f->error, sizeof(f->error)), ==, -EADDRINUSE);
	g_assert_nonnull(strstr(f->error, f->paths[1]));
	close(connect_to(f->paths[1]));
}

static void contradiction_is_refused_with_a_reason(struct fixture *f, gconstpointer data)
{
	struct lanlet_config *config;
	struct lanlet_network *net = NULL;
	g_assert_cmpint(lanlet_config_new(&config), ==, 0);
	g_assert_cmpint(lanlet_config_set(config, "gateway", "10.0.0.1", f->error, sizeof(f->error)), ==, 0);
	g_assert_cmpint(lanlet_network_new(config, &net, f->error, sizeof(f->error)), ==, -EINVAL);
	g_assert_true(g_str_has_prefix(f->error, "gateway 10.0.0.1 "));
	g_assert_null(net);
	lanlet_config_free(config);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/embed/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(second_network_answers_for_itself);
	TEST(socket_of_a_living_network_is_not_taken);
	TEST(contradiction_is_refused_with_a_reason);
#undef TEST
	return g_test_run();
}
