/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of VDE clients, as libvdeplug and older ones send them. */
#include "base/bytes.h"
#include "link/vde/request.h"

#include <errno.h>
#include <glib.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PATH "/run/user/1000/lanlet/default/vde/.00042-00000"
#define FIXED_V3 (12 + VDE_ADDRESS_LEN)
#define FIXED_V1 (8 + 6 + VDE_ADDRESS_LEN)

static void put_u32(struct bytes_writer *w, uint32_t v)
{
	bytes_put(w, &v, sizeof(v));
}

static void put_address(struct bytes_writer *w, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(a.sun_path, path, MIN(strlen(path) + 1, sizeof(a.sun_path)));
	bytes_put(w, &a, sizeof(a));
}

static size_t make_v3(uint8_t bytes[static VDE_REQUEST_SIZE], uint32_t version, uint32_t type, const char *path, const char *description)
{
	struct bytes_writer w = bytes_writer(bytes, VDE_REQUEST_SIZE);
	put_u32(&w, VDE_MAGIC);
	put_u32(&w, version);
	put_u32(&w, type);
	put_address(&w, path);
	bytes_put(&w, description, strlen(description));
	g_assert_false(w.failed);
	return w.len;
}

static size_t make_v1(uint8_t bytes[static VDE_REQUEST_SIZE], uint32_t type, const char *path, const char *description)
{
	struct bytes_writer w = bytes_writer(bytes, VDE_REQUEST_SIZE);
	put_u32(&w, VDE_MAGIC);
	put_u32(&w, type);
	bytes_put(&w, "\x52\x54\0\x12\x34\x56", 6);
	put_address(&w, path);
	bytes_put(&w, description, strlen(description));
	return w.len;
}

/* What the parser says of exactly these bytes: an address sanitizer sees it read behind them. */
static int parse(const uint8_t *bytes, size_t len, struct vde_request *ret)
{
	g_autofree uint8_t *copy = g_memdup2(bytes, len);
	return vde_request_parse(copy, len, ret);
}

static void version_3_is_read(void)
{
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct vde_request q;
	g_assert_cmpint(parse(bytes, make_v3(bytes, 3, 0, PATH, "QEMU user=me PID=42"), &q), ==, 0);
	g_assert_cmpuint(q.version, ==, 3);
	g_assert_cmpuint(q.port, ==, 0);
	g_assert_cmpstr(q.path, ==, PATH);
	g_assert_cmpstr(q.description, ==, "QEMU user=me PID=42");
}

static void version_1_is_read(void)
{
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct vde_request q;
	for (uint32_t type = 0; type < 2; type++) {
		g_assert_cmpint(parse(bytes, make_v1(bytes, type, PATH, "UML"), &q), ==, 0);
		g_assert_cmpuint(q.version, ==, 1);
		g_assert_cmpuint(q.port, ==, 0);
		g_assert_cmpstr(q.path, ==, PATH);
		g_assert_cmpstr(q.description, ==, "UML");
	}
}

static void wanted_port_is_in_the_upper_bytes_of_the_type(void)
{
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct vde_request q;
	g_assert_cmpint(parse(bytes, make_v3(bytes, 3, 7 << 8, PATH, ""), &q), ==, 0);
	g_assert_cmpuint(q.port, ==, 7);
	g_assert_cmpint(parse(bytes, make_v3(bytes, 3, 0xffffff00, PATH, ""), &q), ==, 0);
	g_assert_cmpuint(q.port, ==, 0xffffff);
}

static void beginning_of_a_request_waits_for_the_rest(void)
{
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct vde_request q = { .version = 99 };
	make_v3(bytes, 3, 0, PATH, "x");
	for (size_t len = 0; len < FIXED_V3; len++)
		g_assert_cmpint(parse(bytes, len, &q), ==, -EAGAIN);
	make_v1(bytes, 0, PATH, "x");
	for (size_t len = 0; len < FIXED_V1; len++)
		g_assert_cmpint(parse(bytes, len, &q), ==, -EAGAIN);
	g_assert_cmpuint(q.version, ==, 99);
	g_assert_cmpint(parse(bytes, FIXED_V1, &q), ==, 0);
}

