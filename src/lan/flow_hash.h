/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash of the flow that a frame belongs to, the same in both directions.  It spreads a guest's flows over queues.  A TCP flow has two
 * ends; all that a guest's UDP port sends and receives is one flow.
 *
 * The hash is not keyed.  It affects speed only, and a guest that provokes collisions slows down only its own flows.
 */
#pragma once

#include <stdint.h>

struct frame;
struct ip_endpoint;

enum flow_end {
	FLOW_END_SOURCE,
	FLOW_END_DESTINATION,
};

/* @guest is the guest's end, the other one is NULL for UDP. */
uint32_t flow_hash(const struct ip_endpoint *guest, const struct ip_endpoint *other);
/*
 * The hash of a frame, of which @guest is the guest's end.  TCP and UDP as above; other IP packets, and fragments, by both addresses;
 * 0 for a frame that is not IP.
 */
uint32_t flow_hash_frame(const struct frame *f, enum flow_end guest);
