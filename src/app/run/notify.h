/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling whoever started us that we are ready, and that we are about to end. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Sends @state ("READY=1\n…") to the service manager, sd_notify(3).  Nothing happens when $NOTIFY_SOCKET is
 * not set.
 */
bool notify_manager(const char *state, GError **error);

/* Writes @line and a line feed to @fd and closes it in any case. */
bool notify_ready_fd(int fd, const char *line, GError **error);
