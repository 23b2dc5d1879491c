/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng, the file format of captures (draft-ietf-opsawg-pcapng), as far as a capture of Ethernet needs it.  Blocks are appended
 * to a writer.  Little-endian on every machine, times in nanoseconds.
 *
 * The section block comes first.  An interface's block comes before the first packet of that interface; interfaces are numbered
 * from 0 in the order of their blocks.
 */
#pragma once

#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

/* Longest text of an option, in bytes; longer text is truncated. */
#define PCAPNG_TEXT_MAX 1024u

enum pcapng_block_type {
	PCAPNG_SECTION = 0x0a0d0d0a,
	PCAPNG_INTERFACE = 1,
	PCAPNG_STATISTICS = 5,
	PCAPNG_PACKET = 6,
};

/* NULL: option omitted. */
struct pcapng_section {
	const char *os, *application;
};

struct pcapng_interface {
	const char *name, *description, *filter; /* NULL: option omitted */
	uint32_t snaplen;                        /* 0: no limit */
};

enum pcapng_direction {
	PCAPNG_INBOUND = 1,
	PCAPNG_OUTBOUND = 2,
};

struct pcapng_packet {
	uint32_t interface;
	uint64_t when_ns;  /* since 1970 */
	uint32_t len;      /* on the wire */
	uint32_t captured; /* bytes at @bytes, at most len */
	const void *bytes;
	enum pcapng_direction direction;
	bool checksum_unfinished; /* offloaded: the frame was captured before its checksum was computed */
	bool segmentation;        /* offloaded: the frame was captured before it was segmented */
	uint64_t lost;            /* packets missing in front of this one */
	const char *comment;      /* NULL: none */
};

struct pcapng_statistics {
	uint32_t interface;
	uint64_t when_ns, started_ns;
	uint64_t received, lost;
};

/* Upper bound of the size of a packet's block. */
size_t pcapng_packet_room(const struct pcapng_packet *p);
/* The same for any other block. */
#define PCAPNG_BLOCK_ROOM (3 * (PCAPNG_TEXT_MAX + 8) + 128)

void pcapng_put_section(struct bytes_writer *w, const struct pcapng_section *s);
void pcapng_put_interface(struct bytes_writer *w, const struct pcapng_interface *i);
void pcapng_put_packet(struct bytes_writer *w, const struct pcapng_packet *p);
void pcapng_put_statistics(struct bytes_writer *w, const struct pcapng_statistics *s);

/* A block, read back. */
struct pcapng_block {
	uint32_t type;
	uint32_t len;       /* of the whole block */
	uint32_t interface; /* of a packet or statistics block */
	uint64_t lost;      /* as written */
};

/*
 * Reads the block at the start of @bytes, which pcapng_put_…() wrote.  1: it is complete and in @ret.  0: *@ret_need bytes are
 * needed.  -EBADMSG: its length is impossible.
 */
int pcapng_parse_block(const void *bytes, size_t len, struct pcapng_block *ret, size_t *ret_need);
