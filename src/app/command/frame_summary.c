/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/frame_summary.h"

#include "base/addr.h"
#include "base/bytes.h"

#include <glib.h>

#define ETHERTYPE_IPV4 0x0800
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define BYTES_MAX 256u

static size_t bytes_of(const char *hex, guint8 ret[static BYTES_MAX])
{
	size_t n = 0;
	for (; n < BYTES_MAX && g_ascii_isxdigit(hex[0]) && g_ascii_isxdigit(hex[1]); hex += 2)
		ret[n++] = (guint8)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
	return n;
}

static struct mac get_mac(struct bytes_reader *r)
{
	struct mac mac;
	for (size_t i = 0; i < sizeof(mac.b); i++)
		mac.b[i] = bytes_get_u8(r);
	return mac;
}

static char *describe_ipv4(struct bytes_reader *r)
{
	char src[IP4_TEXT_SIZE], dst[IP4_TEXT_SIZE];
	size_t header_len = (size_t)(bytes_get_u8(r) & 15) * 4;
	bytes_skip(r, 8);
	guint8 protocol = bytes_get_u8(r);
	bytes_skip(r, 2);
	ip4_format(bytes_get_be32(r), src);
	ip4_format(bytes_get_be32(r), dst);
	if (r->failed || header_len < 20)
		return g_strdup("IPv4");
	bytes_skip(r, header_len - 20);
	guint16 src_port = bytes_get_be16(r), dst_port = bytes_get_be16(r);
	if (!r->failed && (protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP))
		return g_strdup_printf("%s %s:%u > %s:%u", protocol == PROTOCOL_TCP ? "tcp" : "udp", src, src_port, dst, dst_port);
	if (protocol == PROTOCOL_ICMP)
		return g_strdup_printf("icmp %s > %s", src, dst);
	return g_strdup_printf("protocol %u %s > %s", protocol, src, dst);
}

char *frame_summary(const char *hex)
{
	guint8 bytes[BYTES_MAX];
	char src_text[MAC_TEXT_SIZE], dst_text[MAC_TEXT_SIZE];
	struct bytes_reader r = bytes_reader(bytes, bytes_of(hex, bytes));
	struct mac dst = get_mac(&r), src = get_mac(&r);
	guint16 ethertype = bytes_get_be16(&r);
	if (r.failed)
		return g_strdup("");
	if (ethertype == ETHERTYPE_IPV4)
		return describe_ipv4(&r);
	return g_strdup_printf("%s > %s, ethertype %04x", mac_format(src, src_text), mac_format(dst, dst_text), ethertype);
}
