/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture: copies of frames that pass, on their way from the network's thread to whoever reads them, on another one.  The network
 * runs any number at once, each with a ring of its own (capture_ring.h): what a slow reader leaves no room for is lost
 * to that capture, counted, and nothing else happens.
 *
 * A capture of the whole segment has each frame once, as it enters by a port, and what the switch itself says.  One of a port has
 * what goes in and out there; one of a guest likewise, of the port that the guest is at, and nothing that is for its neighbours there.
 *
 * Made and freed by the reader, running between capture_start() and capture_stop(), which the network's thread calls.  The records,
 * counters and what decides on frames are that thread's while it runs.
 */
#pragma once

#include "base/drop.h"
#include "base/usec.h"
#include "lan/frame.h"
#include "lan/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;
struct lanlet_network;

#define CAPTURE_RING_BYTES ((size_t)4 * 1024 * 1024)
#define CAPTURES_MAX 64u /* at once: what they can take of the memory */
#define CAPTURE_TEXT_SIZE 256
#define CAPTURE_SNAPLEN_MAX 262144u /* as with tcpdump, and longer than any frame */

enum capture_of {
	CAPTURE_OF_SEGMENT,
	CAPTURE_OF_PORT,
	CAPTURE_OF_GUEST,
};

struct capture_config {
	enum capture_of of;
	char who[CAPTURE_TEXT_SIZE];         /* of a port: its number or name; of a guest: its MAC, address or name */
	char filter_text[CAPTURE_TEXT_SIZE]; /* for people */
	bool drops;                          /* what is dropped too, in a record of its own */
	uint32_t snaplen;                    /* bytes of each frame that are kept */
	/*
	 * Whether a frame of @len bytes, of which those that the filter can look at, @reach of them at most, are at @bytes, is wanted.
	 * NULL: any is. On the network's thread.
	 */
	bool (*wants)(const void *filter, const uint8_t *bytes, size_t n, size_t len);
	const void *filter;
	size_t reach;
	/* There is something to read, or the end.  On the network's thread, once a turn at most. */
	void (*readable)(void *opaque);
	void *opaque;
};

enum capture_kind {
	CAPTURE_PORT,  /* there is such a port; no bytes */
	CAPTURE_FRAME, /* a frame passed it */
	CAPTURE_DROP,  /* a frame was dropped */
};

struct capture_record {
	enum capture_kind kind;
	unsigned port_id;
	char port[PORT_NAME_SIZE];
	const char *port_kind; /* static */
	bool outbound;         /* out of the port; else from it into the segment */
	enum drop_reason why;
	uint64_t when_ns; /* since 1970 */
	uint64_t lost;    /* records that there was no room for since the one before */
	enum frame_checksum checksum;
	uint16_t csum_start, csum_offset;
	enum frame_gso gso;
	uint16_t gso_size;
	uint32_t len, captured;
	uint8_t bytes[]; /* captured */
};

/* -ENOMEM. */
int capture_new(const struct capture_config *config, struct capture **ret);
/* @c does not run.  NULL is fine. */
void capture_free(struct capture *c);

/*
 * Begins, with a record of each port that it can have frames of.  -ENOENT: there is no such port or guest; -EUSERS: enough are running.
 */
int capture_start(struct lanlet_network *n, usec_t now, struct capture *c);
/* Harmless when it does not run. */
void capture_stop(struct lanlet_network *n, struct capture *c);

/* From 1 on, never used again; 0: it was never started. */
unsigned capture_id(const struct capture *c);
/* Whether its port has gone: no record will come any more.  Any thread. */
bool capture_is_over(const struct capture *c);
/* How many lost records no record has told of.  When it does not run. */
uint64_t capture_untold(const struct capture *c);

/* The reader's: the oldest record, whose bytes it may change, until it is released; NULL: none now. */
struct capture_record *capture_read(struct capture *c);
void capture_release(struct capture *c);
