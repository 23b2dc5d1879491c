/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/dns_text.h"

#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STRING_MAX 255u

static int put_address(const char *text, bool wants_v4, struct bytes_writer *w)
{
	struct ip_addr addr;
	if (ip_parse(text, &addr) < 0 || ip_is_v4(&addr) != wants_v4)
		return -EINVAL;
	bytes_put(w, wants_v4 ? addr.b + 12 : addr.b, wants_v4 ? 4 : sizeof(addr.b));
	return 0;
}

static int put_a(const char *text, struct bytes_writer *w)
{
	return put_address(text, true, w);
}

static int put_aaaa(const char *text, struct bytes_writer *w)
{
	return put_address(text, false, w);
}

static int put_name(const char *text, struct bytes_writer *w)
{
	struct dns_name name;
	if (text[0] == '\0' || strchr(text, ' ') || dns_name_from_text(text, &name) < 0)
		return -EINVAL;
	dns_name_emit(w, &name);
	return 0;
}

static const char *skip_blanks(const char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	return text;
}

/* A number and the white space behind it; NULL when there is none. */
static const char *put_number(const char *text, struct bytes_writer *w)
{
	char *end;
	if (*text < '0' || *text > '9')
		return NULL;
	unsigned long value = strtoul(text, &end, 10);
	if (value > UINT16_MAX || skip_blanks(end) == end)
		return NULL;
	bytes_put_be16(w, (uint16_t)value);
	return skip_blanks(end);
}

static int put_numbers_and_name(const char *text, unsigned numbers, struct bytes_writer *w)
{
	for (; text && numbers > 0; numbers--)
		text = put_number(text, w);
	return text ? put_name(text, w) : -EINVAL;
}

static int put_mx(const char *text, struct bytes_writer *w)
{
	return put_numbers_and_name(text, 1, w);
}

static int put_srv(const char *text, struct bytes_writer *w)
{
	return put_numbers_and_name(text, 3, w);
}

static void put_string(const char *bytes, size_t len, struct bytes_writer *w)
{
	bytes_put_u8(w, (uint8_t)len);
	bytes_put(w, bytes, len);
}

/* The string in quotes at @text; returns what is behind it; NULL when it does not end or is too long. */
static const char *put_quoted(const char *text, struct bytes_writer *w)
{
	char string[STRING_MAX];
	size_t len = 0;
	for (text++; *text != '"'; text++) {
		if (*text == '\\')
			text++;
		if (*text == '\0' || len == sizeof(string))
			return NULL;
		string[len++] = *text;
	}
	put_string(string, len, w);
	return text + 1;
}

static int put_txt(const char *text, struct bytes_writer *w)
{
	size_t left = strlen(text);
	if (text[0] != '"') {
		for (size_t n; left > 0; left -= n, text += n) {
			n = MIN(left, (size_t)STRING_MAX);
			put_string(text, n, w);
		}
		return w->len > 0 || w->failed ? 0 : -EINVAL;
	}
	while (*text) {
		const char *behind = *text == '"' ? put_quoted(text, w) : NULL;
		if (!behind || (*behind && skip_blanks(behind) == behind))
			return -EINVAL;
		text = skip_blanks(behind);
	}
	return 0;
}

static const struct {
	uint16_t type;
	const char *name;
	int (*put)(const char *text, struct bytes_writer *w);
} types[] = {
	{ DNS_TYPE_A, "A", put_a },       { DNS_TYPE_AAAA, "AAAA", put_aaaa }, { DNS_TYPE_CNAME, "CNAME", put_name },
	{ DNS_TYPE_MX, "MX", put_mx },    { DNS_TYPE_PTR, "PTR", put_name },   { DNS_TYPE_SRV, "SRV", put_srv },
	{ DNS_TYPE_TXT, "TXT", put_txt },
};

int dns_type_parse(const char *text, size_t len, uint16_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strlen(types[i].name) != len || strncasecmp(types[i].name, text, len) != 0)
			continue;
		*ret = types[i].type;
		return 0;
	}
	return -EINVAL;
}

const char *dns_type_name(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

int dns_data_from_text(uint16_t type, const char *text, struct bytes_writer *w)
{
	int r = -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			r = types[i].put(text, w);
	return r == 0 && w->failed ? -ENOSPC : r;
}
