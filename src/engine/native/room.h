/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room that a guest's port lends for one packet (port_room): memory in pieces that begin and end anywhere. */
#pragma once

#include "lan/port.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* The pieces of @room from @from on, @len bytes or as many as @max pieces hold; returns how many pieces. */
unsigned room_slice(const struct port_room *room, size_t from, size_t len, struct iovec *ret, unsigned max);
/* Writes @len bytes to the front of @room, which has room for them in ENGINE_IOV_MAX pieces. */
void room_write(const struct port_room *room, const void *bytes, size_t len);
