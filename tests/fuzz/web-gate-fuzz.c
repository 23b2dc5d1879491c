/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heads of requests as strangers send them to the port of `lanlet web`.  What is admitted has the session's key in it, which is told
 * only to what has the link's token in it, and that once.
 */
#include "app/web/gate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* Of one letter each, so that an input can have them. */
static struct web_gate gate_of(char once, char session)
{
	struct web_gate g = { .used = false };
	memset(g.once, once, TOKEN_SIZE - 1);
	memset(g.session, session, TOKEN_SIZE - 1);
	return g;
}

static bool has(const char *bytes, size_t len, const char *token)
{
	return memmem(bytes, len, token, TOKEN_SIZE - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct web_gate g = gate_of('a', 'b');
	g_autofree char *head = g_memdup2(data, size); /* of its own, so that reading behind it shows */
	gsize len = web_head_len(head, size);
	check(len <= size);
	if (len == 0)
		return 0;
	for (unsigned turn = 0; turn < 2; turn++) {
		g_autoptr(GString) answer = g_string_new(NULL);
		if (web_gate_admits(&g, head, len, answer)) {
			check(has(head, len, g.session) && answer->len == 0);
			continue;
		}
		check(g_str_has_prefix(answer->str, "HTTP/1.1 ") && web_head_len(answer->str, answer->len) > 0);
		check(!has(answer->str, answer->len, g.once));
		check(!has(answer->str, answer->len, g.session) || (turn == 0 && g.used && has(head, len, g.once)));
	}
	return 0;
}
