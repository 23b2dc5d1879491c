/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first bytes of a frame that was dropped, in words. */
#pragma once

/* @hex: from the Ethernet header on.  "" when there is nothing to say.  A string to g_free(). */
char *frame_summary(const char *hex);
