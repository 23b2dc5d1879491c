/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process was started with and main() changes for itself: kept for a command that is to run as if it had been
 * started directly.
 */
#pragma once

/* Once, before anything else; files that are made from now on are for the owner alone. */
void inherited_save(void);
/* Gives back the umask and the disposition of SIGPIPE. */
void inherited_restore(void);
