/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SOCKS protocol version 5 (RFC 1928) as a server reads it.  A message tells by itself where it ends, so what a client sends behind it
 * is left alone.  Parsers return its length, 0 while it is not there whole, or a negative errno.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define SOCKS5_VERSION 5u
#define SOCKS5_NAME_SIZE 256u /* a length of one byte, and NUL */
#define SOCKS5_CHOICE_LEN 2u
#define SOCKS5_REPLY_LEN 10u

enum socks5_method {
	SOCKS5_METHOD_NONE = 0x00, /* no authentication */
	SOCKS5_METHOD_REFUSED = 0xff,
};

enum socks5_command {
	SOCKS5_CONNECT = 1,
	SOCKS5_BIND = 2,
	SOCKS5_UDP_ASSOCIATE = 3,
};

enum socks5_reply {
	SOCKS5_SUCCEEDED = 0,
	SOCKS5_GENERAL_FAILURE = 1,
	SOCKS5_NOT_ALLOWED = 2,
	SOCKS5_NETWORK_UNREACHABLE = 3,
	SOCKS5_HOST_UNREACHABLE = 4,
	SOCKS5_REFUSED = 5,
	SOCKS5_TTL_EXPIRED = 6,
	SOCKS5_COMMAND_NOT_SUPPORTED = 7,
	SOCKS5_ADDRESS_NOT_SUPPORTED = 8,
};

/* Where a client wants to go. */
struct socks5_request {
	uint8_t command;             /* enum socks5_command, or another */
	char name[SOCKS5_NAME_SIZE]; /* printable, not empty; "": there is an address */
	struct ip_addr address;
	uint16_t port;
};

/* What a client begins with; *@ret_none: it offers to do without authentication.  -EBADMSG. */
int socks5_parse_greeting(const void *bytes, size_t len, bool *ret_none);
/* -EBADMSG; -EAFNOSUPPORT: addresses of this type are not known, so neither is where the message ends. */
int socks5_parse_request(const void *bytes, size_t len, struct socks5_request *ret);

void socks5_emit_choice(struct bytes_writer *w, enum socks5_method method);
/* What we are bound to is none of the client's business: all zeroes. */
void socks5_emit_reply(struct bytes_writer *w, enum socks5_reply reply);
