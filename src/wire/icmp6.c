/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/icmp6.h"

#include "wire/checksum.h"
#include "wire/ipv6.h"

#define CHECKSUM_AT 2

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
