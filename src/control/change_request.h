/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that change one thing of the network (network/change.h): asked for, done between two turns, answered by how it went. */
#pragma once

struct lanlet_network;
struct request;

#include <stddef.h>

/*
 * Has @change done with @text, and answers with 204, with {"id": N} when it returns a number of what it made, or with 400, 403, 404, 409
 * or 500 and what it said.
 */
void request_change(struct request *r, const char *text,
		    int (*change)(struct lanlet_network *n, const char *text, char *error, size_t size));
