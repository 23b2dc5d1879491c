/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/http_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The length of the head with its empty line; 0: it is not complete.  Lines may end with LF alone (RFC 9112 §2.2). */
static size_t head_len(const char *bytes, size_t len)
{
	const char *at = bytes;
	while ((at = memchr(at, '\n', len - (size_t)(at - bytes)))) {
		size_t left = len - (size_t)(++at - bytes);
		if (left >= 1 && at[0] == '\n')
			return (size_t)(at - bytes) + 1;
		if (left >= 2 && at[0] == '\r' && at[1] == '\n')
			return (size_t)(at - bytes) + 2;
		if (left == 0)
			return 0;
	}
	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path of a target in origin or absolute form (RFC 9112 §3.2), percent-decoded. */
static bool decode_path(const char *target, char ret[static HTTP_PATH_SIZE])
{
	size_t n = 0;
	if (strncasecmp(target, "http://", strlen("http://")) == 0) {
		target = strchr(target + strlen("http://"), '/');
		if (!target)
			target = "/";
	}
	if (target[0] != '/')
		return false;
	for (; *target && *target != '?' && *target != '#'; target++) {
		int c = (unsigned char)*target;
		if (c == '%') {
			int high = hex(target[1]), low = high < 0 ? -1 : hex(target[2]);
			if (low < 0)
				return false;
			c = high << 4 | low;
			target += 2;
		}
		if (c < 0x20 || c == 0x7f || n + 1 >= HTTP_PATH_SIZE)
			return false;
		ret[n++] = (char)c;
	}
	ret[n] = '\0';
	return true;
}

/* The text before @end in @*at, which moves behind it.  NULL: there is no @end. */
static char *take_until(char **at, const char *end)
{
	char *word = *at, *found = word ? strstr(word, end) : NULL;
	if (!found)
		return NULL;
	*found = '\0';
	*at = found + strlen(end);
	return word;
}

static bool parse_first_line(char *line, struct http_request *ret)
{
	char *method = take_until(&line, " "), *target = method ? take_until(&line, " ") : NULL;
	if (!target || strncmp(line, "HTTP/1.", strlen("HTTP/1.")) != 0 || line[7] < '0' || line[7] > '9' || line[8] != '\0')
		return false;
	ret->is_get = strcmp(method, "GET") == 0;
	ret->is_head = strcmp(method, "HEAD") == 0;
	ret->keep_alive = line[7] != '0';
	return decode_path(target, ret->path);
}

/* Decimal digits at *@at, which moves behind them. */
static bool take_number(const char **at, uint64_t *ret)
{
	uint64_t v = 0;
	const char *p = *at;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (v > (UINT64_MAX / 4 - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (p == *at)
		return false;
	*at = p;
	*ret = v;
	return true;
}

/* One range that begins with a number; others mean the whole file (RFC 9110 §14.2). */
static void parse_range(const char *value, struct http_request *ret)
{
	uint64_t first, last = UINT64_MAX;
	if (strncmp(value, "bytes=", strlen("bytes=")) != 0)
		return;
	value += strlen("bytes=");
	if (!take_number(&value, &first) || *value++ != '-' || (*value && !take_number(&value, &last)) || *value || last < first)
		return;
	ret->has_range = true;
	ret->first = first;
	ret->last = last;
}

static bool parse_field(char *line, struct http_request *ret)
{
	char *name = take_until(&line, ":");
	if (!name || name[0] == '\0' || strpbrk(name, " \t"))
		return false;
	line += strspn(line, " \t");
	size_t len = strlen(line);
	while (len > 0 && strchr(" \t", line[len - 1]))
		line[--len] = '\0';
	if (strcasecmp(name, "Connection") == 0)
		ret->keep_alive = strcasecmp(line, "close") == 0 ? false : ret->keep_alive || strcasecmp(line, "keep-alive") == 0;
	else if (strcasecmp(name, "Transfer-Encoding") == 0 || (strcasecmp(name, "Content-Length") == 0 && strcmp(line, "0") != 0))
		ret->has_body = true;
	else if (strcasecmp(name, "Range") == 0)
		parse_range(line, ret);
	return true;
}

ssize_t http_request_parse(const void *bytes, size_t len, struct http_request *ret)
{
	char text[HTTP_HEAD_MAX + 1];
	struct http_request r = { 0 };
	size_t head = len > 0 ? head_len(bytes, len) : 0;
	if (head == 0 && len < HTTP_HEAD_MAX)
		return -EAGAIN;
	if (head == 0 || head > HTTP_HEAD_MAX)
		return -E2BIG;
	memcpy(text, bytes, head);
	text[head] = '\0';
	if (strlen(text) != head)
		return -EBADMSG;
	char *at = text;
	for (bool first = true;; first = false) {
		char *line = take_until(&at, "\n");
		size_t line_len = strlen(line);
		if (line_len > 0 && line[line_len - 1] == '\r')
			line[line_len - 1] = '\0';
		if (line[0] == '\0')
			break;
		if (first ? !parse_first_line(line, &r) : !parse_field(line, &r))
			return -EBADMSG;
	}
	if (r.path[0] == '\0')
		return -EBADMSG;
	*ret = r;
	return (ssize_t)head;
}

static const char *reason(unsigned status)
{
	switch (status) {
	case 200: return "OK";
	case 206: return "Partial Content";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 416: return "Range Not Satisfiable";
	case 503: return "Service Unavailable";
	default: return "Internal Server Error";
	}
}

size_t http_answer_format(unsigned status, uint64_t length, bool keep_alive, const struct http_request *range, uint64_t size,
			  char ret[static HTTP_ANSWER_SIZE])
{
	char content_range[80] = "";
	if (range && length > 0)
		snprintf(content_range, sizeof(content_range), "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)range->first,
			 (unsigned long long)(range->first + length - 1), (unsigned long long)size);
	int len = snprintf(ret, HTTP_ANSWER_SIZE,
			   "HTTP/1.1 %u %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %llu\r\n%s%sConnection: %s\r\n\r\n",
			   status, reason(status), (unsigned long long)length, content_range, status == 405 ? "Allow: GET, HEAD\r\n" : "",
			   keep_alive ? "keep-alive" : "close");
	return (size_t)len;
}
