/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet capture: copies of frames, from the network's thread to a reader on another thread.  Up to CAPTURES_MAX run at once, each with
 * a ring (capture_ring.h).  When a slow reader leaves no room in the ring, that capture loses records and counts them, and nothing waits.
 *
 * A capture of the segment has each frame once, as it enters the switch.  A capture of a port has the frames that go in and out there.  A
 * capture of a guest has those of the port where the guest is, without frames for other guests at that port.
 *
 * The reader makes and frees a capture.  It runs between capture_start() and capture_stop(), which the network's thread calls; meanwhile
 * that thread owns all of it but the reading end of the ring.
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
#define CAPTURES_MAX 64u /* at once: bounds their memory */
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
	char filter_text[CAPTURE_TEXT_SIZE]; /* as it is shown */
	bool drops;                          /* dropped frames too, as records of their own */
	uint32_t snaplen;                    /* bytes of each frame that are kept */
	/*
	 * Whether the filter takes a frame of @len bytes, of which the first @n, at most @reach, are at @bytes.  NULL: all frames.  On
	 * the network's thread.
	 */
	bool (*wants)(const void *filter, const uint8_t *bytes, size_t n, size_t len);
	const void *filter;
	size_t reach;
	/* Records can be read, or the capture is over.  On the network's thread, at most once per turn. */
	void (*readable)(void *opaque);
	void *opaque;
};

enum capture_kind {
	CAPTURE_PORT,  /* names a port; has no bytes */
	CAPTURE_FRAME, /* a frame went in or out */
	CAPTURE_DROP,  /* a frame was dropped */
};

struct capture_record {
	enum capture_kind kind;
	unsigned port_id;
	char port[PORT_NAME_SIZE];
	const char *port_kind; /* static */
	bool outbound;         /* from the segment out of the port; otherwise into the segment */
	enum drop_reason why;
	uint64_t when_ns; /* since 1970 */
	uint64_t lost;    /* records that found no room since the record before */
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
 * Begins, with a record for each port that frames may come from.  -ENOENT: there is no such port or guest; -EUSERS: CAPTURES_MAX are
 * running.
 */
int capture_start(struct lanlet_network *n, usec_t now, struct capture *c);
/* Harmless when it does not run. */
void capture_stop(struct lanlet_network *n, struct capture *c);

/* From 1 on, never used again; 0: it was never started. */
unsigned capture_id(const struct capture *c);
/* Whether its port has gone: no record will come any more.  Any thread. */
bool capture_is_over(const struct capture *c);
/* How many lost records no record has reported.  Only while the capture does not run. */
uint64_t capture_untold(const struct capture *c);

/* For the reader: the oldest record, whose bytes the reader may change until it releases the record; NULL: none now. */
struct capture_record *capture_read(struct capture *c);
void capture_release(struct capture *c);
