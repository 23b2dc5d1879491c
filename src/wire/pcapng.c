/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/pcapng.h"

#include <errno.h>

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1
#define BLOCK_EMPTY_LEN 12u /* type and length in front, length behind */
#define BLOCK_LEN_MAX ((uint32_t)1024 * 1024)
#define NANOSECONDS 9 /* 10^-9 */

/* Of all blocks, then of each type (§3.5, §4). */
enum option_code {
	OPT_END = 0,
	OPT_COMMENT = 1,
	SHB_OS = 3,
	SHB_APPLICATION = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_TSRESOL = 9,
	IF_FILTER = 11,
	EPB_FLAGS = 2,
	EPB_DROPCOUNT = 4,
	ISB_STARTTIME = 2,
	ISB_ENDTIME = 3,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
};

/* epb_flags (§4.3.1) */
enum {
	FLAGS_RECEPTION_SHIFT = 2,
	FLAGS_UNICAST = 1,
	FLAGS_MULTICAST = 2,
	FLAGS_BROADCAST = 3,
	FLAGS_CHECKSUM_NOT_READY = 1 << 9,
	FLAGS_SEGMENTATION = 1 << 11,
};

static void put_le16(struct bytes_writer *w, uint16_t v)
{
	bytes_put(w, (uint8_t[]){ (uint8_t)v, (uint8_t)(v >> 8) }, 2);
}

static void put_le32(struct bytes_writer *w, uint32_t v)
{
	put_le16(w, (uint16_t)v);
	put_le16(w, (uint16_t)(v >> 16));
}

static void put_le64(struct bytes_writer *w, uint64_t v)
{
	put_le32(w, (uint32_t)v);
	put_le32(w, (uint32_t)(v >> 32));
}

/* Timestamps, unlike other 64-bit numbers, have their high half first. */
static void put_time(struct bytes_writer *w, uint64_t ns)
{
	put_le32(w, (uint32_t)(ns >> 32));
	put_le32(w, (uint32_t)ns);
}

static size_t padding(size_t len)
{
	return -len & 3;
}

static void put_padded(struct bytes_writer *w, const void *bytes, size_t len)
{
	bytes_put(w, bytes, len);
	bytes_put_zeros(w, padding(len));
}

static void put_text(struct bytes_writer *w, enum option_code code, const char *text)
{
	if (!text)
		return;
	size_t len = strnlen(text, PCAPNG_TEXT_MAX);
	put_le16(w, (uint16_t)code);
	put_le16(w, (uint16_t)len);
	put_padded(w, text, len);
}

static void put_option_head(struct bytes_writer *w, enum option_code code, uint16_t len)
{
	put_le16(w, (uint16_t)code);
	put_le16(w, len);
}

static void put_number(struct bytes_writer *w, enum option_code code, uint64_t number)
{
	put_option_head(w, code, 8);
	put_le64(w, number);
}

static void put_time_option(struct bytes_writer *w, enum option_code code, uint64_t ns)
{
	put_option_head(w, code, 8);
	put_time(w, ns);
}

/* Returns where the block begins, for end(). */
static size_t begin(struct bytes_writer *w, enum pcapng_block_type type)
{
	size_t start = w->len;
	put_le32(w, type);
	put_le32(w, 0);
	return start;
}

static void end(struct bytes_writer *w, size_t start)
{
	put_option_head(w, OPT_END, 0);
	uint32_t len = (uint32_t)(w->len - start + 4);
	put_le32(w, len);
	if (w->failed)
		return;
	struct bytes_writer length = bytes_writer(w->data + start + 4, 4);
	put_le32(&length, len);
}

void pcapng_put_section(struct bytes_writer *w, const struct pcapng_section *s)
{
	size_t start = begin(w, PCAPNG_SECTION);
	put_le32(w, BYTE_ORDER_MAGIC);
	put_le16(w, 1); /* version 1.0 */
	put_le16(w, 0);
	put_le64(w, UINT64_MAX); /* length of the section: not known */
	put_text(w, SHB_OS, s->os);
	put_text(w, SHB_APPLICATION, s->application);
	end(w, start);
}

/* The first byte of an if_filter is its kind: 0 is text (§4.2). */
static void put_filter(struct bytes_writer *w, const char *filter)
{
	if (!filter)
		return;
	size_t len = strnlen(filter, PCAPNG_TEXT_MAX - 1) + 1;
	put_option_head(w, IF_FILTER, (uint16_t)len);
	bytes_put_u8(w, 0);
	bytes_put(w, filter, len - 1);
	bytes_put_zeros(w, padding(len));
}

