/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng, the file format of captures (draft-ietf-opsawg-pcapng): blocks, which are appended to a writer one behind the
 * other.  Little-endian whatever the machine, times in nanoseconds.  Only what a capture of Ethernet needs.
 *
 * A section block comes first.  Each interface has its block before the first packet of it: they are numbered from 0 in the
 * order of their blocks.
 */
#pragma once

#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

/* Longest text of an option; what is longer is cut. */
#define PCAPNG_TEXT_MAX 1024u

enum pcapng_block_type {
	PCAPNG_SECTION = 0x0a0d0d0a,
	PCAPNG_INTERFACE = 1,
	PCAPNG_STATISTICS = 5,
	PCAPNG_PACKET = 6,
};

/* NULL: not said. */
struct pcapng_section {
	const char *os, *application;
};

struct pcapng_interface {
	const char *name, *description, *filter; /* NULL: not said */
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
	bool checksum_unfinished; /* left to whoever sends it on */
	bool segmentation;        /* so is cutting it up */
	uint64_t lost;            /* packets before this one that are missing */
	const char *comment;      /* NULL: none */
};

struct pcapng_statistics {
	uint32_t interface;
	uint64_t when_ns, started_ns;
	uint64_t received, lost;
};

/* Room that a packet's block needs at most. */
size_t pcapng_packet_room(const struct pcapng_packet *p);
/* The same of any other block. */
#define PCAPNG_BLOCK_ROOM (3 * (PCAPNG_TEXT_MAX + 8) + 128)

void pcapng_put_section(struct bytes_writer *w, const struct pcapng_section *s);
void pcapng_put_interface(struct bytes_writer *w, const struct pcapng_interface *i);
void pcapng_put_packet(struct bytes_writer *w, const struct pcapng_packet *p);
void pcapng_put_statistics(struct bytes_writer *w, const struct pcapng_statistics *s);

/* The block at the beginning of some bytes of ours. */
struct pcapng_block {
	uint32_t type;
	uint32_t len;       /* all of it */
	uint32_t interface; /* of a packet or statistics */
	uint64_t lost;      /* as it was put there */
};

/*
 * 1: @ret is the block that @bytes begin with, all of which is there.  0: more bytes are needed, *@ret_need in all.  -EBADMSG: it is
 * none of ours, or longer than any of them.
 */
int pcapng_parse_block(const void *bytes, size_t len, struct pcapng_block *ret, size_t *ret_need);
