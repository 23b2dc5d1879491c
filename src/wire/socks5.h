/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SOCKS protocol version 5 (RFC 1928), the server's side.  Parsers return the length of the message, 0 while it is incomplete, or a
 * negative errno.  Bytes behind the message are not read.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define SOCKS5_VERSION 5u
#define SOCKS5_NAME_SIZE 256u /* 255 bytes and NUL */
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

/* The destination that a client asks for. */
struct socks5_request {
	uint8_t command;             /* enum socks5_command, or another value */
	char name[SOCKS5_NAME_SIZE]; /* printable; "" when the client gave an address */
	struct ip_addr address;
	uint16_t port;
};

/* The first message of a client; *@ret_none: it offers SOCKS5_METHOD_NONE.  -EBADMSG. */
int socks5_parse_greeting(const void *bytes, size_t len, bool *ret_none);
/* -EBADMSG; -EAFNOSUPPORT: unknown address type, so the length of the message is not known either. */
int socks5_parse_request(const void *bytes, size_t len, struct socks5_request *ret);

void socks5_emit_choice(struct bytes_writer *w, enum socks5_method method);
/* The bound address in the reply is always 0.0.0.0:0: clients of CONNECT do not need it. */
void socks5_emit_reply(struct bytes_writer *w, enum socks5_reply reply);
