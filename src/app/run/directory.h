/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private directories, and claims on them: only one process can hold a claim, which ends with the process. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Creates @path and missing parents with mode 0700. An existing directory must belong to the user, not be a link and not be
 * writable by others; so must its parent if @parent_too.
 */
bool directory_make_private(const char *path, bool parent_too, GError **error);

/*
 * Claims @dir by a lock on its file @lock_name, which holds the process id. A descriptor that keeps the claim until it is closed,
 * or -1. FAILURE_RUNNING if another process has the claim; the message names that process and @what.
 */
int directory_claim(const char *dir, const char *lock_name, const char *what, GError **error);
