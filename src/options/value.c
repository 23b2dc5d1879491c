/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/value.h"

#include "base/macros.h"
#include "wire/dns_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LEASE_TIME_MIN_S 10 /* with less, clients do little else than renew */
#define LABEL_MAX 63u       /* RFC 1035 §2.3.4 */

/* Copies the text between @from and @end; -EINVAL when it does not fit. */
static int copy_span(const char *from, const char *end, char *ret, size_t size)
{
	size_t len = (size_t)(end - from);
	if (len >= size)
		return -EINVAL;
	memcpy(ret, from, len);
	ret[len] = '\0';
	return 0;
}

/* Reads the digits at *@at and moves it to what follows them. */
static int take_digits(const char **at, uint32_t max, uint32_t *ret)
{
	const char *p = *at;
	uint64_t v = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (uint64_t)(*p - '0');
		if (v > max)
			return -EINVAL;
	}
	if (p == *at)
		return -EINVAL;
	*at = p;
	*ret = (uint32_t)v;
	return 0;
}

int value_unsigned(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint32_t v;
	if (take_digits(&text, max, &v) < 0 || *text != '\0' || v < min)
		return -EINVAL;
	*ret = v;
	return 0;
}

int value_switch(const char *text, bool *ret)
{
	static const char *const words[][2] = { { "false", "true" }, { "no", "yes" }, { "off", "on" }, { "0", "1" } };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int on = 0; on < 2; on++) {
			if (strcasecmp(text, words[i][on]) != 0)
				continue;
			*ret = on;
			return 0;
		}
	}
	return -EINVAL;
}

/* How many seconds the unit @letter has; 0: no such unit. */
static uint32_t unit_seconds(char letter)
{
	switch (letter) {
	case 's': return 1;
	case 'm': return 60;
	case 'h': return 60 * 60;
	case 'd': return 24 * 60 * 60;
	case 'w': return 7 * 24 * 60 * 60;
	default: return 0;
	}
}

int value_duration(const char *text, uint32_t infinite, uint32_t *ret)
{
	if (strcmp(text, "infinite") == 0) {
		*ret = infinite;
		return 0;
	}
	uint32_t v, unit = 1;
	if (take_digits(&text, infinite, &v) < 0)
		return -EINVAL;
	if (*text != '\0')
		unit = unit_seconds(*text++);
	if (unit == 0 || *text != '\0' || v > (infinite - 1) / unit)
		return -EINVAL;
	*ret = v * unit;
	return 0;
}

int value_endpoint(const char *text, struct ip_endpoint *ret)
{
	bool bracket = text[0] == '[';
	const char *colon = strrchr(text, ':');
	char address[IP_TEXT_SIZE];
	struct ip_endpoint e;
	uint32_t port;
	if (!colon || colon - text < 1 + 2 * bracket || (bracket && colon[-1] != ']'))
		return -EINVAL;
	if (copy_span(text + bracket, colon - bracket, address, sizeof(address)) < 0 || ip_parse(address, &e.addr) < 0)
		return -EINVAL;
	if (ip_is_v4(&e.addr) == bracket || value_unsigned(colon + 1, 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	e.port = (uint16_t)port;
	*ret = e;
	return 0;
}

int value_ip4_range(const char *text, ip4_t *ret_first, ip4_t *ret_last)
{
	const char *middle = text + strcspn(text, "-,");
	char first_text[IP4_TEXT_SIZE];
	ip4_t first, last;
	if (*middle == '\0' || copy_span(text, middle, first_text, sizeof(first_text)) < 0)
		return -EINVAL;
	if (ip4_parse(first_text, &first) < 0 || ip4_parse(middle + 1, &last) < 0 || first > last)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	return 0;
}

/* Not isalnum(), which depends on the locale. */
static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* @inner: what it may have inside beside letters and digits. */
static bool label_is_valid(const char *label, size_t len, const char *inner)
{
	if (len == 0 || len > LABEL_MAX || !is_alphanumeric(label[0]) || !is_alphanumeric(label[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alphanumeric(label[i]) && (label[i] == '\0' || !strchr(inner, label[i])))
			return false;
	return true;
}

static void copy_lower(const char *from, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++)
		ret[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] - 'A' + 'a') : from[i];
	ret[len] = '\0';
}

int value_label(const char *text, char *ret, size_t size)
{
	size_t len = strlen(text);
	if (len >= size || !label_is_valid(text, len, "-_"))
		return -EINVAL;
	copy_lower(text, len, ret);
	return 0;
}

int value_domain(const char *text, char *ret, size_t size)
{
	size_t len = strlen(text);
	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len >= size)
		return -EINVAL;
	for (size_t at = 0; at <= len;) {
		size_t label = strcspn(text + at, ".");
		if (!label_is_valid(text + at, MIN(label, len - at), "-"))
			return -EINVAL;
		at += label + 1;
	}
	copy_lower(text, len, ret);
	return 0;
}

int value_dns_name(const char *text, size_t len, char *ret, size_t size)
{
	struct dns_name name;
	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len >= size)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (!is_alphanumeric(text[i]) && (text[i] == '\0' || !strchr("-_.", text[i])))
			return -EINVAL;
	copy_lower(text, len, ret);
	return dns_name_from_text(ret, &name);
}

bool value_is_text(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			return false;
	return *text;
}

int value_lease_time(const char *text, uint32_t *ret)
{
	uint32_t seconds;
	if (value_duration(text, UINT32_MAX, &seconds) < 0 || seconds < LEASE_TIME_MIN_S)
		return -EINVAL;
	*ret = seconds;
	return 0;
}

int value_tag(const char *text, char ret[static DHCP_TAG_SIZE], const char **ret_why)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len = strlen(text);
	if (len > 0 && len < DHCP_TAG_SIZE && strspn(text, allowed) == len) {
		memcpy(ret, text, len + 1);
		return 0;
	}
	*ret_why = "a tag has 1 to 31 letters, digits, hyphens and underscores";
	return -EINVAL;
}
