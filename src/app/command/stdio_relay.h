/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard input and output joined to a stream socket, as ssh's ProxyCommand wants it. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Carries bytes both ways until both sides have ended: each end is passed on as an end, and the other direction goes on.  @fd is a
 * blocking socket, and in use until the process ends.  False, and why, when something failed.
 */
bool stdio_relay_run(int fd, GError **error);
