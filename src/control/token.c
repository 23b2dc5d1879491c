/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/token.h"

#include "host/entropy.h"

#include <glib.h>
#include <string.h>

void token_make(char ret[static TOKEN_SIZE])
{
	guint8 bytes[TOKEN_BYTES];
	entropy_get(bytes, sizeof(bytes));
	for (unsigned i = 0; i < TOKEN_BYTES; i++)
		g_snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

bool token_is(const char token[static TOKEN_SIZE], const char *guess)
{
	unsigned char differs = 0;
	if (!guess || strlen(guess) != TOKEN_SIZE - 1)
		return false;
	for (size_t i = 0; i < TOKEN_SIZE - 1; i++)
		differs |= (unsigned char)(guess[i] ^ token[i]);
	return !differs;
}

const char *token_of(SoupMessageHeaders *headers)
{
	static const char scheme[] = "Bearer ";
	const char *header = soup_message_headers_get_one(headers, "Authorization");
	return header && g_ascii_strncasecmp(header, scheme, strlen(scheme)) == 0 ? header + strlen(scheme) : NULL;
}
