/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame by which a segment finds out whether what it sends out of one port comes back by another: an ethertype for
 * local use (IEEE 802-2014 §9.2.4), then
 *
 *     0  "lanp"    4  version, 1    8  segment (be64)    16  port (be32)    20  sequence (be32)    24  tag (be64)
 *
 * Its destination is a group address that nobody listens to and every switch floods.
 */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define LOOP_PROBE_ETHERTYPE 0x88b5
#define LOOP_PROBE_LEN 60 /* a whole frame, padded to Ethernet's least */
#define LOOP_PROBE_GROUP ((struct mac){ { 0x03, 'l', 'a', 'n', 'l', 'p' } })

struct loop_probe {
	uint64_t segment; /* random, of who sent it */
	uint32_t port;
	uint32_t sequence;
	uint64_t tag; /* by which the sender knows its own */
};

/* From behind the Ethernet header.  -EPROTOTYPE when it is something else, -EBADMSG when truncated. */
int loop_probe_parse(struct bytes_reader *r, struct loop_probe *ret);
/* A whole frame of LOOP_PROBE_LEN bytes. */
void loop_probe_emit(struct bytes_writer *w, struct mac src, const struct loop_probe *p);
