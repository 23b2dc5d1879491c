/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of an HTTP/1.x request for a file (RFC 9112), and of the answer to it.  Only as much as boot loaders need. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTTP_HEAD_MAX 4096u /* bytes of a request's head */
#define HTTP_PATH_SIZE 1024u

struct http_request {
	bool is_get, is_head;      /* neither: another method */
	bool keep_alive;           /* the client may send another request */
	bool has_body;             /* which is not read */
	char path[HTTP_PATH_SIZE]; /* decoded, without its query; begins with "/" */
	bool has_range;            /* bytes first to last of the file, of which there may be fewer */
	uint64_t first, last;      /* last: UINT64_MAX when it is open */
};

/*
 * Parses a head at the start of @bytes.  Returns its length with the empty line; -EAGAIN: it is not complete; -EBADMSG; -E2BIG: it has
 * more than HTTP_HEAD_MAX bytes.
 */
ssize_t http_request_parse(const void *bytes, size_t len, struct http_request *ret);

/* Room for every head that http_answer_format() writes. */
#define HTTP_ANSWER_SIZE 256u

/*
 * Writes the head of an answer with @status and @length bytes of a body; returns its length.  @range: of status 206, of a file of @size
 * bytes.
 */
size_t http_answer_format(unsigned status, uint64_t length, bool keep_alive, const struct http_request *range, uint64_t size,
			  char ret[static HTTP_ANSWER_SIZE]);
