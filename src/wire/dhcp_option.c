/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/dhcp_option.h"

#include "base/addr.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "wire/dhcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_SIZE 256u /* of one address, number, domain or prefix, as text with its NUL */

static const struct {
	uint8_t code;
	uint8_t kind;
	const char *name;
} options[] = {
	{ 1, DHCP_KIND_ADDRESS, "subnet-mask" },
	{ 2, DHCP_KIND_U32, "time-offset" },
	{ 3, DHCP_KIND_ADDRESSES, "router" },
	{ 4, DHCP_KIND_ADDRESSES, "time-server" },
	{ 6, DHCP_KIND_ADDRESSES, "dns-server" },
	{ 7, DHCP_KIND_ADDRESSES, "log-server" },
	{ 9, DHCP_KIND_ADDRESSES, "lpr-server" },
	{ 12, DHCP_KIND_TEXT, "hostname" },
	{ 13, DHCP_KIND_U16, "boot-file-size" },
	{ 15, DHCP_KIND_TEXT, "domain-name" },
	{ 16, DHCP_KIND_ADDRESS, "swap-server" },
	{ 17, DHCP_KIND_TEXT, "root-path" },
	{ 18, DHCP_KIND_TEXT, "extension-path" },
	{ 19, DHCP_KIND_FLAG, "ip-forward-enable" },
	{ 20, DHCP_KIND_FLAG, "non-local-source-routing" },
	{ 21, DHCP_KIND_ADDRESSES, "policy-filter" },
	{ 22, DHCP_KIND_U16, "max-datagram-reassembly" },
	{ 23, DHCP_KIND_U8, "default-ttl" },
	{ 26, DHCP_KIND_U16, "mtu" },
	{ 27, DHCP_KIND_FLAG, "all-subnets-local" },
	{ 28, DHCP_KIND_ADDRESS, "broadcast" },
	{ 31, DHCP_KIND_FLAG, "router-discovery" },
	{ 32, DHCP_KIND_ADDRESS, "router-solicitation" },
	{ 33, DHCP_KIND_ADDRESSES, "static-route" },
	{ 34, DHCP_KIND_FLAG, "trailer-encapsulation" },
	{ 35, DHCP_KIND_U32, "arp-timeout" },
	{ 36, DHCP_KIND_FLAG, "ethernet-encap" },
	{ 37, DHCP_KIND_U8, "tcp-ttl" },
	{ 38, DHCP_KIND_U32, "tcp-keepalive" },
	{ 40, DHCP_KIND_TEXT, "nis-domain" },
	{ 41, DHCP_KIND_ADDRESSES, "nis-server" },
	{ 42, DHCP_KIND_ADDRESSES, "ntp-server" },
	{ 43, DHCP_KIND_BYTES, "vendor-encap" },
	{ 44, DHCP_KIND_ADDRESSES, "netbios-ns" },
	{ 45, DHCP_KIND_ADDRESSES, "netbios-dd" },
	{ 46, DHCP_KIND_U8, "netbios-nodetype" },
	{ 47, DHCP_KIND_TEXT, "netbios-scope" },
	{ 48, DHCP_KIND_ADDRESSES, "x-windows-fs" },
	{ 49, DHCP_KIND_ADDRESSES, "x-windows-dm" },
	{ 58, DHCP_KIND_U32, "t1" },
	{ 59, DHCP_KIND_U32, "t2" },
	{ 60, DHCP_KIND_TEXT, "vendor-class" },
	{ 64, DHCP_KIND_TEXT, "nis+-domain" },
	{ 65, DHCP_KIND_ADDRESSES, "nis+-server" },
	{ 66, DHCP_KIND_TEXT, "tftp-server" },
	{ 67, DHCP_KIND_TEXT, "bootfile-name" },
	{ 68, DHCP_KIND_ADDRESSES, "mobile-ip-home" },
	{ 69, DHCP_KIND_ADDRESSES, "smtp-server" },
	{ 70, DHCP_KIND_ADDRESSES, "pop3-server" },
	{ 71, DHCP_KIND_ADDRESSES, "nntp-server" },
	{ 74, DHCP_KIND_ADDRESSES, "irc-server" },
	{ 100, DHCP_KIND_TEXT, "posix-timezone" },
	{ 101, DHCP_KIND_TEXT, "tzdb-timezone" },
	{ 108, DHCP_KIND_U32, "ipv6-only" },
	{ 114, DHCP_KIND_TEXT, "captive-portal" },
	{ 119, DHCP_KIND_DOMAINS, "domain-search" },
	{ 121, DHCP_KIND_ROUTES, "classless-static-route" },
	{ 150, DHCP_KIND_ADDRESSES, "tftp-server-address" },
	{ 175, DHCP_KIND_BYTES, "ipxe-encap" },
	{ 209, DHCP_KIND_TEXT, "pxe-config-file" },
	{ 210, DHCP_KIND_TEXT, "pxe-path-prefix" },
	{ 211, DHCP_KIND_U32, "pxe-reboot-time" },
	{ 249, DHCP_KIND_ROUTES, "ms-classless-static-route" },
	{ 252, DHCP_KIND_TEXT, "wpad" },
};

