/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A room: memory that a guest's port lends for one packet (struct port_room), in pieces of any size. */
#pragma once

#include "lan/port.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Describes @len bytes of @room from @from on in up to @max pieces; returns the number of pieces. */
unsigned room_slice(const struct port_room *room, size_t from, size_t len, struct iovec *ret, unsigned max);
/* Writes @len bytes to the front of @room, which must hold them in ENGINE_IOV_MAX pieces. */
void room_write(const struct port_room *room, const void *bytes, size_t len);
