/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/forward_spec.h"

#include "base/macros.h"
#include "options/value.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORT_TEXT_SIZE sizeof("65535-65535")

/* The longest forward is that of a unix socket to a guest's name. */
static_assert(FORWARD_TEXT_SIZE >= sizeof("tcp unix: :65535") + FORWARD_UNIX_PATH_SIZE + GUEST_NAME_SIZE, "every forward has room");

static int parse_port(const char *text, uint16_t *ret)
{
	uint32_t port;
	if (value_unsigned(text, 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

/* "PORT" or "PORT-PORT"; @text is written to. */
static int parse_ports(char *text, struct forward_spec *s, const char **ret_why)
{
	char *last_text = strchr(text, '-');
	uint16_t last;
	if (last_text)
		*last_text++ = '\0';
	if (parse_port(text, &s->first_port) < 0 || parse_port(last_text ? last_text : text, &last) < 0) {
		*ret_why = "a port is a number from 1 to 65535";
		return -EINVAL;
	}
	if (last < s->first_port || last - s->first_port >= (int)FORWARD_PORTS_MAX) {
		*ret_why = "a range begins with its lowest port and has at most 1024 ports";
		return -EINVAL;
	}
	s->n_ports = (uint16_t)(last - s->first_port + 1);
	return 0;
}

/* Whether @text is in brackets.  *@ret_inner is then what they enclose, otherwise @text. */
static bool cut_brackets(char *text, char **ret_inner)
{
	size_t len = strlen(text);
	bool enclosed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	if (enclosed)
		text[len - 1] = '\0';
	*ret_inner = enclosed ? text + 1 : text;
	return enclosed;
}

/* The address before a port. */
static int parse_address(char *text, struct ip_addr *ret)
{
	if (strcmp(text, "*") == 0) {
		*ret = (struct ip_addr){ 0 };
		return 0;
	}
	bool in_brackets = cut_brackets(text, &text);
	return !in_brackets && strchr(text, ':') ? -EINVAL : ip_parse(text, ret);
}

static int parse_host(char *text, struct forward_spec *s, const char **ret_why)
{
	if (strncmp(text, "unix:", 5) == 0) {
		if (s->protocol == FORWARD_UDP) {
			*ret_why = "a unix socket is for tcp only";
			return -EINVAL;
		}
		/* lanlet may have been started in another directory than the client that sends this. */
		if (text[5] != '/' || strlen(text + 5) >= sizeof(s->unix_path)) {
			*ret_why = "the path of a unix socket has to be absolute, and to have at most 107 bytes";
			return -EINVAL;
		}
		strcpy(s->unix_path, text + 5);
		return 0;
	}
	char *ports = strrchr(text, ':');
	s->address = ip_from_ip4(IP4(127, 0, 0, 1));
	if (!ports)
		return parse_ports(text, s, ret_why);
	*ports++ = '\0';
	if (parse_address(text, &s->address) < 0) {
		*ret_why = "the host's address has to be an IPv4 address, an IPv6 address in brackets, or *";
		return -EINVAL;
	}
	return parse_ports(ports, s, ret_why);
}

static bool is_ipv6(const struct guest_ref *g)
{
	return g->kind == GUEST_REF_ADDRESS && !ip_is_v4(&g->ip);
}

static int parse_guest(char *text, struct forward_spec *s, const char **ret_why)
{
	char *port = strrchr(text, ':');
	if (!port) {
		*ret_why = "the guest's port is missing";
		return -EINVAL;
	}
	*port++ = '\0';
	if (parse_port(port, &s->guest_port) < 0 || (s->n_ports > 0 && s->guest_port + s->n_ports - 1 > UINT16_MAX)) {
		*ret_why = "the guest's ports have to be from 1 to 65535";
		return -EINVAL;
	}
	bool in_brackets = cut_brackets(text, &text);
	if (guest_ref_parse(text, &s->guest) < 0 || in_brackets != is_ipv6(&s->guest)) {
		*ret_why = "a guest is a name without dots, a MAC, an IPv4 address, or an IPv6 address in brackets";
		return -EINVAL;
	}
	return 0;
}

static const char *const protocols[] = { [FORWARD_TCP] = "tcp", [FORWARD_UDP] = "udp", [FORWARD_PROXY] = "proxy" };

const char *forward_protocol_name(enum forward_protocol protocol)
{
	return protocols[protocol];
}

static int parse_protocol(const char *text, enum forward_protocol *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (strcmp(text, protocols[i]) != 0)
			continue;
		*ret = (enum forward_protocol)i;
		return 0;
	}
	return -EINVAL;
}

/* A client that reaches a proxy reaches every guest. */
static int check_proxy(const struct forward_spec *s, const char **ret_why)
{
	static const struct prefix4 loopback = { IP4(127, 0, 0, 0), 8 };
	bool loops = ip_is_v4(&s->address) ? prefix4_contains(loopback, ip_to_ip4(&s->address)) : ip_equal(&s->address, &IP6_LOOPBACK);
	if (!s->unix_path[0] && (s->n_ports != 1 || !loops)) {
		*ret_why = "a proxy listens on one port of a loopback address, or on a unix socket, because it reaches every guest";
		return -EINVAL;
	}
	return 0;
}

int forward_spec_parse(const char *text, struct forward_spec *ret, const char **ret_why)
{
	char copy[FORWARD_TEXT_SIZE], *rest = copy;
	struct forward_spec s = { 0 };
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return -EINVAL;
	char *protocol = strsep(&rest, " "), *host = strsep(&rest, " "), *guest = rest;
	if (parse_protocol(protocol, &s.protocol) < 0 || !host || !guest != (s.protocol == FORWARD_PROXY) || (guest && strchr(guest, ' ')))
		return -EINVAL;
	if (parse_host(host, &s, ret_why) < 0)
		return -EINVAL;
	if (guest ? parse_guest(guest, &s, ret_why) < 0 : check_proxy(&s, ret_why) < 0)
		return -EINVAL;
	*ret = s;
	return 0;
}

static void format_address(const struct ip_addr *a, char *ret, size_t size)
{
	char text[IP_TEXT_SIZE];
	if (ip_is_unspecified(a))
		snprintf(ret, size, "*");
	else
		snprintf(ret, size, ip_is_v4(a) ? "%s" : "[%s]", ip_format(a, text));
}

const char *forward_spec_format_host(const struct forward_spec *s, char ret[static FORWARD_TEXT_SIZE])
{
	char address[IP_TEXT_SIZE + 2], range[PORT_TEXT_SIZE] = "";
	if (s->unix_path[0]) {
		snprintf(ret, FORWARD_TEXT_SIZE, "unix:%s", s->unix_path);
		return ret;
	}
	format_address(&s->address, address, sizeof(address));
	if (s->n_ports > 1)
		snprintf(range, sizeof(range), "-%u", s->first_port + s->n_ports - 1u);
	snprintf(ret, FORWARD_TEXT_SIZE, "%s:%u%s", address, s->first_port, range);
	return ret;
}

const char *forward_spec_format_guest(const struct forward_spec *s, char ret[static FORWARD_TEXT_SIZE])
{
	char guest[GUEST_REF_TEXT_SIZE];
	ret[0] = '\0';
	if (s->protocol == FORWARD_PROXY)
		return ret;
	snprintf(ret, FORWARD_TEXT_SIZE, is_ipv6(&s->guest) ? "[%s]:%u" : "%s:%u", guest_ref_format(&s->guest, guest), s->guest_port);
	return ret;
}

const char *forward_spec_format(const struct forward_spec *s, char ret[static FORWARD_TEXT_SIZE])
{
	char host[FORWARD_TEXT_SIZE], guest[FORWARD_TEXT_SIZE];
	int n = snprintf(ret, FORWARD_TEXT_SIZE, "%s %s%s%s", forward_protocol_name(s->protocol), forward_spec_format_host(s, host),
			 s->protocol == FORWARD_PROXY ? "" : " ", forward_spec_format_guest(s, guest));
	assert(n < FORWARD_TEXT_SIZE);
	(void)n;
	return ret;
}

bool forward_spec_is_equal(const struct forward_spec *a, const struct forward_spec *b)
{
	bool same_host = a->protocol == b->protocol && a->first_port == b->first_port && a->n_ports == b->n_ports &&
			 ip_equal(&a->address, &b->address) && strcmp(a->unix_path, b->unix_path) == 0;
	return same_host && a->guest_port == b->guest_port && guest_ref_is_equal(&a->guest, &b->guest);
}

bool forward_spec_collides(const struct forward_spec *a, const struct forward_spec *b)
{
	if (a->unix_path[0] || b->unix_path[0])
		return strcmp(a->unix_path, b->unix_path) == 0;
	bool same_address = ip_equal(&a->address, &b->address) || ip_is_unspecified(&a->address) || ip_is_unspecified(&b->address);
	bool same_family = (a->protocol == FORWARD_UDP) == (b->protocol == FORWARD_UDP);
	return same_family && same_address && a->first_port < b->first_port + b->n_ports && b->first_port < a->first_port + a->n_ports;
}
