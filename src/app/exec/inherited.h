/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Process attributes that main() changes and `lanlet exec` restores for its command. */
#pragma once

/* Called once, at start. Files created from now on are private to the owner. */
void inherited_save(void);
/* Restores the umask and the disposition of SIGPIPE. */
void inherited_restore(void);
