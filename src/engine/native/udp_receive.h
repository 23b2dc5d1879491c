/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading UDP sockets: those of mappings, which are for one port of one guest, and those of listeners, which are for many. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct guest;
struct native_datagram;
struct udp_listener;

/* What a socket has delivered lately, and so how it is read next.  Zeroed at first. */
struct udp_habits {
	uint16_t expected; /* payload bytes of the next datagrams, 0: unknown */
	uint8_t appetite;  /* messages to read in one call; 0: the minimum */
	bool gro;          /* UDP_GRO is on */
	bool coalesced;    /* the last message held several datagrams */
};

struct udp_reader {
	struct engine *engine;
	int fd;
	struct udp_habits *habits;
	struct udp_listener *listener; /* NULL: the socket of a mapping */
	struct native_datagram *flow;  /* of the mapping; of a listener the one that is expected, NULL: not known */
};

/*
 * Whether datagrams should stay in the socket because the port of @guest has much to send.  The kernel drops what does not fit there, for
 * less than it takes to read it.
 */
bool udp_read_should_wait(struct engine *e, usec_t now, const struct guest *guest);
/* Passes some of the socket's datagrams to guests; false when none are left. */
bool udp_read(struct udp_reader *r, usec_t now);
