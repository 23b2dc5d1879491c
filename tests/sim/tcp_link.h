/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two TCP machines joined by a link that loses, duplicates, delays and reorders packets, with streams of known bytes
 * on their host sides.  Deterministic for a seed and the figures of the link.
 */
#pragma once

#include "base/usec.h"
#include "engine/native/machine/tcp_flow.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp_link_config {
	uint32_t seed;
	double loss, duplicates, late; /* shares of packets; late ones take half a delay longer */
	usec_t delay;                  /* one way */
	size_t to_guest, to_host;      /* bytes of each side's stream */
	uint32_t host_takes;           /* bytes that a host side reads in a millisecond; 0: unlimited */
	uint16_t mss;
	usec_t limit; /* longest simulated time */
};

struct tcp_link_result {
	bool complete;    /* all bytes and both FINs were delivered, both flows have ended */
	bool intact;      /* and all bytes were correct */
	usec_t took;      /* until the last byte was delivered */
	unsigned packets; /* sent by both sides */
};

struct tcp_link_result tcp_link_run(const struct tcp_link_config *config);
