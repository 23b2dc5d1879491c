/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The streams of captures, which may outlive their requests. */
#pragma once

struct control;

/* When neither thread runs and requests are freed. */
void capture_streams_free(struct control *c);
