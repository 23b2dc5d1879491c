/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/tftp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OPTION_TEXT_SIZE 32u

/* Takes the text that ends with the next NUL.  -EBADMSG: there is none, or the text is longer than @size allows. */
static int take_text(struct bytes_reader *r, char *ret, size_t size)
{
	size_t len = r->left > 0 ? strnlen((const char *)r->at, r->left) : 0;
	if (len >= r->left || len >= size)
		return -EBADMSG;
	memcpy(ret, bytes_take(r, len + 1), len + 1);
	return 0;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

/* Decimal digits only.  False above @max. */
static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || v > (max - (uint64_t)(*text - '0')) / 10)
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	*ret = v;
	return true;
}

static void take_option(const char *name, const char *value, struct tftp_options *ret)
{
	uint64_t v;
	if (!parse_number(value, UINT64_MAX / 16, &v))
		return;
	if (strcasecmp(name, "blksize") == 0 && v >= TFTP_BLOCK_MIN && v <= TFTP_BLOCK_MAX)
		ret->block_size = (uint16_t)v;
	else if (strcasecmp(name, "timeout") == 0 && v >= 1 && v <= UINT8_MAX)
		ret->timeout_s = (uint8_t)v;
	else if (strcasecmp(name, "windowsize") == 0 && v >= 1 && v <= UINT16_MAX)
		ret->window_size = (uint16_t)v;
	else if (strcasecmp(name, "tsize") == 0) {
		ret->has_size = true;
		ret->size = v;
	}
}

static int parse_request(struct bytes_reader *r, struct tftp_packet *ret)
{
	char mode[OPTION_TEXT_SIZE], name[OPTION_TEXT_SIZE], value[OPTION_TEXT_SIZE];
	if (take_text(r, ret->file, sizeof(ret->file)) < 0 || ret->file[0] == '\0' || !is_printable(ret->file) ||
	    take_text(r, mode, sizeof(mode)) < 0)
		return -EBADMSG;
	ret->is_octet = strcasecmp(mode, "octet") == 0;
	while (r->left > 0 && take_text(r, name, sizeof(name)) == 0 && take_text(r, value, sizeof(value)) == 0)
		take_option(name, value, &ret->options);
	return 0;
}

int tftp_parse(const void *packet, size_t len, struct tftp_packet *ret)
{
	struct bytes_reader r = bytes_reader(packet, len);
	struct tftp_packet p = { .opcode = bytes_get_be16(&r) };
	if (r.failed)
		return -EBADMSG;
	if ((p.opcode == TFTP_RRQ || p.opcode == TFTP_WRQ) && parse_request(&r, &p) < 0)
		return -EBADMSG;
	if (p.opcode == TFTP_ACK)
		p.block = bytes_get_be16(&r);
	if (r.failed)
		return -EBADMSG;
	*ret = p;
	return 0;
}

static void put_text(struct bytes_writer *w, const char *text)
{
	bytes_put(w, text, strlen(text) + 1);
}

static void put_option(struct bytes_writer *w, const char *name, uint64_t value)
{
	char text[OPTION_TEXT_SIZE];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	put_text(w, name);
	put_text(w, text);
}

void tftp_emit_oack(struct bytes_writer *w, const struct tftp_options *o)
{
	bytes_put_be16(w, TFTP_OACK);
	if (o->block_size)
		put_option(w, "blksize", o->block_size);
	if (o->timeout_s)
		put_option(w, "timeout", o->timeout_s);
	if (o->has_size)
		put_option(w, "tsize", o->size);
	if (o->window_size)
		put_option(w, "windowsize", o->window_size);
}

void tftp_emit_data(struct bytes_writer *w, uint16_t block)
{
	bytes_put_be16(w, TFTP_DATA);
	bytes_put_be16(w, block);
}

void tftp_emit_error(struct bytes_writer *w, enum tftp_error code, const char *text)
{
	bytes_put_be16(w, TFTP_ERROR);
	bytes_put_be16(w, (uint16_t)code);
	put_text(w, text);
}
