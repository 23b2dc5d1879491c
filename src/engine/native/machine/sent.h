/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP header fields of the packets that a guest sent lately in a flow.  The kernel returns the payload of a packet with the ICMP error about
 * it, but not the guest's header, which the guest gets back with the error (RFC 792, RFC 5508 REQ-4).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NATIVE_SENT_MAX 16u /* as many probes as traceroute has under way */

struct ip_header;

/* Zeroed at first. */
struct native_sent {
	uint16_t keys[NATIVE_SENT_MAX]; /* what tells the packets of a flow from each other: the protocol's choice */
	uint16_t ids[NATIVE_SENT_MAX];
	uint8_t tos[NATIVE_SENT_MAX];
	uint16_t has_df; /* bit i: packet i had DF */
	uint8_t next;    /* the oldest one, which is forgotten next */
};

/* A packet with these fields was sent. */
void native_sent_add(struct native_sent *s, uint16_t key, uint8_t tos, bool has_df, uint16_t id);
/* Sets id, traffic class (TOS) and DF of the last packet with @key; false, and they are unchanged, when it was forgotten. */
bool native_sent_find(const struct native_sent *s, uint16_t key, struct ip_header *ret);
