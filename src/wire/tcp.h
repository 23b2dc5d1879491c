/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP header and the options that a NAT engine needs (RFC 9293 §3.1–3.2, RFC 7323, RFC 2018). */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"
#include "wire/checksum.h"

#define TCP_HEADER_LEN 20
#define TCP_HEADER_MAX 60
#define TCP_SACK_MAX 4

/* Offsets of fields in the header. */
#define TCP_SEQ_AT 4
#define TCP_DATA_OFFSET_AT 12
#define TCP_FLAGS_AT 13
#define TCP_URGENT_AT 18

enum tcp_flag {
	TCP_FIN = 1 << 0,
	TCP_SYN = 1 << 1,
	TCP_RST = 1 << 2,
	TCP_PSH = 1 << 3,
	TCP_ACK = 1 << 4,
	TCP_URG = 1 << 5,
	TCP_ECE = 1 << 6,
	TCP_CWR = 1 << 7,
};

/* Bytes that options take as tcp_emit() writes them, padding included. */
#define TCP_TIMESTAMPS_LEN 12u

static inline uint32_t tcp_sack_len(unsigned n_blocks)
{
	return n_blocks > 0 ? 4 + 8 * n_blocks : 0;
}

struct tcp_sack_block {
	uint32_t left, right;
};

struct tcp_header {
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags; /* enum tcp_flag */
	uint16_t window;
	uint16_t checksum, urgent;
	uint8_t header_len; /* bytes, with options */

	/* Options.  A malformed one ends the list and is ignored (RFC 9293 §3.2). */
	bool has_mss, has_window_scale, sack_permitted, has_timestamps;
	uint16_t mss;
	uint8_t window_scale; /* at most 14 (RFC 7323 §2.3) */
	uint32_t ts_value, ts_echo;
	uint8_t n_sack;
	struct tcp_sack_block sack[TCP_SACK_MAX];
};

/* -EBADMSG when truncated or the data offset is impossible.  Consumes the options, too. */
int tcp_parse(struct bytes_reader *r, struct tcp_header *ret);
/* Writes the header with its options, padded; the checksum as given; ignores header_len. */
void tcp_emit(struct bytes_writer *w, const struct tcp_header *h);
/*
 * Sets sequence number, flags and checksum (host order) in a copy of a super-frame's header (TSO) of at least TCP_HEADER_LEN
 * bytes.
 */
void tcp_set_segment(uint8_t *header, uint32_t seq, uint8_t flags, uint16_t checksum);
