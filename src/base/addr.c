/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include "base/macros.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char *mac_format(struct mac m, char buf[static MAC_TEXT_SIZE])
{
	snprintf(buf, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3], m.b[4], m.b[5]);
	return buf;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int mac_parse(const char *text, struct mac *ret)
{
	struct mac m;
	for (size_t i = 0; i < sizeof(m.b); i++) {
		int high = hex_digit(*text);
		if (high < 0)
			return -EINVAL;
		text++;
		int low = hex_digit(*text);
		if (low >= 0)
			text++;
		m.b[i] = (uint8_t)(low < 0 ? high : high << 4 | low);
		if (*text != (i + 1 < sizeof(m.b) ? ':' : '\0'))
			return -EINVAL;
		text++;
	}
	*ret = m;
	return 0;
}

const char *ip4_format(ip4_t ip, char buf[static IP4_TEXT_SIZE])
{
	snprintf(buf, IP4_TEXT_SIZE, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 0xff, ip >> 8 & 0xff, ip & 0xff);
	return buf;
}

int ip4_parse(const char *text, ip4_t *ret)
{
	struct in_addr a;
	if (inet_pton(AF_INET, text, &a) != 1)
		return -EINVAL;
	*ret = ntohl(a.s_addr);
	return 0;
}

bool prefix4_is_private(struct prefix4 p)
{
	static const struct prefix4 private_space[] = {
		{ IP4(10, 0, 0, 0), 8 },
		{ IP4(172, 16, 0, 0), 12 },
		{ IP4(192, 168, 0, 0), 16 },
		{ IP4(100, 64, 0, 0), 10 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(private_space); i++)
		if (p.length >= private_space[i].length && prefix4_contains(private_space[i], p.network))
			return true;
	return false;
}

/* Splits "ADDRESS/LENGTH".  -EINVAL when @address has no room, or the length is not a number up to @max. */
static int split_prefix(const char *text, char *address, size_t size, unsigned long max, unsigned *ret_length)
{
	const char *slash = strchr(text, '/');
	if (!slash || (size_t)(slash - text) >= size || slash[1] < '0' || slash[1] > '9')
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	char *end;
	unsigned long length = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || length > max)
		return -EINVAL;
	*ret_length = (unsigned)length;
	return 0;
}

int prefix4_parse(const char *text, struct prefix4 *ret)
{
	char address[IP4_TEXT_SIZE];
	struct prefix4 p;
	if (split_prefix(text, address, sizeof(address), 32, &p.length) < 0 || ip4_parse(address, &p.network) < 0)
		return -EINVAL;
	if (p.network & ~prefix4_mask(p))
		return -EDOM;
	*ret = p;
	return 0;
}

int prefix6_parse(const char *text, struct prefix6 *ret)
{
	char address[IP_TEXT_SIZE];
	struct prefix6 p;
	if (split_prefix(text, address, sizeof(address), 128, &p.length) < 0 || inet_pton(AF_INET6, address, p.network.b) != 1)
		return -EINVAL;
	for (unsigned bit = p.length; bit < 128; bit++)
		if (p.network.b[bit / 8] & 0x80 >> bit % 8)
			return -EDOM;
	*ret = p;
	return 0;
}

const char *prefix6_format(const struct prefix6 *p, char buf[static PREFIX6_TEXT_SIZE])
{
	inet_ntop(AF_INET6, p->network.b, buf, IP_TEXT_SIZE);
	snprintf(buf + strlen(buf), PREFIX6_TEXT_SIZE - strlen(buf), "/%u", p->length);
	return buf;
}

const char *ip_format(const struct ip_addr *a, char buf[static IP_TEXT_SIZE])
{
	if (ip_is_v4(a))
		return ip4_format(ip_to_ip4(a), buf);
	return inet_ntop(AF_INET6, a->b, buf, IP_TEXT_SIZE);
}

int ip_parse(const char *text, struct ip_addr *ret)
{
	ip4_t ip4;
	if (ip4_parse(text, &ip4) == 0) {
		*ret = ip_from_ip4(ip4);
		return 0;
	}
	struct ip_addr a;
	if (inet_pton(AF_INET6, text, a.b) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}
