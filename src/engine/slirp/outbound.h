/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libslirp sends to a guest, on its way to the gateway: unsolicited datagrams are taken out, private
 * addresses translated.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct stack;

/* An Ethernet frame that @s sends.  Called from within libslirp: must not call it. */
void outbound_frame(struct stack *s, const uint8_t *frame, size_t len);
