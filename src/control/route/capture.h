/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The streams of captures, which outlive their requests. */
#pragma once

struct control;

/* When both threads are at rest and requests are gone. */
void capture_streams_free(struct control *c);
