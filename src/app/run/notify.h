/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells the parent process and the service manager that the network is ready or stopping. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Sends @state ("READY=1\n…") to the service manager, sd_notify(3). Does nothing if $NOTIFY_SOCKET is not set. */
bool notify_manager(const char *state, GError **error);

/* Writes @line and a line feed to @fd, and closes it in any case. */
bool notify_ready_fd(int fd, const char *line, GError **error);
