/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of a CONNECT request of HTTP/1 (RFC 9110 §9.3.6, RFC 9112).  It has no content: what a client sends behind it is for whom
 * it wants to reach.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HTTP_CONNECT_HOST_SIZE 256u

struct http_connect {
	char host[HTTP_CONNECT_HOST_SIZE]; /* a name or an address, printable, not empty; IPv6 without its brackets */
	uint16_t port;
};

/*
 * Returns the length of the head, 0 while it is not there whole, -EOPNOTSUPP when it is of another method, and -EBADMSG as soon as it
 * can be none.
 */
int http_connect_parse(const char *bytes, size_t len, struct http_connect *ret);
