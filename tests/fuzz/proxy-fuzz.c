/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a proxy's client sends.  What is understood means the same without what follows it, does not exist with a byte less, and
 * has a name that can be shown.
 */
#include "wire/http_connect.h"
#include "wire/socks5.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_name(const char *name, size_t size)
{
	size_t len = strnlen(name, size);
	check(len < size);
	for (size_t i = 0; i < len; i++)
		check(name[i] > ' ' && name[i] <= '~');
}

static void greeting(const uint8_t *data, size_t size)
{
	bool none, again;
	int n = socks5_parse_greeting(data, size, &none);
	check(n <= (int)size && (n >= 0 || n == -EBADMSG));
	if (n <= 0)
		return;
	check(socks5_parse_greeting(data, (size_t)n, &again) == n && again == none);
	check(socks5_parse_greeting(data, (size_t)n - 1, &again) == 0);
}

static void request(const uint8_t *data, size_t size)
{
	struct socks5_request q, again;
	int n = socks5_parse_request(data, size, &q);
	check(n <= (int)size && (n >= 0 || n == -EBADMSG || n == -EAFNOSUPPORT));
	if (n <= 0)
		return;
	check_name(q.name, sizeof(q.name));
	check(socks5_parse_request(data, (size_t)n, &again) == n && strcmp(again.name, q.name) == 0 && again.port == q.port &&
	      ip_equal(&again.address, &q.address));
	check(socks5_parse_request(data, (size_t)n - 1, &again) == 0);
}

static void connect_head(const char *data, size_t size)
{
	struct http_connect q, again;
	int n = http_connect_parse(data, size, &q);
	check(n <= (int)size && (n >= 0 || n == -EBADMSG || n == -EOPNOTSUPP));
	if (n <= 0)
		return;
	check_name(q.host, sizeof(q.host));
	check(q.host[0] != '\0' && q.port != 0);
	check(http_connect_parse(data, (size_t)n, &again) == n && strcmp(again.host, q.host) == 0 && again.port == q.port);
	check(http_connect_parse(data, (size_t)n - 1, &again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	greeting(data, size);
	request(data, size);
	connect_head((const char *)data, size);
	return 0;
}
