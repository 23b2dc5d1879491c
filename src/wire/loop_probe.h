/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loop probe: the frame that a segment sends out of a port to find out whether it comes back through another one.  It has
 * an ethertype for local use (IEEE 802-2014 §9.2.4), then
 *
 *     0  "lanp"    4  version, 1    8  segment (be64)    16  port (be32)    20  sequence (be32)    24  tag (be64)
 *
 * Its destination is a group address that no host listens to and that every switch floods.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define LOOP_PROBE_ETHERTYPE 0x88b5
#define LOOP_PROBE_LEN 60 /* a whole frame, padded to Ethernet's minimum */
#define LOOP_PROBE_GROUP ((struct mac){ { 0x03, 'l', 'a', 'n', 'l', 'p' } })

struct loop_probe {
	uint64_t segment; /* random number of the sending segment */
	uint32_t port;
	uint32_t sequence;
	uint64_t tag; /* lets the sender recognise its own probes */
};

/* @r starts behind the Ethernet header.  -EPROTOTYPE when it is not a probe, -EBADMSG when truncated. */
int loop_probe_parse(struct bytes_reader *r, struct loop_probe *ret);
/* Writes a whole frame of LOOP_PROBE_LEN bytes. */
void loop_probe_emit(struct bytes_writer *w, struct mac src, const struct loop_probe *p);
