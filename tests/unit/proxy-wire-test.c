/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of proxy clients: SOCKS 5 (RFC 1928) and HTTP CONNECT (RFC 9110 §9.3.6). */
#include "base/macros.h"
#include "wire/http_connect.h"
#include "wire/socks5.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

/* --- SOCKS --- */

static void greeting_ends_after_its_methods(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		int result;
		bool none;
	} cases[] = {
		{ "", 0, 0, false },
		{ "\x05", 1, 0, false },
		{ "\x05\x02\x00", 3, 0, false },
		{ "\x05\x01\x00", 3, 3, true },
		{ "\x05\x02\x02\x00more", 8, 4, true },
		{ "\x05\x02\x01\x02", 4, 4, false },
		{ "\x05\x00", 2, 2, false },
		{ "\x04\x01", 2, -EBADMSG, false },
		{ "\x04", 1, -EBADMSG, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool none = false;
		g_assert_cmpint(socks5_parse_greeting(cases[i].bytes, cases[i].len, &none), ==, cases[i].result);
		g_assert_cmpint(none, ==, cases[i].none);
	}
}

static int parse(const void *bytes, size_t len, struct socks5_request *ret)
{
	/* One byte less is incomplete, and bytes behind it are not read. */
	int n = socks5_parse_request(bytes, len, ret);
	for (int i = 0; i < n; i++) {
		struct socks5_request q;
		g_assert_cmpint(socks5_parse_request(bytes, (size_t)i, &q), ==, 0);
	}
	return n;
}

static void request_names_the_destination(void)
{
	struct socks5_request q;
	char text[IP_TEXT_SIZE];
	g_assert_cmpint(parse("\x05\x01\x00\x01\xc0\xa8\x7a\x32\x00\x16", 10, &q), ==, 10);
	g_assert_cmpstr(q.name, ==, "");
	g_assert_cmpstr(ip_format(&q.address, text), ==, "192.168.122.50");
	g_assert_cmpuint(q.port, ==, 22);
	g_assert_cmpuint(q.command, ==, SOCKS5_CONNECT);
	g_assert_cmpint(parse("\x05\x01\x00\x03\x03web\x00\x50more", 14, &q), ==, 10);
	g_assert_cmpstr(q.name, ==, "web");
	g_assert_cmpuint(q.port, ==, 80);
	static const uint8_t v6[] = { 5, 2, 0, 4, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1f, 0x90 };
	g_assert_cmpint(parse(v6, sizeof(v6), &q), ==, sizeof(v6));
	g_assert_cmpstr(ip_format(&q.address, text), ==, "fd00::1");
	g_assert_cmpuint(q.port, ==, 8080);
	g_assert_cmpuint(q.command, ==, SOCKS5_BIND);
}

static void longest_name_fits(void)
{
	uint8_t bytes[4 + 1 + 255 + 2] = { 5, 1, 0, 3, 255 };
	struct socks5_request q;
	memset(bytes + 5, 'a', 255);
	g_assert_cmpint(parse(bytes, sizeof(bytes), &q), ==, sizeof(bytes));
	g_assert_cmpuint(strlen(q.name), ==, 255);
}

static void invalid_requests_are_refused(void)
{
	struct socks5_request q;
	g_assert_cmpint(parse("\x04\x01\x00\x01", 4, &q), ==, -EBADMSG);
	g_assert_cmpint(parse("\x05\x01\x00\x03\x00\x00\x50", 7, &q), ==, -EBADMSG);
	g_assert_cmpint(parse("\x05\x01\x00\x03\x03w\0b\x00\x50", 10, &q), ==, -EBADMSG);
	g_assert_cmpint(parse("\x05\x01\x00\x03\x03w b\x00\x50", 10, &q), ==, -EBADMSG);
	g_assert_cmpint(parse("\x05\x01\x00\x03\x03w\x7f"
			      "b\x00\x50",
			      10, &q),
			==, -EBADMSG);
	g_assert_cmpint(parse("\x05\x01\x00\x02", 4, &q), ==, -EAFNOSUPPORT);
}

