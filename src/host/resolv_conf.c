/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/resolv_conf.h"

#include "service/dns/server.h"

#include <string.h>

static const char keyword[] = "nameserver";
#define KEYWORD_LEN (sizeof(keyword) - 1)

static size_t blanks(const char *text, size_t len)
{
	size_t n = 0;
	while (n < len && (text[n] == ' ' || text[n] == '\t'))
		n++;
	return n;
}

/* Up to white space or a comment.  A '#' inside a word precedes a port. */
static size_t word_len(const char *text, size_t len)
{
	size_t n = 0;
	while (n < len && text[n] != '\0' && !strchr(" \t\r;", text[n]))
		n++;
	return n;
}

static void parse_line(const char *line, size_t len, struct dns_server_list *list)
{
	if (len < KEYWORD_LEN || memcmp(line, keyword, KEYWORD_LEN) != 0)
		return;
	line += KEYWORD_LEN;
	len -= KEYWORD_LEN;
	size_t gap = blanks(line, len), n = word_len(line + gap, len - gap);
	char word[DNS_SERVER_TEXT_SIZE];
	struct dns_server server;
	if (gap == 0 || n >= sizeof(word))
		return;
	memcpy(word, line + gap, n);
	word[n] = '\0';
	if (dns_server_parse(word, &server) == 0)
		dns_server_list_add(list, &server);
}

void resolv_conf_parse(const char *text, size_t len, struct dns_server_list *ret)
{
	*ret = (struct dns_server_list){ 0 };
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t line_len = end ? (size_t)(end - (text + at)) : len - at;
		parse_line(text + at, line_len, ret);
		at += line_len + 1;
	}
}
