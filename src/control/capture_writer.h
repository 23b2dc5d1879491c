/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the records of a capture as pcapng.  Interfaces are ports, in the order of their first records.
 *
 * A partial checksum is completed in the record, if the whole frame is there, so that readers do not report it as wrong; a super-frame is
 * not split.
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

/* The start of a stream. */
void capture_writer_begin(struct capture_writer *w, GString *out);
/* Completes the checksum of @r in place. */
void capture_writer_put(struct capture_writer *w, GString *out, struct capture_record *r);
/* The counters of all interfaces.  @lost: lost records that no record has reported yet. */
void capture_writer_put_statistics(struct capture_writer *w, GString *out, uint64_t lost);
