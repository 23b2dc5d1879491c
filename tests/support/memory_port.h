/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A port for tests: keeps copies of the frames sent to it. */
#pragma once

#include "lan/port.h"

#include <glib.h>

struct memory_port {
	struct port port;
	GPtrArray *frames; /* GBytes, whole frames */
	unsigned flushes;
};

void memory_port_init(struct memory_port *m, struct segment *s, const char *name, size_t max_frame);
void memory_port_done(struct memory_port *m);
/* Sends a frame of @len bytes from @m to the segment and ends the turn. */
void memory_port_input(struct memory_port *m, usec_t now, const void *bytes, size_t len);
/* Sends a frame of @len bytes, at least 14, from @src to all; its ethertype is 0. */
void memory_port_speak(struct memory_port *m, struct mac src, size_t len);
/* The bytes of frame @index; fails the test when there is no such frame. */
const uint8_t *memory_port_frame(const struct memory_port *m, unsigned index, size_t *ret_len);
void memory_port_clear(struct memory_port *m);