void pcapng_put_interface(struct bytes_writer *w, const struct pcapng_interface *i)
{
	size_t start = begin(w, PCAPNG_INTERFACE);
	put_le16(w, LINKTYPE_ETHERNET);
	put_le16(w, 0);
	put_le32(w, i->snaplen);
	put_text(w, IF_NAME, i->name);
	put_text(w, IF_DESCRIPTION, i->description);
	put_option_head(w, IF_TSRESOL, 1);
	put_padded(w, (uint8_t[]){ NANOSECONDS }, 1);
	put_filter(w, i->filter);
	end(w, start);
}

static uint32_t reception(const struct pcapng_packet *p)
{
	static const uint8_t broadcast[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const uint8_t *destination = p->bytes;
	if (p->captured < sizeof(broadcast))
		return 0;
	if (memcmp(destination, broadcast, sizeof(broadcast)) == 0)
		return FLAGS_BROADCAST;
	return destination[0] & 1 ? FLAGS_MULTICAST : FLAGS_UNICAST;
}

static uint32_t flags_of(const struct pcapng_packet *p)
{
	uint32_t flags = (uint32_t)p->direction | reception(p) << FLAGS_RECEPTION_SHIFT;
	if (p->checksum_unfinished)
		flags |= FLAGS_CHECKSUM_NOT_READY;
	if (p->segmentation)
		flags |= FLAGS_SEGMENTATION;
	return flags;
}

size_t pcapng_packet_room(const struct pcapng_packet *p)
{
	return PCAPNG_BLOCK_ROOM + p->captured;
}

void pcapng_put_packet(struct bytes_writer *w, const struct pcapng_packet *p)
{
	size_t start = begin(w, PCAPNG_PACKET);
	put_le32(w, p->interface);
	put_time(w, p->when_ns);
	put_le32(w, p->captured);
	put_le32(w, p->len);
	put_padded(w, p->bytes, p->captured);
	put_option_head(w, EPB_FLAGS, 4);
	put_le32(w, flags_of(p));
	if (p->lost)
		put_number(w, EPB_DROPCOUNT, p->lost);
	put_text(w, OPT_COMMENT, p->comment);
	end(w, start);
}

void pcapng_put_statistics(struct bytes_writer *w, const struct pcapng_statistics *s)
{
	size_t start = begin(w, PCAPNG_STATISTICS);
	put_le32(w, s->interface);
	put_time(w, s->when_ns);
	put_time_option(w, ISB_STARTTIME, s->started_ns);
	put_time_option(w, ISB_ENDTIME, s->when_ns);
	put_number(w, ISB_IFRECV, s->received);
	put_number(w, ISB_IFDROP, s->lost);
	end(w, start);
}

/* --- reading --- */

static uint16_t get_le16(struct bytes_reader *r)
{
	const uint8_t *p = bytes_take(r, 2);
	return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

static uint32_t get_le32(struct bytes_reader *r)
{
	uint32_t low = get_le16(r);
	return low | (uint32_t)get_le16(r) << 16;
}

static uint64_t get_le64(struct bytes_reader *r)
{
	uint64_t low = get_le32(r);
	return low | (uint64_t)get_le32(r) << 32;
}

/* The number in option @wanted; 0 when it is absent. */
static uint64_t find_number(struct bytes_reader *r, enum option_code wanted)
{
	while (!r->failed && r->left > 0) {
		uint16_t code = get_le16(r), len = get_le16(r);
		if (code == OPT_END)
			break;
		if (code == wanted && len == 8)
			return get_le64(r);
		bytes_skip(r, len + padding(len));
	}
	return 0;
}

static void parse_packet(struct bytes_reader *r, struct pcapng_block *block)
{
	block->interface = get_le32(r);
	bytes_skip(r, 8);
	uint32_t captured = get_le32(r);
	bytes_skip(r, 4);
	bytes_skip(r, captured);
	bytes_skip(r, padding(captured));
	block->lost = find_number(r, EPB_DROPCOUNT);
}

static void parse_statistics(struct bytes_reader *r, struct pcapng_block *block)
{
	block->interface = get_le32(r);
	bytes_skip(r, 8);
	block->lost = find_number(r, ISB_IFDROP);
}

int pcapng_parse_block(const void *bytes, size_t len, struct pcapng_block *ret, size_t *ret_need)
{
	struct bytes_reader r = bytes_reader(bytes, len);
	struct pcapng_block block = { .type = get_le32(&r), .len = get_le32(&r) };
	if (r.failed) {
		*ret_need = 8;
		return 0;
	}
	if (block.len < BLOCK_EMPTY_LEN || block.len > BLOCK_LEN_MAX || block.len & 3)
		return -EBADMSG;
	if (block.len > len) {
		*ret_need = block.len;
		return 0;
	}
	r = bytes_reader((const uint8_t *)bytes + 8, block.len - BLOCK_EMPTY_LEN);
	if (block.type == PCAPNG_PACKET)
		parse_packet(&r, &block);
	else if (block.type == PCAPNG_STATISTICS)
		parse_statistics(&r, &block);
	*ret = block;
	return 1;
}