static void replies_have_the_format_of_the_rfc(void)
{
	uint8_t bytes[SOCKS5_REPLY_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	socks5_emit_choice(&w, SOCKS5_METHOD_REFUSED);
	g_assert_cmpmem(bytes, w.len, "\x05\xff", 2);
	w = bytes_writer(bytes, sizeof(bytes));
	socks5_emit_reply(&w, SOCKS5_REFUSED);
	g_assert_cmpmem(bytes, w.len, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", 10);
}

/* --- HTTP --- */

static void connect_names_host_and_port(void)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} cases[] = {
		{ "CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\nUser-Agent: x y\r\n\r\n", "web", 80 },
		{ "CONNECT 192.168.122.50:22 HTTP/1.0\r\n\r\n", "192.168.122.50", 22 },
		{ "CONNECT [fd00::1]:443 HTTP/1.1\r\n\r\n", "fd00::1", 443 },
		{ "CONNECT web:80 HTTP/1.1\nHost: web\n\n", "web", 80 },
		{ "CONNECT web:65535 HTTP/1.1\r\nEmpty:\r\nBytes: \xc3\xa4\r\n\r\n", "web", 65535 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http_connect q;
		g_autofree char *more = g_strconcat(cases[i].text, "more", NULL);
		size_t len = strlen(cases[i].text);
		g_assert_cmpint(http_connect_parse(more, strlen(more), &q), ==, len);
		g_assert_cmpstr(q.host, ==, cases[i].host);
		g_assert_cmpuint(q.port, ==, cases[i].port);
		for (size_t k = 0; k < len; k++)
			g_assert_cmpint(http_connect_parse(more, k, &q), ==, 0);
	}
}

static void other_methods_are_distinguished_from_invalid_requests(void)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "GET http://web/ HTTP/1.1\r\nHost: web\r\n\r\n", -EOPNOTSUPP },
		{ "GET http://web/ HTTP/1.1\r\n", 0 },
		{ "connect web:80 HTTP/1.1\r\n\r\n", -EOPNOTSUPP },
		{ "CONNECT web HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT web: HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT :80 HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT web:0 HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT web:65536 HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT web:80x HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT web:000080 HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT web:4294967376 HTTP/1.1\r\n\r\n", -EBADMSG }, /* 2^32 + 80 */
		{ "CONNECT fd00::1:80 HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT user@web:80 HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT http://web:80 HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT web:80 HTTP/2.0\r\n\r\n", -EBADMSG },
		{ "CONNECT web:80\r\n\r\n", -EBADMSG },
		{ "CONNECT  web:80 HTTP/1.1\r\n\r\n", -EBADMSG },
		{ "CONNECT web:80 HTTP/1.1\r\nA : b\r\n\r\n", -EBADMSG },
		{ "CONNECT web:80 HTTP/1.1\r\nA: b\r\n c\r\n\r\n", -EBADMSG },
		{ "CONNECT web:80 HTTP/1.1\r\nA: b\rc\r\n\r\n", -EBADMSG },
		{ "CONNECT web:80 HTTP/1.1\r\nA: b\x7f\r\n\r\n", -EBADMSG },
		{ "\x16\x03\x01", -EBADMSG },
		{ " CONNECT", -EBADMSG },
		{ "\r\n", -EBADMSG },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http_connect q;
		g_test_message("%s", cases[i].text);
		g_assert_cmpint(http_connect_parse(cases[i].text, strlen(cases[i].text), &q), ==, cases[i].result);
	}
	g_autofree char *host = g_strnfill(HTTP_CONNECT_HOST_SIZE, 'a'), *text = g_strdup_printf("CONNECT %s:80 HTTP/1.1\r\n\r\n", host);
	struct http_connect q;
	g_assert_cmpint(http_connect_parse(text, strlen(text), &q), ==, -EBADMSG);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/proxy-wire/" #name, name)
	TEST(greeting_ends_after_its_methods);
	TEST(request_names_the_destination);
	TEST(longest_name_fits);
	TEST(invalid_requests_are_refused);
	TEST(replies_have_the_format_of_the_rfc);
	TEST(connect_names_host_and_port);
	TEST(other_methods_are_distinguished_from_invalid_requests);
	return g_test_run();
}
