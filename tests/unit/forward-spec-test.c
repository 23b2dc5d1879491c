/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/forward_spec.h"

#include "base/macros.h"

#include <errno.h>
#include <glib.h>

static void each_way_of_writing_has_one_meaning(void)
{
	static const char *const pairs[][2] = {
		{ "tcp 8080 web:80", "tcp 127.0.0.1:8080 web:80" },
		{ "udp 53 10.0.0.7:5353", "udp 127.0.0.1:53 10.0.0.7:5353" },
		{ "tcp 0.0.0.0:22 52:54:0:12:34:56:22", "tcp 0.0.0.0:22 52:54:00:12:34:56:22" },
		{ "tcp [::1]:8000-8010 WEB:9000", "tcp [::1]:8000-8010 web:9000" },
		{ "tcp 80 [FD00::0:5]:80", "tcp 127.0.0.1:80 [fd00::5]:80" },
		{ "udp [::1]:53 [fe80::5054:ff:fe00:1]:53", "udp [::1]:53 [fe80::5054:ff:fe00:1]:53" },
		{ "tcp *:80-80 web:80", "tcp *:80 web:80" },
		{ "tcp [::]:80 web:80", "tcp *:80 web:80" },
		{ "tcp unix:/run/user/1000/web.sock web:80", "tcp unix:/run/user/1000/web.sock web:80" },
		{ "proxy 1080", "proxy 127.0.0.1:1080" },
		{ "proxy 127.5.0.1:1080", "proxy 127.5.0.1:1080" },
		{ "proxy [::1]:1080", "proxy [::1]:1080" },
		{ "proxy unix:/run/proxy", "proxy unix:/run/proxy" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct forward_spec s, again;
		char text[FORWARD_TEXT_SIZE];
		const char *why = NULL;
		g_assert_cmpint(forward_spec_parse(pairs[i][0], &s, &why), ==, 0);
		g_assert_cmpstr(forward_spec_format(&s, text), ==, pairs[i][1]);
		g_assert_cmpint(forward_spec_parse(text, &again, &why), ==, 0);
		g_assert_true(forward_spec_is_equal(&s, &again));
	}
}

static void invalid_forward_is_refused_with_a_reason(void)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "", NULL },
		{ "tcp", NULL },
		{ "tcp 80", NULL },
		{ "sctp 80 web:80", NULL },
		{ "tcp 80 web:80 more", NULL },
		{ "tcp 0 web:80", "a port is" },
		{ "tcp 65536 web:80", "a port is" },
		{ "tcp 80-79 web:80", "a range" },
		{ "tcp 1-1025 web:80", "a range" },
		{ "tcp 80- web:80", "a port is" },
		{ "tcp ::1:80 web:80", "in brackets" },
		{ "tcp localhost:80 web:80", "in brackets" },
		{ "tcp 80 web", "is missing" },
		{ "tcp 80 web:0", "the guest's ports" },
		{ "tcp 80-90 web:65530", "the guest's ports" },
		{ "tcp 80 :80", "a guest is" },
		{ "tcp 80 a.b:80", "a guest is" },
		{ "tcp 80 fd00::5:80", "in brackets" },
		{ "tcp 80 [web]:80", "in brackets" },
		{ "tcp 80 [10.0.0.7]:80", "in brackets" },
		{ "tcp 80 [fd00::5:80", "in brackets" },
		{ "tcp 80 []:80", "in brackets" },
		{ "tcp []:80 web:80", "in brackets" },
		{ "tcp unix:web.sock web:80", "absolute" },
		{ "udp unix:/web.sock web:80", "tcp only" },
		{ "proxy", NULL },
		{ "proxy 1080 web:80", NULL },
		{ "proxy *:1080", "loopback" },
		{ "proxy 192.0.2.1:1080", "loopback" },
		{ "proxy [fd00::1]:1080", "loopback" },
		{ "proxy 1080-1081", "one port" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct forward_spec s;
		const char *why = NULL;
		g_test_message("%s", wrong[i].text);
		g_assert_cmpint(forward_spec_parse(wrong[i].text, &s, &why), ==, -EINVAL);
		g_assert_true(!wrong[i].why || (why && strstr(why, wrong[i].why)));
	}
}

static void longest_forward_has_room_as_text(void)
{
	g_autofree char *path = g_strnfill(FORWARD_UNIX_PATH_SIZE - 2, 'p'), *name = g_strnfill(GUEST_NAME_SIZE - 1, 'n');
	g_autofree char *longest = g_strdup_printf("tcp unix:/%s %s:65535", path, name);
	g_autofree char *longer = g_strdup_printf("tcp unix:/%sp %s:65535", path, name);
	struct forward_spec s;
	char text[FORWARD_TEXT_SIZE];
	const char *why;
	g_assert_cmpint(forward_spec_parse(longest, &s, &why), ==, 0);
	g_assert_cmpstr(forward_spec_format(&s, text), ==, longest);
	g_assert_cmpint(forward_spec_parse(longer, &s, &why), ==, -EINVAL);
}

static void forwards_of_one_port_collide(void)
{
	static const struct {
		const char *a, *b;
		bool collide;
	} pairs[] = {
		{ "tcp 80 web:80", "tcp 80 other:80", true },
		{ "tcp 80 web:80", "udp 80 web:80", false },
		{ "tcp 80 web:80", "tcp 10.0.0.1:80 web:80", false },
		{ "tcp 80 web:80", "tcp *:80 web:80", true },
		{ "tcp 80-90 web:80", "tcp 90-95 web:80", true },
		{ "tcp 80-90 web:80", "tcp 91-95 web:80", false },
		{ "tcp unix:/a web:80", "tcp unix:/a web:81", true },
		{ "tcp unix:/a web:80", "tcp 80 web:81", false },
		{ "proxy 80", "tcp *:80 web:81", true },
		{ "proxy 80", "udp 80 web:81", false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct forward_spec a, b;
		const char *why;
		g_assert_cmpint(forward_spec_parse(pairs[i].a, &a, &why), ==, 0);
		g_assert_cmpint(forward_spec_parse(pairs[i].b, &b, &why), ==, 0);
		g_assert_cmpint(forward_spec_collides(&a, &b), ==, pairs[i].collide);
		g_assert_cmpint(forward_spec_collides(&b, &a), ==, pairs[i].collide);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/forward-spec/each_way_of_writing_has_one_meaning", each_way_of_writing_has_one_meaning);
	g_test_add_func("/forward-spec/invalid_forward_is_refused_with_a_reason", invalid_forward_is_refused_with_a_reason);
	g_test_add_func("/forward-spec/longest_forward_has_room_as_text", longest_forward_has_room_as_text);
	g_test_add_func("/forward-spec/forwards_of_one_port_collide", forwards_of_one_port_collide);
	return g_test_run();
}
