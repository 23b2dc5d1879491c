/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories that only we may write to, and the claim on one: of all processes that ask for the same directory one
 * gets it, until it ends, however it ends.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Makes @path and what is missing above it with mode 0700.  A directory that is there already must be ours, no
 * link, and not writable by others; the same goes for the one above it when @parent_too.
 */
bool directory_make_private(const char *path, bool parent_too, GError **error);

/*
 * Claims @dir by a lock on its file @lock_name, which holds our process id.  A descriptor that keeps the claim
 * until it is closed, or -1.  FAILURE_RUNNING when another process has it; the message names that process and @what.
 */
int directory_claim(const char *dir, const char *lock_name, const char *what, GError **error);
