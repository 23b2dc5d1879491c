/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which program has a TCP or UDP port of the host, for error messages about a port that is in use.  Connected UDP sockets do not
 * count.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes "NAME (process N)" to @ret, or "a program of the user NAME" when the process is not visible.  -ENOENT when no socket with the
 * port is visible.  Slow: reads the tables of sockets and of processes in /proc.
 */
int port_owner_find(bool udp, uint16_t port, char *ret, size_t size);
