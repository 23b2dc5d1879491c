/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has a TCP or UDP port of this machine: for the error of somebody who wanted it.  A socket that hears its one peer only does not
 * count.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "NAME (process N)" in @ret, or "a program of the user NAME" when the system shows no more of it.  -ENOENT when nobody is seen to have
 * the port.  Reads the tables of sockets and of processes in /proc: for errors, not for every packet.
 */
int port_owner_find(bool udp, uint16_t port, char *ret, size_t size);
