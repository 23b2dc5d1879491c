/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile answers to the DHCP client.  Input: records of u8 control (bit 0: put the right transaction id in and correct the IPv4
 * checksum), u8 seconds that pass before, be16 length, frame.
 */
#include "base/macros.h"
#include "repair.h"
#include "service/dhcp/client.h"
#include "wire/dhcp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define XID_AT (14 + 20 + 8 + 4)

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void sent(void *opaque, const void *frame, size_t len)
{
	check(len >= DHCP_LEN_MIN && len <= 14 + DHCP_DATAGRAM_MIN + 28);
}

static void bound(void *opaque, const struct dhcp_client_lease *l)
{
	check(l->address != 0 && l->prefix_length <= 32 && l->n_dns <= DHCP_CLIENT_DNS_MAX && l->lease_s > 0);
	check(strlen(l->domain) <= DHCP_CLIENT_DOMAIN_MAX && !strchr(l->domain, '\n'));
}

static void lost(void *opaque)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dhcp_client_ops ops = { .send = sent, .bound = bound, .lost = lost };
	struct dhcp_client c;
	dhcp_client_init(&c, &(struct dhcp_client_config){ .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } }, .name = "web", .ops = &ops });
	usec_t now = USEC_PER_SEC;
	dhcp_client_start(&c, now);
	struct bytes_reader r = bytes_reader(data, size);
	while (r.left > 0) {
		uint8_t control = bytes_get_u8(&r);
		now += bytes_get_u8(&r) * USEC_PER_SEC;
		if (dhcp_client_deadline(&c) <= now)
			dhcp_client_expire(&c, now);
		check(dhcp_client_deadline(&c) > now);
		size_t len = bytes_get_be16(&r);
		len = MIN(len, r.left);
		const uint8_t *bytes = bytes_take(&r, len);
		uint8_t *frame = bytes && len > 0 ? malloc(len) : NULL;
		if (!frame)
			break;
		memcpy(frame, bytes, len);
		if (control & 1 && len >= XID_AT + 4) {
			struct bytes_writer w = bytes_writer(frame + XID_AT, 4);
			bytes_put_be32(&w, c.xid);
			repair_ipv4_checksum(frame, len);
		}
		dhcp_client_input(&c, now, frame, len);
		free(frame);
	}
	dhcp_client_release(&c, now);
	return 0;
}
