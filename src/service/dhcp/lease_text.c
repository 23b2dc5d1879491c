/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/lease_text.h"

#include <errno.h>
#include <string.h>

#define FIELD_MAX (3 * LEASE_TEXT_CLIENT_ID_MAX)
#define NONE "*"
#define DUID "duid " /* the server's, which it makes anew */

/* The fields of a line, separated by one space. */
struct words {
	const char *at;
	size_t left;
};

/* The next field as a string in @ret; false when it is missing, empty or too long. */
static bool next_word(struct words *w, char ret[static FIELD_MAX])
{
	const char *space = memchr(w->at, ' ', w->left);
	size_t len = space ? (size_t)(space - w->at) : w->left;
	if (len == 0 || len >= FIELD_MAX || memchr(w->at, '\0', len))
		return false;
	memcpy(ret, w->at, len);
	ret[len] = '\0';
	w->at += len + (space ? 1 : 0);
	w->left -= len + (space ? 1 : 0);
	return true;
}

static int parse_seconds(const char *word, uint64_t *ret)
{
	uint64_t v = 0;
	for (; *word; word++) {
		if (*word < '0' || *word > '9' || v > (UINT64_MAX - 9) / 10)
			return -EINVAL;
		v = v * 10 + (uint64_t)(*word - '0');
	}
	*ret = v;
	return 0;
}

static int parse_name(const char *word, char ret[static LEASE_TEXT_NAME_SIZE])
{
	size_t len = strlen(word);
	if (len >= LEASE_TEXT_NAME_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (word[i] <= ' ' || word[i] > '~')
			return -EINVAL;
	if (strcmp(word, NONE) == 0)
		len = 0;
	memcpy(ret, word, len);
	ret[len] = '\0';
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -EINVAL;
}

/* "01:52:54:…", two digits for each octet. */
static int parse_client_id(const char *word, struct lease_line *l)
{
	if (strcmp(word, NONE) == 0)
		return 0;
	size_t len = strlen(word);
	if (len % 3 != 2 || len / 3 >= LEASE_TEXT_CLIENT_ID_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 3) {
		int high = hex_digit(word[i]), low = hex_digit(word[i + 1]);
		if (high < 0 || low < 0 || (i + 2 < len && word[i + 2] != ':'))
			return -EINVAL;
		l->client_id[l->client_id_len++] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* "52:54:…" and an IPv4 address, or an IAID and an IPv6 address. */
static int parse_who(struct words *w, struct lease_line *l)
{
	char word[FIELD_MAX];
	uint64_t iaid;
	if (!next_word(w, word))
		return -EINVAL;
	if (strchr(word, ':'))
		return mac_parse(word, &l->mac) == 0 && next_word(w, word) && ip4_parse(word, &l->ip) == 0 && l->ip != 0 ? 0 : -EINVAL;
	if (parse_seconds(word, &iaid) < 0 || iaid > UINT32_MAX)
		return -EINVAL;
	l->iaid = (uint32_t)iaid;
	return next_word(w, word) && ip_parse(word, &l->ip6) == 0 && !ip_is_v4(&l->ip6) ? 0 : -EINVAL;
}

int lease_text_parse(const char *line, size_t len, struct lease_line *ret)
{
	struct words w = { line, len };
	struct lease_line l = { 0 };
	char word[FIELD_MAX];
	if (!next_word(&w, word) || parse_seconds(word, &l.expires_s) < 0)
		return -EINVAL;
	if (parse_who(&w, &l) < 0)
		return -EINVAL;
	if (!next_word(&w, word) || parse_name(word, l.name) < 0)
		return -EINVAL;
	if (!next_word(&w, word) || parse_client_id(word, &l) < 0 || w.left > 0 || line[len - 1] == ' ')
		return -EINVAL;
	*ret = l;
	return 0;
}

static char *put_text(char *at, const char *text)
{
	size_t len = strlen(text);
	memcpy(at, text, len); /* NOLINT(bugprone-not-null-terminated-result): what follows is put behind it */
	return at + len;
}

static char *put_number(char *at, uint64_t n)
{
	char digits[20];
	size_t len = 0;
	do
		digits[len++] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	while (len > 0)
		*at++ = digits[--len];
	return at;
}

static char *put_hex(char *at, const uint8_t *bytes, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			*at++ = ':';
		*at++ = digit[bytes[i] >> 4];
		*at++ = digit[bytes[i] & 15];
	}
	return at;
}

static char *put_address(char *at, ip4_t ip)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		at = put_number(at, ip >> shift & 255);
		if (shift > 0)
			*at++ = '.';
	}
	return at;
}

static char *put_address6(char *at, const struct ip_addr *ip)
{
	char text[IP_TEXT_SIZE];
	return put_text(at, ip_format(ip, text));
}

size_t lease_text_format_duid(const uint8_t *duid, size_t len, char ret[static LEASE_TEXT_LINE_SIZE])
{
	char *at = put_hex(put_text(ret, DUID), duid, len);
	*at++ = '\n';
	*at = '\0';
	return (size_t)(at - ret);
}

/* Thousands of lines are written while guests wait, and printf() takes ten times as long. */
size_t lease_text_format(const struct lease_line *l, char ret[static LEASE_TEXT_LINE_SIZE])
{
	char *at = put_number(ret, l->expires_s);
	*at++ = ' ';
	at = l->ip ? put_hex(at, l->mac.b, sizeof(l->mac.b)) : put_number(at, l->iaid);
	*at++ = ' ';
	at = l->ip ? put_address(at, l->ip) : put_address6(at, &l->ip6);
	*at++ = ' ';
	at = put_text(at, l->name[0] ? l->name : NONE);
	*at++ = ' ';
	at = l->client_id_len > 0 ? put_hex(at, l->client_id, l->client_id_len) : put_text(at, NONE);
	*at++ = '\n';
	*at = '\0';
	return (size_t)(at - ret);
}

size_t lease_text_parse_all(const char *text, size_t len, bool (*each)(void *opaque, const struct lease_line *l), void *opaque)
{
	size_t damaged = 0;
	while (len > 0) {
		const char *newline = memchr(text, '\n', len);
		size_t line_len = newline ? (size_t)(newline - text) : len;
		struct lease_line l;
		bool is_duid = line_len > strlen(DUID) && memcmp(text, DUID, strlen(DUID)) == 0;
		if (!is_duid && (lease_text_parse(text, line_len, &l) < 0 || !each(opaque, &l)))
			damaged++;
		text += newline ? line_len + 1 : line_len;
		len -= newline ? line_len + 1 : line_len;
	}
	return damaged;
}
