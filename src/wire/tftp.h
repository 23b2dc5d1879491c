/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TFTP packets (RFC 1350), with options (RFC 2347): block size (2348), timeout and transfer size (2349), window size (7440). */
#pragma once

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TFTP_PORT 69
#define TFTP_HEADER_LEN 4u  /* of DATA and ACK */
#define TFTP_FILE_SIZE 512u /* room for a file's name with its NUL */
#define TFTP_BLOCK_DEFAULT 512u
#define TFTP_BLOCK_MIN 8u     /* RFC 2348 */
#define TFTP_BLOCK_MAX 65464u /* RFC 2348 */

enum tftp_opcode {
	TFTP_RRQ = 1,
	TFTP_WRQ = 2,
	TFTP_DATA = 3,
	TFTP_ACK = 4,
	TFTP_ERROR = 5,
	TFTP_OACK = 6,
};

enum tftp_error {
	TFTP_ERROR_OTHER = 0,
	TFTP_ERROR_NOT_FOUND = 1,
	TFTP_ERROR_ACCESS = 2,
	TFTP_ERROR_ILLEGAL = 4,
};

/* The options of a request or an OACK.  A number is 0 when its option is absent. */
struct tftp_options {
	uint16_t block_size;  /* TFTP_BLOCK_MIN to TFTP_BLOCK_MAX */
	uint8_t timeout_s;    /* 1 to 255 */
	uint16_t window_size; /* at least 1 */
	bool has_size;
	uint64_t size; /* of the file; a client sends 0 */
};

/* What a client sends. */
struct tftp_packet {
	uint16_t opcode;           /* enum tftp_opcode; the members below are those of RRQ, WRQ and ACK */
	char file[TFTP_FILE_SIZE]; /* unchecked, but without control characters */
	bool is_octet;             /* its mode */
	struct tftp_options options;
	uint16_t block;
};

/* -EBADMSG: not a whole packet, a name that is too long or empty or has control characters.  Options that are not valid are ignored. */
int tftp_parse(const void *packet, size_t len, struct tftp_packet *ret);

void tftp_emit_oack(struct bytes_writer *w, const struct tftp_options *o);
/* The header of a DATA packet, whose bytes follow. */
void tftp_emit_data(struct bytes_writer *w, uint16_t block);
void tftp_emit_error(struct bytes_writer *w, enum tftp_error code, const char *text);
