/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a forward is, as people write it and as a value: which ports (or which unix socket) of the host lead to which ports
 * of which guest.
 *
 *     tcp|udp [ADDRESS:]PORT[-PORT] GUEST:PORT
 *     tcp unix:PATH GUEST:PORT
 *     proxy [ADDRESS:]PORT
 *     proxy unix:PATH
 *
 * ADDRESS is 127.0.0.1 when it is left out, an IPv6 address stands in brackets, `*` is all addresses of both families.  GUEST
 * is a name, a MAC or an address.  Of a range, the first port leads to the guest's PORT, the second to the next one.  A proxy listens where
 * only this machine comes.
 */
#pragma once

#include "base/addr.h"
#include "options/guest_ref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORWARD_UNIX_PATH_SIZE 108 /* what an address of a unix socket holds */
#define FORWARD_PORTS_MAX 1024u    /* a descriptor each */
#define FORWARD_TEXT_SIZE 256      /* any forward as text, and NUL */

enum forward_protocol {
	FORWARD_TCP,
	FORWARD_UDP,
	FORWARD_PROXY, /* TCP whose clients say themselves where they want to go: no guest and no port of it */
};

struct forward_spec {
	enum forward_protocol protocol;
	char unix_path[FORWARD_UNIX_PATH_SIZE]; /* "": address and ports count */
	struct ip_addr address;                 /* all zeroes, which is IPv6's ::, means all of both families */
	uint16_t first_port, n_ports;
	struct guest_ref guest;
	uint16_t guest_port; /* of the first one */
};

/* -EINVAL, with a reason that lives for ever in *@ret_why when more can be said than what is expected. */
int forward_spec_parse(const char *text, struct forward_spec *ret, const char **ret_why);
/* In one way only, so that equal forwards are equal texts. */
const char *forward_spec_format(const struct forward_spec *s, char ret[static FORWARD_TEXT_SIZE]);
/* The host's side of it: "127.0.0.1:8080", "[::1]:8000-8010", "unix:/run/x". */
const char *forward_spec_format_host(const struct forward_spec *s, char ret[static FORWARD_TEXT_SIZE]);
/* The guest's side: "web:80"; "" of a proxy. */
const char *forward_spec_format_guest(const struct forward_spec *s, char ret[static FORWARD_TEXT_SIZE]);
bool forward_spec_is_equal(const struct forward_spec *a, const struct forward_spec *b);
const char *forward_protocol_name(enum forward_protocol protocol);
/* Both ask for one port of the host. */
bool forward_spec_collides(const struct forward_spec *a, const struct forward_spec *b);
