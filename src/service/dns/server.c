/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/server.h"

#include "wire/dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* 1–65535 with nothing behind it. */
static int parse_port(const char *text, uint16_t *ret)
{
	if (*text < '0' || *text > '9')
		return -EINVAL;
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	if (*end != '\0' || port == 0 || port > UINT16_MAX)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

/* Interface names may have almost any character; accepts those without a meaning in the texts around a scope. */
static bool is_scope(const char *text, size_t len)
{
	static const char other[] = "-_.@+";
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && (c == '\0' || !strchr(other, c)))
			return false;
	}
	return len > 0 && len < DNS_SCOPE_SIZE;
}

/* ADDRESS or V6ADDRESS%SCOPE in @len bytes. */
static int parse_address(const char *text, size_t len, struct dns_server *s)
{
	char address[IP_TEXT_SIZE];
	const char *percent = memchr(text, '%', len);
	size_t address_len = percent ? (size_t)(percent - text) : len;
	if (address_len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, address_len);
	address[address_len] = '\0';
	if (ip_parse(address, &s->endpoint.addr) < 0)
		return -EINVAL;
	if (!percent)
		return 0;
	size_t scope_len = len - address_len - 1;
	if (ip_is_v4(&s->endpoint.addr) || !is_scope(percent + 1, scope_len))
		return -EINVAL;
	memcpy(s->scope, percent + 1, scope_len);
	return 0;
}

/* Splits @text into address and port; @ret_port is NULL when there is none. */
static int split(const char *text, const char **ret_address, size_t *ret_len, const char **ret_port)
{
	const char *end = text + strlen(text), *mark;
	if (*text == '[') {
		mark = strchr(text, ']');
		if (!mark || (mark[1] != '\0' && mark[1] != ':'))
			return -EINVAL;
		*ret_address = text + 1;
		*ret_len = (size_t)(mark - text - 1);
		*ret_port = mark[1] == ':' ? mark + 2 : NULL;
		return 0;
	}
	mark = strchr(text, '#');
	if (!mark && strchr(text, ':') == strrchr(text, ':')) /* two colons make it IPv6 */
		mark = strchr(text, ':');
	*ret_address = text;
	*ret_len = (size_t)((mark ? mark : end) - text);
	*ret_port = mark ? mark + 1 : NULL;
	return 0;
}

int dns_server_parse(const char *text, struct dns_server *ret)
{
	struct dns_server s = { .endpoint.port = DNS_PORT };
	const char *address, *port;
	size_t len;
	if (split(text, &address, &len, &port) < 0 || parse_address(address, len, &s) < 0)
		return -EINVAL;
	if (port && parse_port(port, &s.endpoint.port) < 0)
		return -EINVAL;
	*ret = s;
	return 0;
}

const char *dns_server_format(const struct dns_server *server, char buf[static DNS_SERVER_TEXT_SIZE])
{
	char address[IP_TEXT_SIZE];
	ip_format(&server->endpoint.addr, address);
	const char *percent = server->scope[0] ? "%" : "";
	if (server->endpoint.port == DNS_PORT)
		snprintf(buf, DNS_SERVER_TEXT_SIZE, "%s%s%s", address, percent, server->scope);
	else if (ip_is_v4(&server->endpoint.addr))
		snprintf(buf, DNS_SERVER_TEXT_SIZE, "%s:%u", address, server->endpoint.port);
	else
		snprintf(buf, DNS_SERVER_TEXT_SIZE, "[%s%s%s]:%u", address, percent, server->scope, server->endpoint.port);
	return buf;
}

bool dns_server_equal(const struct dns_server *a, const struct dns_server *b)
{
	return ip_equal(&a->endpoint.addr, &b->endpoint.addr) && a->endpoint.port == b->endpoint.port && strcmp(a->scope, b->scope) == 0;
}

bool dns_server_list_equal(const struct dns_server_list *a, const struct dns_server_list *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (!dns_server_equal(&a->server[i], &b->server[i]))
			return false;
	return true;
}

int dns_server_list_add(struct dns_server_list *list, const struct dns_server *server)
{
	for (unsigned i = 0; i < list->count; i++)
		if (dns_server_equal(&list->server[i], server))
			return 0;
	if (list->count == DNS_SERVERS_MAX)
		return -ENOSPC;
	list->server[list->count++] = *server;
	return 0;
}

static struct dns_route *find_or_make_route(struct dns_route_list *list, const char *domain)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strcasecmp(list->route[i].domain, domain) == 0)
			return &list->route[i];
	if (list->count == DNS_ROUTES_MAX)
		return NULL;
	struct dns_route *r = &list->route[list->count++];
	*r = (struct dns_route){ 0 };
	for (size_t i = 0; domain[i] != '\0'; i++)
		r->domain[i] = domain[i] >= 'A' && domain[i] <= 'Z' ? (char)(domain[i] - 'A' + 'a') : domain[i];
	return r;
}

int dns_route_list_add(struct dns_route_list *list, const char *domain, const struct dns_server *server)
{
	struct dns_name name;
	char text[DNS_ROUTE_DOMAIN_SIZE];
	size_t len = strlen(domain);
	if (len > 0 && domain[len - 1] == '.')
		len--;
	if (len == 0 || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, domain, len);
	text[len] = '\0';
	if (dns_name_from_text(text, &name) < 0)
		return -EINVAL;
	struct dns_route *r = find_or_make_route(list, text);
	return !r ? -ENOSPC : server ? dns_server_list_add(&r->servers, server) : 0;
}

bool dns_route_list_equal(const struct dns_route_list *a, const struct dns_route_list *b)
{
	bool same = a->count == b->count;
	for (unsigned i = 0; same && i < a->count; i++)
		same = strcmp(a->route[i].domain, b->route[i].domain) == 0 &&
		       dns_server_list_equal(&a->route[i].servers, &b->route[i].servers);
	return same;
}
