/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number for the conversation of a guest that a frame belongs to, the same in both directions: what spreads conversations over
 * queues.  A conversation by TCP has two ends; what a guest's UDP port exchanges, with whomever, is one.
 *
 * It decides about speed alone and is not keyed: who makes conversations meet makes only his own wait for one another.
 */
#pragma once

#include <stdint.h>

struct frame;
struct ip_endpoint;

enum flow_end {
	FLOW_END_SOURCE,
	FLOW_END_DESTINATION,
};

/* The guest's end and the other one, NULL for UDP. */
uint32_t flow_hash(const struct ip_endpoint *guest, const struct ip_endpoint *other);
/*
 * The same for a frame of TCP or UDP, of which the guest is the @guest; of other IP packets, fragments among them, by both
 * addresses; of what is not IP 0.
 */
uint32_t flow_hash_frame(const struct frame *f, enum flow_end guest);
