/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secrets of 256 random bits that clients show as bearer tokens (RFC 6750 §2.1), in hexadecimal. */
#pragma once

#include <libsoup/soup.h>
#include <stdbool.h>

#define TOKEN_BYTES 32u
#define TOKEN_SIZE (2 * TOKEN_BYTES + 1)

void token_make(char ret[static TOKEN_SIZE]);
/* Takes the same time whatever was guessed right.  @guess may be NULL. */
bool token_is(const char token[static TOKEN_SIZE], const char *guess);
/* What a request's Authorization says, borrowed; NULL when it says nothing of this kind. */
const char *token_of(SoupMessageHeaders *headers);
