/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/eth.h"

#include <errno.h>

int eth_parse(struct bytes_reader *r, struct eth_header *ret)
{
	const uint8_t *bytes = bytes_take(r, ETH_HEADER_LEN);
	if (!bytes)
		return -EBADMSG;
	*ret = eth_header_at(bytes);
	return 0;
}

int eth_parse_tagged(struct bytes_reader *r, struct eth_header *ret)
{
	struct eth_header h;
	if (eth_parse(r, &h) < 0)
		return -EBADMSG;
	for (int tags = 0; tags < ETH_TAGS_MAX && eth_is_tag(h.ethertype); tags++) {
		bytes_skip(r, 2); /* priority, drop eligible, VLAN id */
		h.ethertype = bytes_get_be16(r);
	}
	if (r->failed)
		return -EBADMSG;
	*ret = h;
	return 0;
}

void eth_emit(struct bytes_writer *w, const struct eth_header *h)
{
	uint8_t *bytes = bytes_room(w, ETH_HEADER_LEN);
	if (!bytes)
		return;
	struct bytes_writer fixed = bytes_writer(bytes, ETH_HEADER_LEN);
	bytes_put(&fixed, h->dst.b, sizeof(h->dst.b));
	bytes_put(&fixed, h->src.b, sizeof(h->src.b));
	bytes_put_be16(&fixed, h->ethertype);
}
