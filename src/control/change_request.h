/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that change the network (network/change.h) between two of its turns, and are answered with the result. */
#pragma once

struct lanlet_network;
struct request;

#include <stddef.h>

/*
 * Calls @change with @text on the network's thread.  Answers with 204; with {"id": N} if it returns a number; or with 400, 403, 404, 409 or
 * 500 and its error.
 */
void request_change(struct request *r, const char *text,
		    int (*change)(struct lanlet_network *n, const char *text, char *error, size_t size));