static int parse_number(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t v = 0;
	if (*text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > max)
			return -EINVAL;
	}
	*ret = (uint32_t)v;
	return 0;
}

static uint8_t kind_of(uint8_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].code == code)
			return options[i].kind;
	return DHCP_KIND_UNKNOWN;
}

int dhcp_option_find(const char *name, uint8_t *ret_code, enum dhcp_option_kind *ret_kind)
{
	uint32_t number;
	if (parse_number(name, DHCP_OPTION_END - 1, &number) == 0 && number > 0) {
		*ret_code = (uint8_t)number;
		*ret_kind = kind_of((uint8_t)number);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		*ret_code = options[i].code;
		*ret_kind = options[i].kind;
		return 0;
	}
	return -ENOENT;
}

/* Takes the text before the next comma from *@at, which becomes NULL after the last.  False when it is too long. */
static bool take_item(const char **at, char item[static ITEM_SIZE])
{
	size_t len = strcspn(*at, ",");
	if (len >= ITEM_SIZE)
		return false;
	memcpy(item, *at, len);
	item[len] = '\0';
	*at = (*at)[len] == ',' ? *at + len + 1 : NULL;
	return true;
}

static bool put_addresses(struct bytes_writer *w, const char *text)
{
	char item[ITEM_SIZE];
	while (text) {
		ip4_t ip;
		if (!take_item(&text, item) || ip4_parse(item, &ip) < 0)
			return false;
		bytes_put_be32(w, ip);
	}
	return !w->failed;
}

static bool put_domains(struct bytes_writer *w, const char *text)
{
	char item[ITEM_SIZE];
	while (text)
		if (!take_item(&text, item) || !dhcp_put_domain(w, item))
			return false;
	return !w->failed;
}

/* RFC 3442: the prefix length, the octets of the prefix that count, the router. */
static bool put_routes(struct bytes_writer *w, const char *text)
{
	char item[ITEM_SIZE];
	while (text) {
		struct prefix4 p;
		ip4_t router;
		if (!take_item(&text, item) || prefix4_parse(item, &p) < 0 || !text || !take_item(&text, item) ||
		    ip4_parse(item, &router) < 0)
			return false;
		bytes_put_u8(w, (uint8_t)p.length);
		for (unsigned bit = 0; bit < p.length; bit += 8)
			bytes_put_u8(w, (uint8_t)(p.network >> (24 - bit)));
		bytes_put_be32(w, router);
	}
	return !w->failed;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool put_hex(struct bytes_writer *w, const char *text)
{
	while (*text) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);
		if (low < 0)
			return false;
		bytes_put_u8(w, (uint8_t)(high << 4 | low));
		text += 2;
		if (*text == ':' && text[1])
			text++;
	}
	return w->len > 0 && !w->failed;
}

