/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two TCP machines joined by a link that loses, repeats, delays and reorders, with streams of known bytes
 * on their host sides.  Deterministic: a seed and the figures of the link decide everything.
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
	size_t to_guest, to_host;      /* bytes each side's stream has */
	uint32_t host_takes;           /* bytes a host side takes in a millisecond; 0: everything at once */
	uint16_t mss;
	usec_t limit; /* gives up then */
};

struct tcp_link_result {
	bool complete;    /* every byte arrived, both FINs were passed on, both flows ended */
	bool intact;      /* and every byte was right */
	usec_t took;      /* until the last byte was delivered */
	unsigned packets; /* sent by both sides */
};

struct tcp_link_result tcp_link_run(const struct tcp_link_config *config);
