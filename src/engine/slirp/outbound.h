/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets from libslirp to a guest: filters unsolicited datagrams and translates libslirp's private addresses. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct stack;

/* Handles an Ethernet frame that @s sends. Called from within libslirp, so it must not call libslirp. */
void outbound_frame(struct stack *s, const uint8_t *frame, size_t len);
