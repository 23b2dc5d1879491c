/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bearer tokens (RFC 6750 §2.1): 256 random bits in hexadecimal. */
#pragma once

#include <libsoup/soup.h>
#include <stdbool.h>

#define TOKEN_BYTES 32u
#define TOKEN_SIZE (2 * TOKEN_BYTES + 1)

void token_make(char ret[static TOKEN_SIZE]);
/* Compares in constant time.  @guess may be NULL. */
bool token_is(const char token[static TOKEN_SIZE], const char *guess);
/* The bearer token of the Authorization header, borrowed; NULL: there is none. */
const char *token_of(SoupMessageHeaders *headers);