static void other_versions_and_types_are_refused(void)
{
	static const uint32_t versions[] = { 2, 4, 255, 256, 0xffffffff };
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct vde_request q = { .version = 99 };
	for (size_t i = 0; i < G_N_ELEMENTS(versions); i++)
		g_assert_cmpint(parse(bytes, make_v3(bytes, versions[i], 0, PATH, ""), &q), ==, -EPROTONOSUPPORT);
	g_assert_cmpint(parse(bytes, make_v3(bytes, 3, 2, PATH, ""), &q), ==, -EPROTONOSUPPORT);
	g_assert_cmpint(parse(bytes, make_v3(bytes, 3, 0xff, PATH, ""), &q), ==, -EPROTONOSUPPORT);
	g_assert_cmpuint(q.version, ==, 99);
}

static void wrong_magic_is_refused(void)
{
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct vde_request q;
	size_t len = make_v3(bytes, 3, 0, PATH, "");
	bytes[0] ^= 1;
	g_assert_cmpint(parse(bytes, len, &q), ==, -EBADMSG);
	g_assert_cmpint(parse(bytes, 8, &q), ==, -EBADMSG);
}

static void path_must_be_absolute_named_and_end(void)
{
	static const char *const bad[] = { "", "relative/path", "." };
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct vde_request q;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(parse(bytes, make_v3(bytes, 3, 0, bad[i], ""), &q), ==, -EBADMSG);
	char longest[VDE_PATH_SIZE + 1];
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[VDE_PATH_SIZE - 1] = '\0';
	g_assert_cmpint(parse(bytes, make_v3(bytes, 3, 0, longest, ""), &q), ==, 0);
	g_assert_cmpstr(q.path, ==, longest);
	longest[VDE_PATH_SIZE - 1] = 'x';
	longest[VDE_PATH_SIZE] = '\0';
	g_assert_cmpint(parse(bytes, make_v3(bytes, 3, 0, longest, ""), &q), ==, -EBADMSG);
	size_t len = make_v3(bytes, 3, 0, PATH, "");
	bytes[12] = AF_INET;
	g_assert_cmpint(parse(bytes, len, &q), ==, -EBADMSG);
}

static void description_is_printable_and_bounded(void)
{
	uint8_t bytes[VDE_REQUEST_SIZE];
	struct vde_request q;
	g_assert_cmpint(parse(bytes, make_v3(bytes, 3, 0, PATH, "a\x1b[2Jb\xff\n"), &q), ==, 0);
	g_assert_cmpstr(q.description, ==, "a?[2Jb??");
	size_t len = make_v3(bytes, 3, 0, PATH, "");
	memset(bytes + len, 'd', VDE_DESCRIPTION_MAX + 1);
	g_assert_cmpint(parse(bytes, len + VDE_DESCRIPTION_MAX, &q), ==, 0);
	g_assert_cmpuint(strlen(q.description), ==, VDE_DESCRIPTION_MAX);
	g_assert_cmpint(parse(bytes, len + VDE_DESCRIPTION_MAX + 1, &q), ==, -EBADMSG);
	memset(bytes + len, 0, VDE_DESCRIPTION_MAX);
	g_assert_cmpint(parse(bytes, len + VDE_DESCRIPTION_MAX, &q), ==, 0);
	g_assert_cmpstr(q.description, ==, "");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vde-request/version_3_is_read", version_3_is_read);
	g_test_add_func("/vde-request/version_1_is_read", version_1_is_read);
	g_test_add_func("/vde-request/wanted_port_is_in_the_upper_bytes_of_the_type", wanted_port_is_in_the_upper_bytes_of_the_type);
	g_test_add_func("/vde-request/beginning_of_a_request_waits_for_the_rest", beginning_of_a_request_waits_for_the_rest);
	g_test_add_func("/vde-request/other_versions_and_types_are_refused", other_versions_and_types_are_refused);
	g_test_add_func("/vde-request/wrong_magic_is_refused", wrong_magic_is_refused);
	g_test_add_func("/vde-request/path_must_be_absolute_named_and_end", path_must_be_absolute_named_and_end);
	g_test_add_func("/vde-request/description_is_printable_and_bounded", description_is_printable_and_bounded);
	return g_test_run();
}
