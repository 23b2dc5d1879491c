/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/socks5.h"

#include <errno.h>

enum address_type {
	ADDRESS_IPV4 = 1,
	ADDRESS_NAME = 3,
	ADDRESS_IPV6 = 4,
};

int socks5_parse_greeting(const void *bytes, size_t len, bool *ret_none)
{
	struct bytes_reader r = bytes_reader(bytes, len);
	bool none = false;
	if (bytes_get_u8(&r) != SOCKS5_VERSION && !r.failed)
		return -EBADMSG;
	uint8_t n = bytes_get_u8(&r);
	for (unsigned i = 0; i < n; i++)
		none |= bytes_get_u8(&r) == SOCKS5_METHOD_NONE && !r.failed;
	if (r.failed)
		return 0;
	*ret_none = none;
	return (int)(len - r.left);
}

static bool is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0;
}

/* An incomplete name is not invalid yet. */
static int get_name(struct bytes_reader *r, struct socks5_request *q)
{
	uint8_t len = bytes_get_u8(r);
	bytes_get(r, q->name, len);
	q->name[len] = '\0';
	return r->failed || is_printable(q->name, len) ? 0 : -EBADMSG;
}

static int get_address(struct bytes_reader *r, struct socks5_request *q)
{
	uint8_t type = bytes_get_u8(r);
	if (r->failed)
		return 0;
	switch (type) {
	case ADDRESS_IPV4: q->address = ip_from_ip4(bytes_get_be32(r)); return 0;
	case ADDRESS_IPV6: bytes_get(r, q->address.b, sizeof(q->address.b)); return 0;
	case ADDRESS_NAME: return get_name(r, q);
	default: return -EAFNOSUPPORT;
	}
}

int socks5_parse_request(const void *bytes, size_t len, struct socks5_request *ret)
{
	struct bytes_reader r = bytes_reader(bytes, len);
	struct socks5_request q = { 0 };
	if (bytes_get_u8(&r) != SOCKS5_VERSION && !r.failed)
		return -EBADMSG;
	q.command = bytes_get_u8(&r);
	bytes_skip(&r, 1); /* reserved */
	int e = get_address(&r, &q);
	if (e < 0)
		return e;
	q.port = bytes_get_be16(&r);
	if (r.failed)
		return 0;
	*ret = q;
	return (int)(len - r.left);
}

void socks5_emit_choice(struct bytes_writer *w, enum socks5_method method)
{
	bytes_put_u8(w, SOCKS5_VERSION);
	bytes_put_u8(w, (uint8_t)method);
}

void socks5_emit_reply(struct bytes_writer *w, enum socks5_reply reply)
{
	bytes_put_u8(w, SOCKS5_VERSION);
	bytes_put_u8(w, (uint8_t)reply);
	bytes_put_u8(w, 0);
	bytes_put_u8(w, ADDRESS_IPV4);
	bytes_put_zeros(w, 6);
}
