/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes pcapng of a capture's records.  Interfaces are ports, in the order in which records of them come.
 *
 * What a frame leaves undone is done as far as it does not change what the frame is: a partial checksum is completed in the
 * record, if all of the frame is there, so that it is what any receiver takes for right; a super-frame stays one.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

struct capture_record;

struct capture_writer {
	const char *network, *version; /* borrowed */
	const char *filter;            /* NULL: none; borrowed */
	uint32_t snaplen;
	GHashTable *interfaces; /* port id -> index in counts */
	GArray *counts;
};

/* The other members are set. */
void capture_writer_init(struct capture_writer *w);
void capture_writer_done(struct capture_writer *w);

/* What a stream begins with. */
void capture_writer_begin(struct capture_writer *w, GString *out);
/* Completes @r's checksum in place. */
void capture_writer_put(struct capture_writer *w, GString *out, struct capture_record *r);
/* Counters of every interface so far; @lost more than the records have told were lost. */
void capture_writer_put_statistics(struct capture_writer *w, GString *out, uint64_t lost);
