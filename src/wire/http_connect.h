/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of an HTTP/1 CONNECT request (RFC 9110 §9.3.6, RFC 9112).  The request has no content: the bytes behind the head are
 * for the destination.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HTTP_CONNECT_HOST_SIZE 256u

struct http_connect {
	char host[HTTP_CONNECT_HOST_SIZE]; /* a name or an address, printable, not empty; IPv6 without brackets */
	uint16_t port;
};

/*
 * Returns the length of the head, or 0 while it is incomplete.  -EOPNOTSUPP: another method.  -EBADMSG as soon as the bytes cannot
 * be an HTTP/1 request.
 */
int http_connect_parse(const char *bytes, size_t len, struct http_connect *ret);
