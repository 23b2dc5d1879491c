/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/icmp6.h"

#include "wire/checksum.h"
#include "wire/ipv6.h"

#include <errno.h>

#define CHECKSUM_AT 2

int icmp6_parse(const uint8_t *message, size_t len, const struct ip_addr *src, const struct ip_addr *dst, struct icmp6_header *ret)
{
	struct bytes_reader r = bytes_reader(message, len);
	struct icmp6_header h = { .type = bytes_get_u8(&r) };
	h.code = bytes_get_u8(&r);
	bytes_skip(&r, 2);
	h.rest = bytes_get_be32(&r);
	if (r.failed)
		return -EBADMSG;
	struct checksum c = { 0 };
	checksum_add_pseudo6(&c, src, dst, IPV6_NEXT_ICMP, (uint32_t)len);
	checksum_add(&c, message, len);
	if (!checksum_is_right(&c))
		return -EBADMSG;
	*ret = h;
	return 0;
}

void icmp6_emit(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, const struct icmp6_header *h,
		const void *body, size_t len)
{
	size_t start = w->len;
	bytes_put_u8(w, h->type);
	bytes_put_u8(w, h->code);
	bytes_put_be16(w, 0);
	bytes_put_be32(w, h->rest);
	bytes_put(w, body, len);
	if (w->failed)
		return;
	struct checksum c = { 0 };
	checksum_add_pseudo6(&c, src, dst, IPV6_NEXT_ICMP, (uint32_t)(ICMP6_HEADER_LEN + len));
	checksum_add(&c, w->data + start, ICMP6_HEADER_LEN + len);
	struct bytes_writer field = bytes_writer(w->data + start + CHECKSUM_AT, 2);
	bytes_put_be16(&field, checksum_value(&c));
}