static bool put_number(struct bytes_writer *w, const char *text, unsigned n_bytes, uint32_t max)
{
	uint32_t v;
	if (parse_number(text, max, &v) < 0)
		return false;
	for (unsigned i = n_bytes; i-- > 0;)
		bytes_put_u8(w, (uint8_t)(v >> 8 * i));
	return true;
}

static bool put_text(struct bytes_writer *w, const char *text)
{
	bytes_put(w, text, strlen(text));
	return w->len > 0 && !w->failed;
}

static bool put_one_address(struct bytes_writer *w, const char *text)
{
	return !strchr(text, ',') && put_addresses(w, text);
}

static const struct {
	const char *prefix, *expected;
} kinds[] = {
	[DHCP_KIND_UNKNOWN] = { NULL, "addresses, text, or a value whose kind a prefix tells: ip:, text:, u8:, u16:, u32: or hex:" },
	[DHCP_KIND_ADDRESS] = { NULL, "an IPv4 address" },
	[DHCP_KIND_ADDRESSES] = { "ip:", "IPv4 addresses with commas between them, at most 63" },
	[DHCP_KIND_TEXT] = { "text:", "a text of at most 255 bytes" },
	[DHCP_KIND_U8] = { "u8:", "a number from 0 to 255" },
	[DHCP_KIND_U16] = { "u16:", "a number from 0 to 65535" },
	[DHCP_KIND_U32] = { "u32:", "a number from 0 to 4294967295" },
	[DHCP_KIND_FLAG] = { NULL, "0 or 1" },
	[DHCP_KIND_DOMAINS] = { NULL, "domains with commas between them, at most 255 bytes in all" },
	[DHCP_KIND_ROUTES] = { NULL, "pairs of a prefix and a router, such as 10.0.0.0/8,192.168.122.9" },
	[DHCP_KIND_BYTES] = { "hex:", "bytes in hexadecimal, such as 06:01:0a, at most 255" },
};

/* A number alone could be of any size, so its kind has to be told. */
static bool guess(struct bytes_writer *w, const char *text)
{
	uint32_t number;
	if (parse_number(text, UINT32_MAX, &number) == 0)
		return false;
	if (put_addresses(w, text))
		return true;
	w->len = 0;
	return put_text(w, text);
}

static bool put(struct bytes_writer *w, enum dhcp_option_kind kind, const char *text)
{
	switch (kind) {
	case DHCP_KIND_ADDRESS: return put_one_address(w, text);
	case DHCP_KIND_ADDRESSES: return put_addresses(w, text);
	case DHCP_KIND_TEXT: return put_text(w, text);
	case DHCP_KIND_U8: return put_number(w, text, 1, UINT8_MAX);
	case DHCP_KIND_U16: return put_number(w, text, 2, UINT16_MAX);
	case DHCP_KIND_U32: return put_number(w, text, 4, UINT32_MAX);
	case DHCP_KIND_FLAG: return put_number(w, text, 1, 1);
	case DHCP_KIND_DOMAINS: return put_domains(w, text);
	case DHCP_KIND_ROUTES: return put_routes(w, text);
	case DHCP_KIND_BYTES: return put_hex(w, text);
	case DHCP_KIND_UNKNOWN: return guess(w, text);
	}
	return false;
}

int dhcp_option_parse(enum dhcp_option_kind kind, const char *text, uint8_t ret[static DHCP_OPTION_VALUE_MAX], const char **ret_why)
{
	uint8_t value[DHCP_OPTION_VALUE_MAX];
	struct bytes_writer w = bytes_writer(value, sizeof(value));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!kinds[i].prefix || strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
			continue;
		text += strlen(kinds[i].prefix);
		kind = (enum dhcp_option_kind)i;
		break;
	}
	if (!put(&w, kind, text) || w.failed) {
		*ret_why = kinds[kind].expected;
		return -EINVAL;
	}
	memcpy(ret, value, w.len);
	return (int)w.len;
}
