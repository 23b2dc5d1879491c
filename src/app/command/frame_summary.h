/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Describes a dropped frame in one line, from its first bytes. */
#pragma once

/* @hex: the frame from its Ethernet header on. "" if it is too short. A string to g_free(). */
char *frame_summary(const char *hex);
