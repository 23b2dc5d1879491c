/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port forwarding: a forward as text and as a value.  It says which host ports (or which unix socket) lead to which ports of which
 * guest, as "published ports" of a container do.
 *
 *     tcp|udp [ADDRESS:]PORT[-PORT] GUEST:PORT
 *     tcp unix:PATH GUEST:PORT
 *     proxy [ADDRESS:]PORT
 *     proxy unix:PATH
 *
 * ADDRESS is 127.0.0.1 by default; `*` is all addresses of both families.  GUEST is a name, a MAC or an address.  IPv6 addresses are
 * written in brackets.  The first port of a range leads to the guest's PORT, the second to the next one.  A proxy listens on loopback
 * addresses and unix sockets only, because it reaches every guest.
 */
#pragma once

#include "base/addr.h"
#include "options/guest_ref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORWARD_UNIX_PATH_SIZE 108 /* sun_path of a struct sockaddr_un */
#define FORWARD_PORTS_MAX 1024u    /* each takes a descriptor */
#define FORWARD_TEXT_SIZE 256      /* any forward as text, with its NUL */

enum forward_protocol {
	FORWARD_TCP,
	FORWARD_UDP,
	FORWARD_PROXY, /* a TCP port whose clients name the guest: SOCKS 5 or HTTP CONNECT */
};

struct forward_spec {
	enum forward_protocol protocol;
	char unix_path[FORWARD_UNIX_PATH_SIZE]; /* "": address and ports are used */
	struct ip_addr address;                 /* all zeroes, which is IPv6's ::, is all addresses of both families */
	uint16_t first_port, n_ports;
	struct guest_ref guest;
	uint16_t guest_port; /* where the first host port leads */
};

/* -EINVAL, with a static reason in *@ret_why where the text that the option accepts does not say it all. */
int forward_spec_parse(const char *text, struct forward_spec *ret, const char **ret_why);
/* Canonical: equal forwards are equal texts. */
const char *forward_spec_format(const struct forward_spec *s, char ret[static FORWARD_TEXT_SIZE]);
/* The host's side: "127.0.0.1:8080", "[::1]:8000-8010", "unix:/run/x". */
const char *forward_spec_format_host(const struct forward_spec *s, char ret[static FORWARD_TEXT_SIZE]);
/* The guest's side: "web:80"; "" for a proxy. */
const char *forward_spec_format_guest(const struct forward_spec *s, char ret[static FORWARD_TEXT_SIZE]);
bool forward_spec_is_equal(const struct forward_spec *a, const struct forward_spec *b);
const char *forward_protocol_name(enum forward_protocol protocol);
/* Whether both need the same host port. */
bool forward_spec_collides(const struct forward_spec *a, const struct forward_spec *b);
