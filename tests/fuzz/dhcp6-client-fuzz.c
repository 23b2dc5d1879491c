/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile advertisements and answers to the IPv6 client.  Input: records of u8 control (bit 0: put the right transaction id and the
 * client's DUID in and correct the checksum), u8 seconds that pass before, be16 length, frame.
 */
#include "base/macros.h"
#include "repair.h"
#include "service/dhcp6/client.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_AT (ETH_HEADER_LEN + IPV6_HEADER_LEN + 8)
#define DUID_AT (MESSAGE_AT + 8) /* when it is the first option */

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void sent(void *opaque, const void *frame, size_t len)
{
	check(len >= ETH_HEADER_LEN + IPV6_HEADER_LEN && len <= 1514);
}

static void changed(void *opaque, const struct dhcp6_client_state *s)
{
	check(s->n_dns <= DHCP6_DNS_MAX && strlen(s->domain) <= DHCP6_CLIENT_DOMAIN_MAX && !strpbrk(s->domain, "\n #;"));
	check(!ipv6_is_multicast(&s->address) && !ip_is_v4(&s->address));
}

static void mend(const struct dhcp6_client *c, uint8_t *frame, size_t len)
{
	if (len >= DUID_AT + c->duid.len) {
		struct bytes_writer xid = bytes_writer(frame + MESSAGE_AT + 1, 3), duid = bytes_writer(frame + DUID_AT, c->duid.len);
		bytes_put_u8(&xid, (uint8_t)(c->xid >> 16));
		bytes_put_be16(&xid, (uint16_t)c->xid);
		if (frame[ETH_HEADER_LEN + IPV6_NEXT_HEADER_AT] == IP_PROTOCOL_UDP)
			bytes_put(&duid, c->duid.bytes, c->duid.len);
	}
	repair_ipv6_checksum(frame, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dhcp6_client_ops ops = { sent, changed };
	struct dhcp6_client c;
	dhcp6_client_init(&c, &(struct dhcp6_client_config){ .mac = { { 2, 0, 0, 0, 0, 2 } }, .name = "web", .ops = &ops });
	usec_t now = USEC_PER_SEC;
	dhcp6_client_start(&c, now);
	struct bytes_reader r = bytes_reader(data, size);
	while (r.left > 0) {
		uint8_t control = bytes_get_u8(&r);
		now += bytes_get_u8(&r) * USEC_PER_SEC;
		if (dhcp6_client_deadline(&c) <= now)
			dhcp6_client_expire(&c, now);
		check(dhcp6_client_deadline(&c) > now);
		size_t len = bytes_get_be16(&r);
		len = MIN(len, r.left);
		const uint8_t *bytes = bytes_take(&r, len);
		uint8_t *frame = bytes && len > 0 ? malloc(len) : NULL;
		if (!frame)
			break;
		memcpy(frame, bytes, len);
		if (control & 1)
			mend(&c, frame, len);
		dhcp6_client_input(&c, now, frame, len);
		free(frame);
	}
	dhcp6_client_release(&c, now);
	return 0;
}
