/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connects standard input and output to a stream socket, for ssh's ProxyCommand. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Relays bytes both ways until both sides have ended. The end of one direction is passed on, while the other continues. @fd is a
 * blocking socket and stays in use until the process exits. False, with an error, on failure.
 */
bool stdio_relay_run(int fd, GError **error);
