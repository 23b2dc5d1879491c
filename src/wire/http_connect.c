/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/http_connect.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* A part of the head, not NUL-terminated. */
struct text {
	const char *at;
	size_t len;
};

/* RFC 9110 §5.6.2 */
static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		char c = t.at[i];
		bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!alphanumeric && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return t.len > 0;
}

/* Moves the text in front of @end, and @end, from @t to @ret; false when there is no @end. */
static bool cut(struct text *t, char end, struct text *ret)
{
	const char *p = memchr(t->at, end, t->len);
	if (!p)
		return false;
	*ret = (struct text){ t->at, (size_t)(p - t->at) };
	t->len -= ret->len + 1;
	t->at = p + 1;
	return true;
}

/* Moves a line from @t to @ret, without its end, which may be a bare LF (RFC 9112 §2.2). */
static bool cut_line(struct text *t, struct text *ret)
{
	if (!cut(t, '\n', ret))
		return false;
	if (ret->len > 0 && ret->at[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static bool is(struct text t, const char *word)
{
	return t.len == strlen(word) && memcmp(t.at, word, t.len) == 0;
}

static int parse_port(struct text t, uint16_t *ret)
{
	unsigned port = 0;
	if (t.len == 0 || t.len > 5)
		return -EBADMSG;
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return -EBADMSG;
		port = port * 10 + (unsigned)(t.at[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return -EBADMSG;
	*ret = (uint16_t)port;
	return 0;
}

static bool is_host(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (t.at[i] <= ' ' || t.at[i] > '~' || strchr("[]/@?#", t.at[i]))
			return false;
	return t.len > 0 && t.len < HTTP_CONNECT_HOST_SIZE;
}

/* authority-form, "HOST:PORT" or "[IPV6]:PORT" (RFC 9112 §3.2.3). */
static int parse_authority(struct text t, struct http_connect *q)
{
	struct text host = t;
	while (host.len > 0 && host.at[host.len - 1] != ':')
		host.len--;
	if (host.len == 0)
		return -EBADMSG;
	struct text port = { t.at + host.len, t.len - host.len };
	host.len--;
	if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = (struct text){ host.at + 1, host.len - 2 };
	else if (memchr(host.at, ':', host.len))
		return -EBADMSG;
	if (!is_host(host))
		return -EBADMSG;
	memcpy(q->host, host.at, host.len);
	q->host[host.len] = '\0';
	return parse_port(port, &q->port);
}

/* Any minor version of HTTP/1 has this syntax (RFC 9110 §2.5). */
static bool is_version(struct text t)
{
	return t.len == 8 && memcmp(t.at, "HTTP/1.", 7) == 0 && t.at[7] >= '0' && t.at[7] <= '9';
}

static int parse_request_line(struct text line, struct http_connect *q)
{
	struct text method, target;
	if (!cut(&line, ' ', &method) || !cut(&line, ' ', &target) || !is_token(method) || !is_version(line))
		return -EBADMSG;
	return is(method, "CONNECT") ? parse_authority(target, q) : -EOPNOTSUPP;
}

/* No space between a field's name and the colon, and no continuation lines (RFC 9112 §5.1, §5.2). */
static bool is_field(struct text line)
{
	struct text name;
	if (!cut(&line, ':', &name) || !is_token(name))
		return false;
	for (size_t i = 0; i < line.len; i++)
		if ((line.at[i] >= 0 && line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
			return false;
	return true;
}

/* Bytes that cannot be a method are rejected before their line ends, so that other protocols fail at once. */
static bool may_begin(struct text t)
{
	struct text method = { t.at, 0 };
	while (method.len < t.len && t.at[method.len] != ' ')
		method.len++;
	return method.len == 0 ? t.len == 0 : is_token(method);
}

int http_connect_parse(const char *bytes, size_t len, struct http_connect *ret)
{
	struct text rest = { bytes, len }, line;
	struct http_connect q = { 0 };
	int r = 0;
	if (!may_begin(rest))
		return -EBADMSG;
	if (!cut_line(&rest, &line))
		return 0;
	r = parse_request_line(line, &q);
	if (r == -EBADMSG)
		return r;
	while (cut_line(&rest, &line)) {
		if (line.len > 0 && !is_field(line))
			return -EBADMSG;
		if (line.len > 0)
			continue;
		if (r == 0)
			*ret = q;
		return r < 0 ? r : (int)(len - rest.len);
	}
	return 0;
}
